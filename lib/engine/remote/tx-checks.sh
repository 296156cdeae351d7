# Health gates. ops/checks: KIND NAME WAVE TIMEOUT ARGUMENT...
#   unit NAME WAVE TIMEOUT UNIT | tcp … HOST PORT | http … STATUS URL HOST PORT REQUEST | command … ARGV...
# A host has no curl by right: bash is essential on Debian and Ubuntu and opens TCP connections by itself.

check_tcp() { # HOST PORT
  # shellcheck disable=SC2016 # expanded by bash
  timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>"$DIR/words"
}

check_http() { # STATUS URL HOST PORT REQUEST
  case $2 in
    https:*)
      ch_got=$(timeout 10 curl -gsSo /dev/null -w '%{http_code}' --max-time 8 -- "$2" 2>"$DIR/words")
      ;;
    *)
      # shellcheck disable=SC2016
      ch_got=$(timeout 10 bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1
        case $0 in *:*) name="[$0]" ;; *) name=$0 ;; esac # RFC 3986, 3.2.2
        printf "GET %s HTTP/1.0\r\nHost: %s:%s\r\nConnection: close\r\n\r\n" "$2" "$name" "$1" >&3
        IFS=" " read -r -u 3 -t 8 version status rest && printf %s "$status"' "$3" "$4" "$5" 2>"$DIR/words")
      ;;
  esac
  [ "$ch_got" = "$1" ] && return 0
  printf 'GET %s answered %s, not %s\n' "$2" "${ch_got:-nothing}" "$1" >>"$DIR/words"
  return 1
}

check_unit() { # UNIT
  cu_state=$(systemctl is-active -- "$1" 2>/dev/null)
  [ "$cu_state" = active ] && return 0
  { printf '%s is %s\n' "$1" "$cu_state"; unit_journal "$1"; } >"$DIR/words"
  return 1
}

# What a check prints: no more than 16 MiB of it, so that one that prints without end does not fill the disk on which the way back
# has to work. dd(1) writes what it has read at once.
FIRST_WORDS='dd bs=4096 count=4096 2>/dev/null; exec cat >/dev/null'

check_command() { # ARGV...
  # What the try before it said stays where this one says nothing.
  if ! { rm -f -- "$DIR/words.pipe" && mkfifo -- "$DIR/words.pipe"; } 2>"$DIR/words.now"; then
    mv -f -- "$DIR/words.now" "$DIR/words"
    return 1
  fi
  # As without_locks, and one process that takes its own with it when it is ended.
  timeout "$((CHECK_LEFT + 30))" /bin/sh -c "$FIRST_WORDS" <"$DIR/words.pipe" >"$DIR/words.now" 3<&- 7>&- 8>&- 9>&- &
  cc_reader=$!
  without_locks timeout -k 5 "$CHECK_LEFT" "$@" >"$DIR/words.pipe" 2>&1 </dev/null 3<&-
  cc_status=$?
  # The reader ends with it, unless it left a process behind that holds its output open: that is not waited for.
  for cc_nap in 0.01 0.04 0.05 0.1 0.3 0.5; do
    kill -0 "$cc_reader" 2>/dev/null || break
    sleep "$cc_nap"
  done
  kill "$cc_reader" 2>/dev/null
  wait "$cc_reader" 2>/dev/null
  rm -f -- "$DIR/words.pipe"
  [ "$cc_status" != 0 ] || return 0
  if [ -s "$DIR/words.now" ]; then
    mv -f -- "$DIR/words.now" "$DIR/words"
  elif [ "$cc_status" != 124 ] && [ "$cc_status" != 137 ]; then # timeout(1): ended by TERM, by KILL
    printf 'it ended with exit status %s and said nothing\n' "$cc_status" >"$DIR/words"
  elif ! [ -s "$DIR/words" ]; then # else what the try before it said tells more
    printf 'it did not end in time and said nothing\n' >"$DIR/words"
  fi
  return 1
}

check_once() { # KIND ARGUMENT...
  co_kind=$1
  shift
  case $co_kind in
    unit) check_unit "$@" ;;
    tcp) check_tcp "$@" ;;
    http) check_http "$@" ;;
    command) check_command "$@" ;;
    *) return 1 ;;
  esac
}

# Seconds, by a clock that no one sets: time servers, people and virtual machines move the other one in either direction.
now() { sed 's/[. ].*//' /proc/uptime; }

run_checks() { # WAVE: each check is asked again until it holds or its time is over
  on_host && [ -s "$DIR/ops/checks" ] || return 0
  while IFS= read -r rc_line <&3; do
    rc_old=$IFS
    IFS=$US
    set -f
    # shellcheck disable=SC2086 # split at US, on purpose
    set -- $rc_line
    IFS=$rc_old
    set +f
    [ "$3" = "$WAVE" ] || continue
    rc_kind=$1
    ITEM=$2
    rc_end=$(($(now) + $4))
    shift 4
    say step check "$ITEM"
    : >"$DIR/words"
    while :; do
      CHECK_LEFT=$((rc_end - $(now)))
      [ "$CHECK_LEFT" -ge 1 ] || CHECK_LEFT=1
      check_once "$rc_kind" "$@" && break
      if failed_before "$ITEM"; then
        say note "check $ITEM fails as it did before this change"
        break
      fi
      [ "$(now)" -lt "$rc_end" ] || return 1
      sleep 0.3
    done
  done 3<"$DIR/ops/checks"
}
