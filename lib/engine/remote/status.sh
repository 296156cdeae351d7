# Prints what this host knows of its own state; writes nothing and compares nothing. Follows common.sh and reboot.sh in the same program.
# Standard input: a line with the directory of node exporter's textfiles.
# Standard output: "citadel-status/1", then fields ended by NUL: this moment (Unix time); of the current generation its number, digest, time, who
# and commit; of a transaction that has not ended its id, 1 if one is running, since when, whose, and how many things it left; what the programs of the host say of
# drift and of backups, in node exporter's terms; what reboot.sh says; "end". What is not there is empty.
IFS= read -r s_textfiles
if [ -d "$BASE" ] && [ ! -x "$BASE" ]; then
  printf '%s: Permission denied\n' "$BASE" >&2
  exit 1
fi

line() { # FILE: its first line
  l_text=
  [ ! -e "$1" ] || IFS= read -r l_text <"$1" || :
  printf '%s\0' "$l_text"
}

printf 'citadel-status/1\0%s\0' "$(date +%s)"
s_current=
[ ! -L "$BASE/current" ] || s_current=$(readlink -- "$BASE/current")
s_current=${s_current##*/}
printf '%s\0' "$s_current"
for s_name in digest time who commit; do line "$BASE/generations/$s_current/$s_name"; done

s_open=
s_running=0
s_left=0
[ ! -L "$BASE/open" ] || s_open=$(readlink -- "$BASE/open")
s_open=${s_open##*/}
if [ -n "$s_open" ]; then
  # A shared lock, let go at once: it fails exactly while a transaction holds its own.
  if [ -e "$BASE/lock" ] && command -v flock >/dev/null && ! flock --shared --nonblock "$BASE/lock" true; then s_running=1; fi
  [ ! -e "$BASE/staging/$s_open/undo/left" ] || s_left=$(wc -l <"$BASE/staging/$s_open/undo/left")
fi
printf '%s\0%s\0' "$s_open" "$s_running"
line "$BASE/staging/${s_open:-none}/time"
line "$BASE/staging/${s_open:-none}/who"
printf '%s\0' "$s_left"

# Samples of ours only, and no more of them than there can be.
grep -hs '^citadel_config_' -- "$ROOT$s_textfiles/citadel-drift.prom" | head -n 20 | tr -d '\0'
printf '\0'
grep -hsE '^citadel_backup_(last_success_timestamp|max_age)_seconds[{ ]' -- "$ROOT$s_textfiles/citadel-backup.prom" \
  "$ROOT$s_textfiles/citadel-expected.prom" | head -n 500 | tr -d '\0'
printf '\0'

reboot_facts
printf 'end\0'
