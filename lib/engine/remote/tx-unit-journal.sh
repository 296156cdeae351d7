# What the journal says of a unit that failed: its last words, and before them the error that came first. A service of several
# processes says at its end that one of them failed, and hundreds of lines above why.

unit_journal() { # UNIT
  uj_last=$(journalctl -q --no-pager -o cat -n 15 -u "$1" 2>/dev/null)
  uj_first=$(this_start "$1" | first_error)
  if [ -n "$uj_first" ]; then
    # Seen already where it stands among the last.
    case $uj_last in *"$uj_first"*) ;; *) printf 'first error: %s\n' "$uj_first" ;; esac
  fi
  [ -z "$uj_last" ] || printf '%s\n' "$uj_last"
}

this_start() { # UNIT: what it has said since it was last started, no more than 20,000 lines of it
  ts_id=$(systemctl show -P InvocationID -- "$1" 2>/dev/null)
  [ -n "$ts_id" ] || return 0
  journalctl -q --no-pager -o cat -n 20000 "_SYSTEMD_INVOCATION_ID=$ts_id" 2>/dev/null
}

# `ValueError: …`, `org.x.SomeException: …`, `FATAL: …`, `panic: …`: what programs call an error, with what it is about. A line of a
# program that only logs at the level of errors has no colon there.
first_error() {
  LC_ALL=C awk '
    /(^|[^A-Za-z0-9_])[A-Za-z_][A-Za-z0-9_.]*(Error|Exception): ./ || /(^|[^A-Za-z])(FATAL|[Ff]atal error|panic): ./ {
      print substr($0, 1, 500)
      exit
    }'
}
