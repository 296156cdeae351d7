# The journal of one transaction: where it stands, what was said, how it ended.
# $DIR is its folder: staging/<id> while it runs, generations/<N> once committed.
#
# Here and below, "true >FILE" makes an empty file: a redirection that fails ends the whole program with ":" or "exec".

meta() { # KEY: the value of one line "KEY=value" of the meta file
  sed -n "s/^$1=//p" "$DIR/meta"
}

say() { # KIND FIELD...: one record for the operator, fields separated by US
  [ -z "$ALOUD" ] || aloud "$@"
  say_line=$1
  shift
  for say_field in "$@"; do
    say_line=$say_line$US$say_field
  done
  printf '%s\n' "$say_line" >>"$DIR/progress"
}

state() { # NAME: where the transaction stands; survives a crash of the machine
  printf '%s\n' "$1" >"$DIR/state.new" && mv -T "$DIR/state.new" "$DIR/state" && sync -f "$DIR/state"
} 2>"$DIR/words"

# A failure is kept in variables, so that it can be told before and after an undo.
FAILED=
fail() { # STEP ITEM [FILE]: remembers the first failure; FILE holds the tool's own words
  [ -n "$FAILED" ] && return 0
  FAILED=$1
  # On a full disk there would be no room to say why.
  rm -f "$DIR/ballast"
  fail_words=$(tail -c 16384 "${3:-/dev/null}" 2>/dev/null | base64 -w0)
  # Nor for what a tool had to say.
  [ -n "$fail_words" ] || fail_words=$(df -h --output=avail,target "$DIR" | sed -n '2s/^ */no reason was given; free space: /p' | base64 -w0)
  say failure "$1" "$2" "$fail_words"
}

fail_text() { # STEP ITEM TEXT
  printf '%s\n' "$3" >"$DIR/words"
  fail "$1" "$2" "$DIR/words"
}

finish() { # OUTCOME: the last record; a follower stops here
  finish_current=$(readlink "$BASE/current" 2>/dev/null)
  printf '%s\n' "$1" >"$DIR/outcome"
  say end "$1" "${finish_current##*/}"
}

# Files that may hold secrets do not outlive the transaction that brought them, nor do its scratch files.
drop_payload() {
  rm -rf "$DIR/tree" "$DIR/undo" "$DIR/originals" "$DIR/ops" "$DIR/own" "$DIR/secrets" "$DIR/way"
  drop_scratch
}

drop_scratch() {
  rm -rf "$DIR/checks-before"
  rm -f "$DIR"/words* "$DIR"/validate.* "$DIR"/expect.* "$DIR"/after.* "$DIR"/facts* "$DIR"/touched "$DIR/settling" "$DIR/checks-failed" "$DIR/bad" \
    "$DIR"/block.* "$DIR/state.new" "$DIR/pid" "$DIR/complete" "$DIR/ballast" "$DIR/fstab.live" "$DIR/asked" "$DIR/ends"
}
