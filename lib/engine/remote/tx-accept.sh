# Ends a transaction whose undo left something, with what is there now. What was left undone keeps its copy of before in
# kept/ID/tree, with the files left, who and time of the transaction.

keep_all() { # of a transaction of a version that wrote down no paths
  for ka_phase in a b c; do
    [ ! -d "$DIR/undo/$ka_phase.tree" ] || cp -a -- "$DIR/undo/$ka_phase.tree/." "$BASE/kept/$ID/tree/" || return 1
  done
} 2>"$DIR/words"

keep_left() {
  while IFS=$US read -r kl_kind kl_item _; do
    [ "$kl_kind" = path ] || continue
    for kl_phase in a b c; do
      kl_from=$DIR/undo/$kl_phase.tree$kl_item
      if exists "$kl_from"; then keep_copy "$kl_item" "$kl_from" || return 1; fi
    done
  done <"$DIR/undo/left"
}

keep_record() {
  for kr_file in undo/left who time; do
    [ ! -e "$DIR/$kr_file" ] || cp -- "$DIR/$kr_file" "$BASE/kept/$ID/" || return 1
  done
  # The only record of an account that is gone.
  ! grep -qs "^accounts$US" "$DIR/undo/left" || cp -a -- "$DIR/undo/accounts" "$BASE/kept/$ID/" || return 1
} 2>"$DIR/words"

# Prints "accepted", or "running" while a transaction is at work, "other" when this one is not open (any more), "untried" when
# nothing has tried to undo it yet, or "failed WORDS".
accept_left() { # with ID set
  case $ID in '' | *[!0-9a-f-]*) exit 64 ;; esac
  [ "$(readlink "$BASE/open")" = "staging/$ID" ] || { echo other && return 0; }
  DIR=$BASE/staging/$ID
  # On the open file, so that it is held to the end of this program.
  exec 9>>"$BASE/lock"
  flock -n 9 || { echo running && return 0; }
  [ "$(readlink "$BASE/open")" = "staging/$ID" ] || { echo other && return 0; }
  [ -s "$DIR/undo/left" ] || [ -e "$DIR/outcome" ] || { echo untried && return 0; }
  mkdir -p "$BASE/kept/$ID/tree"
  if [ -s "$DIR/undo/left" ]; then al_keep=keep_left; else al_keep=keep_all; fi
  if ! { "$al_keep" && keep_record && keep_accepted && sync -f "$BASE"; }; then
    printf 'failed %s\n' "$(tail -n 1 "$DIR/words")"
    return 0
  fi
  state accepted
  close_transaction
  drop_payload
  finish accepted
  echo accepted
}
