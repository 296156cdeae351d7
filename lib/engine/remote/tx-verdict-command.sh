# A program that the document itself names: its exit status is the verdict.

# JUDGED: the words that were run already. Without "%s" the program finds its files by itself, and reads the same for each.
judge_command() { # FILE WORDS TREE: words as in ops/validate; TREE: where there is no candidate
  case $2 in
    *%s*) ;;
    *)
      if [ -n "$3" ]; then
        say note "there is no tree of the host as it will be, and $(tool_of command "$2") was not asked about ${1#"$3"}"
        return 0
      fi
      case $JUDGED in *"|$2|"*) return 0 ;; esac
      JUDGED="$JUDGED|$2|"
      ;;
  esac
  (run_command "$1" "$2") >"$DIR/words.all" 2>&1 </dev/null
  jc_status=$?
  [ "$jc_status" -eq 0 ] || [ -s "$DIR/words.all" ] ||
    printf '%s said nothing and ended with exit status %s\n' "$(tool_of command "$2")" "$jc_status" >"$DIR/words.all"
  return "$jc_status"
}

run_command() { # FILE WORDS: in a shell of its own
  rc_file=$1
  IFS=$US
  set -f
  # shellcheck disable=SC2086 # split at the separator, and nowhere else
  set -- $2
  rc_left=$#
  while [ "$rc_left" -gt 0 ]; do
    rc_word=$1
    shift
    case $rc_word in *%s*) rc_word=${rc_word%%\%s*}$rc_file${rc_word#*\%s} ;; esac
    set -- "$@" "$rc_word"
    rc_left=$((rc_left - 1))
  done
  unset IFS
  exec "$@"
}
