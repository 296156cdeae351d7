# Runs one command on this host, and writes down that it did. Follows common.sh in the same program.
#
# Standard input: lines WHO, ACCOUNT (empty: root) and SECONDS, then the command and its arguments, each ended by NUL.
# Standard output: a line "citadel-run/1 STATUS LATE OUT MORE ERR MORE", then OUT bytes of what the command printed and ERR bytes of what it
# complained; MORE is how many further ones of each were left out, and LATE is 1 if its time was up.
IFS= read -r r_who
IFS= read -r r_account
IFS= read -r r_seconds
case $r_seconds in '' | *[!0-9]*) exit 64 ;; esac
RUNS=$BASE/runs
# So many runs are remembered, and so many bytes of each stream are handed over.
KEEP=200
LIMIT=65536

not_run() { # TEXT
  printf '%s; nothing was run\n' "$1" >&2
  [ -z "${r_dir-}" ] || rm -rf -- "$r_dir"
  exit 73
}

account() { # NAME: its line of passwd
  if [ -z "$ROOT" ]; then
    getent passwd "$1"
  else
    awk -F: -v name="$1" '$1 == name { print; found = 1; exit } END { exit !found }' "$ROOT/etc/passwd"
  fi
}

keep() { # NAME: standard input, as far as it is handed over; a process that the command left behind may go on writing here
  head -c "$LIMIT" >"$r_dir/$1"
  wc -c >"$r_dir/more.$1"
  : >"$r_dir/end.$1"
} 2>/dev/null

execute() {
  set -- timeout -k 10 "$r_seconds" env -i "PATH=$PATH" "HOME=$r_home" "USER=$r_name" "LOGNAME=$r_name" LANG=C.UTF-8
  if [ -n "$ROOT" ]; then
    set -- "$@" chroot "--userspec=+$r_uid:+$r_gid" "$ROOT"
  else
    cd -- "$r_home" 2>/dev/null || cd / || return 1
    [ "$r_uid" = 0 ] || set -- "$@" runuser -u "$r_name" --
  fi
  # Not xargs's own status, which is 123 for most of what a command can end with.
  # shellcheck disable=SC2016
  xargs -0 -x -n 4096 -s 131072 sh -c 's_file=$0; "$@"; echo "$?" >"$s_file"' "$r_dir/status.new" "$@" <"$r_dir/command"
}

settled() { # the streams are at their end, or a process that the command left behind holds them
  for s_try in 1 2 3 4 5 6 7 8 9 10 11; do
    if [ -e "$r_dir/end.out" ] && [ -e "$r_dir/end.err" ]; then return 0; fi
    [ "$s_try" = 1 ] || sleep 0.2
  done
}

size() { # FILE: its bytes, 0 if there is none
  if [ -e "$1" ]; then wc -c <"$1"; else printf '0\n'; fi
}

more() { # NAME
  m_count=
  [ ! -s "$r_dir/more.$1" ] || IFS=' ' read -r m_count <"$r_dir/more.$1"
  printf '%s\n' "${m_count:-0}"
}

prune() { # the oldest go; the names begin with the time
  p_count=$(find "$RUNS" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*' | wc -l)
  for p_dir in "$RUNS"/[0-9]*; do
    [ "$p_count" -gt "$KEEP" ] || return 0
    rm -rf -- "$p_dir"
    p_count=$((p_count - 1))
  done
}

r_passwd=$(account "${r_account:-root}") || not_run "there is no account \"${r_account:-root}\""
IFS=: read -r r_name _ r_uid r_gid _ r_home _ <<PASSWD
$r_passwd
PASSWD
r_now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
{ mkdir -p -- "$RUNS" && r_dir=$(mktemp -d "$RUNS/$(date -u +%Y%m%dT%H%M%S.%N)-XXXXXX"); } 2>/dev/null ||
  not_run "it could not be written down in $RUNS"
{
  printf '%s\n' "$r_now" >"$r_dir/time" && printf '%s\n' "$r_who" >"$r_dir/who" &&
    printf '%s\n' "$r_name" >"$r_dir/account" && cat >"$r_dir/command" && [ -s "$r_dir/command" ] &&
    mkfifo "$r_dir/out.pipe" "$r_dir/err.pipe"
} 2>/dev/null || not_run "it could not be written down in $RUNS"

r_start=$(date +%s)
keep out <"$r_dir/out.pipe" >/dev/null 2>&1 &
keep err <"$r_dir/err.pipe" >/dev/null 2>&1 &
execute >"$r_dir/out.pipe" 2>"$r_dir/err.pipe"
r_end=$(date +%s)
settled
r_status=
[ ! -s "$r_dir/status.new" ] || IFS= read -r r_status <"$r_dir/status.new"
[ -n "$r_status" ] || r_status=126
r_late=0
case $r_status in 124 | 137) [ "$((r_end - r_start))" -lt "$r_seconds" ] || r_late=1 ;; esac
printf '%s\n' "$r_status" >"$r_dir/status"

r_out=$(size "$r_dir/out")
r_err=$(size "$r_dir/err")
printf 'citadel-run/1 %s %s %s %s %s %s\n' "$r_status" "$r_late" "$r_out" "$(more out)" "$r_err" "$(more err)"
head -c "$r_out" -- "$r_dir/out"
head -c "$r_err" -- "$r_dir/err"
rm -f -- "$r_dir/out" "$r_dir/err" "$r_dir/out.pipe" "$r_dir/err.pipe" "$r_dir/more.out" "$r_dir/more.err" "$r_dir/end.out" \
  "$r_dir/end.err" "$r_dir/status.new"
prune
