# What an undo could not do, path by path, and what ends it: what `citadel-iac resolve HOST` does, at the host's own console.
# shellcheck disable=SC2016 # awk's own variables

# The folder of this program: it may be that of the open transaction, whose link goes when it has ended.
BIN=$(readlink -f -- "${0%/*}")

resolve() {
  [ -z "$WORD" ] || usage "one word too many: $WORD"
  scratch "${TMPDIR:-/tmp}"
  if [ ! -L "$BASE/open" ]; then
    if [ -n "$JSON_OUT" ]; then echo '{"open": null, "left": []}'; else echo 'Nothing to resolve. No transaction is open.'; fi
    return 0
  fi
  rs_id=$(readlink "$BASE/open")
  rs_id=${rs_id##*/}
  if [ -e "$BASE/lock" ] && ! flock --shared --nonblock "$BASE/lock" true; then
    stop "$(tr "$US" ' ' <"$BASE/lock") is at work on this host; nothing was changed" \
      'Wait for its end, then look again: citadel-rollback resolve' 75
  fi
  # No field holds a line end: paths of a document cannot, and reasons are one line.
  left_places | tr '\n\0' '?\n' >"$W/left"
  if [ -z "$HOW" ] || [ -n "$DRY" ]; then
    if [ -n "$JSON_OUT" ]; then left_json; else left_text; fi
    return 1
  fi
  if [ -z "$JSON_OUT" ] || [ -z "$YES" ]; then tell "$(left_text)"; fi
  case $HOW in
    retry) rs_question='Undo what is left?' ;;
    *) rs_question='Leave this host as it is now, and keep the copies of before?' ;;
  esac
  [ -n "$YES" ] || confirm "$rs_question"
  "resolve_by_$HOW"
}

resolve_by_retry() {
  if [ -n "$JSON_OUT" ]; then
    /bin/sh "$BIN/tx.sh" "${ROOT:--}" recover </dev/null >&2
  else
    /bin/sh "$BIN/tx.sh" "${ROOT:--}" recover </dev/null
  fi
  rr_status=$?
  if [ "$rr_status" = 0 ]; then
    rs_next='This host is at a whole generation again.'
    resolved undone
  elif [ -n "$JSON_OUT" ]; then
    left_places | tr '\n\0' '?\n' >"$W/left" && left_json
  fi
  return "$rr_status"
}

resolve_by_accept() {
  rs_said=$(/bin/sh "$BIN/tx.sh" "${ROOT:--}" accept "$rs_id" </dev/null)
  case $rs_said in
    accepted)
      rs_next="What was there before is kept in $BASE/kept/$rs_id/tree."
      resolved accepted
      ;;
    running) stop 'a transaction is at work; nothing was changed' 'Wait for its end and try again.' 75 ;;
    other) stop 'the transaction that was shown is not open any more; nothing was changed' 'Look again: citadel-rollback resolve' ;;
    untried)
      stop 'nothing has tried to undo this transaction yet, so there is nothing to accept' \
        'citadel-rollback resolve --retry brings this host to a whole generation.'
      ;;
    *)
      stop "the copies of what was there before could not be kept (${rs_said#failed }); nothing was changed" \
        'Make room in /var and try again.'
      ;;
  esac
}

resolved() { # OUTCOME, with rs_next
  if [ -n "$JSON_OUT" ]; then
    printf '%s\n' "$rs_next" | awk -v outcome="$1" "$JSON"'{ printf "{\"outcome\": %s, \"next\": %s}\n", text(outcome), text($0) }'
  else
    printf '%s: %s\nSee what differs from the generation: citadel-rollback drift\n' "$1" "$rs_next"
  fi
}

open_facts() { # ID US WHO US SINCE US STATE
  of_dir=$BASE/staging/$rs_id
  printf '%s' "$rs_id"
  for of_file in who time state; do printf '%s%s' "$US" "$(first_line "$of_dir/$of_file")"; done
  printf '\n'
}

left_text() {
  { open_facts && cat "$W/left"; } | awk -v how="$HOW" -v separator="$US" '
    function now(seen, whose,  f, words) {
      words = whose == "before" ? "as it was before" : whose == "transaction" ? "as that transaction put it" : \
        whose == "absent" ? "nothing" : "neither as before nor as that transaction put it"
      if (seen == "") return words
      split(seen, f, " ")
      while (length(f[2]) < 4) f[2] = "0" f[2]
      return (f[1] == "f" ? "file" : f[1] == "d" ? "directory" : f[1] == "l" ? "symbolic link" : "special file") " " f[2] " " \
        f[3] ":" f[4] (f[1] == "f" ? ", " f[5] " bytes" : "") ", " words
    }
    NR == 1 { open = $0; next }
    { field[(NR - 2) % 7] = $0 }
    (NR - 2) % 7 == 6 {
      item[++n] = "  - " (field[1] == "path" ? field[2] : field[1] (field[2] == "" ? "" : " " field[2])) ": " field[3]
      if (field[5] != "") item[n] = item[n] "\n      now:    " now(field[4], field[5])
      if (field[6] != "") item[n] = item[n] "\n      before: " field[6]
    }
    END {
      split(open, f, separator)
      of = "a transaction of " f[2] " from " f[3] " (" f[1] ")"
      print n ? "Could not undo " of ":" : "Not ended: " of " was interrupted (" f[4] ")."
      for (i = 1; i <= n; i++) print item[i]
      retry = n ? "undoes what is left, and nothing else" : "brings this host to a whole generation, as a reboot does"
      accept = "goes on with what is there now; the copies of before are kept on this host"
      if (how == "retry") print "--retry " retry "."
      else if (how == "accept") print "--accept " accept "."
      else {
        print "  citadel-rollback resolve --retry   " (n ? "once the cause is gone: " : "") retry
        if (n || f[4] == "undoing") print "  citadel-rollback resolve --accept  " accept
      }
    }' | clean
}

left_json() {
  { open_facts && cat "$W/left"; } | awk -v how="$HOW" -v dry="$DRY" -v separator="$US" "$JSON"'
    function add(name, value) { return value == "" ? "" : ", \"" name "\": " text(value) }
    NR == 1 { split($0, f, separator); next }
    { field[(NR - 2) % 7] = $0 }
    (NR - 2) % 7 == 6 {
      all = all (all == "" ? "" : ", ") "{\"kind\": " text(field[1]) ", \"item\": " text(field[2]) ", \"reason\": " text(field[3]) \
        add("now", field[4]) add("whose", field[5]) add("kept", field[6]) "}"
    }
    END {
      printf "{\"open\": {\"id\": %s, \"who\": %s, \"since\": %s, \"state\": %s}, \"left\": [%s]%s}\n", \
        text(f[1]), text(f[2]), text(f[3]), text(f[4]), all, dry == "" ? "" : add("would", how)
    }'
}
