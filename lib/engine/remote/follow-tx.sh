# Tells the operator what a transaction says of itself, from its first line to its end. The open files stay readable
# when the transaction's folder moves to its generation.

open_progress() { # DIR
  [ -e "$1/progress" ] && [ -e "$1/alive" ] && command exec 5<"$1/progress" && command exec 6<"$1/alive"
} 2>/dev/null

# Everybody who works on a transaction (its own process, or one that ends it after a crash) holds a shared lock on its
# file "alive". Free for long without a last word: they all died. Prints that word in their place, as far as it is known.
fo_orphaned() { # DIR
  flock -n 6 || { fo_dead=0 && return 1; }
  flock -u 6
  fo_dead=$((fo_dead + 1))
  [ "$fo_dead" -ge 2 ] || return 1
  if [ -n "$ROOT" ] && [ "$fo_dead" = 2 ]; then
    # A host ends it by itself; on an offline root there is no one but us.
    /bin/sh "$1/bin/tx.sh" "$ROOT" recover >/dev/null
    return 1
  fi
  if [ "$(readlink "$BASE/open")" = "staging/$ID" ]; then
    [ "$fo_dead" -ge 15 ] || return 1
    fo_word=interrupted
  elif grep -qsx "id=$ID" "$BASE/current/meta"; then
    fo_word=committed
  elif [ "$(cat "$1/state")" = undone ]; then
    fo_word=rolled-back
  else
    # If it should begin after all, it finds that it is not wanted.
    true >"$1/cancel"
    flock -n 6 || { fo_dead=0 && return 1; }
    flock -u 6
    fo_word=refused
  fi
  fo_current=$(readlink "$BASE/current")
  printf 'end%s%s%s%s\n' "$US" "$fo_word" "$US" "${fo_current##*/}"
} 2>/dev/null

follow() { # DIR, after open_progress
  fo_quiet=0
  fo_dead=0
  while :; do
    fo_piece=$(cat <&5 && printf .)
    fo_piece=${fo_piece%.}
    printf '%s' "$fo_piece"
    case $NL$fo_piece in *"${NL}end$US"*) return 0 ;; esac
    fo_quiet=$((fo_quiet + 1))
    [ -z "$fo_piece" ] || fo_quiet=0
    if [ $((fo_quiet % 20)) = 19 ] && fo_orphaned "$1"; then return 0; fi
    sleep 0.05
  done
}

valid_id() { # what becomes a part of a path and of a unit's name
  case $1 in '' | *[!0-9a-f-]*) return 1 ;; esac
}
