# What a person at the host's console reads of a way back: the records of tx-journal.sh as sentences, while they are made, and
# how it ended. On a copy of standard output: many commands have theirs in a file.

ALOUD=
speak_up() { { command exec 8>&1; } 2>/dev/null && ALOUD=1; }

aloud() { # KIND FIELD...
  case $1 in
    step) al_text=$2${3:+ $3} ;;
    note) al_text=$2 ;;
    idle) al_text="did not start again with the files of before: $2" ;;
    left) al_text="could not be undone: $([ "$2" = path ] || printf '%s ' "$2")$3: $4" ;;
    failure) al_text="${3:+$3: }$(printf '%s' "$4" | base64 -d 2>/dev/null)" ;;
    *) return 0 ;;
  esac
  printf '  %s\n' "$al_text" | tr -d '\000-\010\013-\037\177' >&8
}

tell() { [ -z "$ALOUD" ] || printf '%s\n' "$1" | tr -d '\000-\010\013-\037\177' >&8; }

tell_open() { # what there is to be ended, before it is
  [ -n "$ALOUD" ] && [ -L "$BASE/open" ] || return 0
  to_id=$(readlink "$BASE/open")
  tell "The transaction ${to_id##*/}, of $(head -n 1 "$BASE/open/who" 2>/dev/null), is ended:"
}

tell_end() { # STATUS of the recovery, with RECOVERED the outcome of what was open, or nothing
  te_current=$(readlink "$BASE/current")
  te_at='has no generation yet'
  [ -z "$te_current" ] || te_at="is at generation ${te_current##*/}"
  case $1$RECOVERED in
    0) tell "No transaction is open: there is nothing to end. The host $te_at." ;;
    0committed) tell "Done: all of it was in place already. The host $te_at." ;;
    0rolled-back) tell "Done: it is undone. The host $te_at." ;;
    0refused) tell "Done: it had changed nothing. The host $te_at." ;;
    0*) tell "Done: $RECOVERED. The host $te_at." ;;
    *)
      tell 'NOT ended: nothing else is applied to this host until it is. Let the causes above go and run this again, or go on with what
is there now: citadel-rollback resolve --accept, or from the operator'"'"'s machine: citadel-iac resolve HOST --accept'
      ;;
  esac
}
