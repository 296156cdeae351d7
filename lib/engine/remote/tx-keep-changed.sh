# A file that is written to between its copy for the way back and its replacement: by a person, or by a package of this
# transaction. The switch would lose that version, so it is kept and named. undo/<phase>.seen: PATH US and what tells a change.

file_stamps() { # of the files in $SAVE.keep, one a line
  { (cd -- "$ROOT/" && xargs -0 -r stat -c "%F$US%n$US%i$US%s$US%y$US%z" --) <"$SAVE.keep" || true; } 2>/dev/null |
    sed -n "s/^regular[^$US]*$US//p" | sort
}

keep_changed() { # PHASE
  SAVE=$DIR/undo/$1
  [ -s "$SAVE.seen" ] || return 0
  file_stamps | comm -13 "$SAVE.seen" - | cut -d "$US" -f 1 >"$SAVE.changed" || return 1
  while IFS= read -r kc_path <&3; do
    kc_path=${kc_path#.}
    # Only its owner or mode, what this transaction has put there already, and what is not replaced as a whole.
    if cmp -s -- "$SAVE.tree$kc_path" "$ROOT$kc_path" || cmp -s -- "$DIR/tree$kc_path" "$ROOT$kc_path" ||
      grep -q "^\(block\|attr\)$US$(pattern_of "$kc_path")$US" "$DIR/ops/paths-$1"; then continue; fi
    ITEM=$kc_path
    keep_copy "$kc_path" "$ROOT$kc_path" || return 1
    say note "$kc_path was changed by others while this transaction ran; that version is kept in ${KEPT#"$ROOT"}$kc_path"
  done 3<"$SAVE.changed"
  rm -f "$SAVE.seen" "$SAVE.changed"
}

pattern_of() { printf '%s' "$1" | sed 's/[].[*^$\\]/\\&/g'; } # TEXT: for grep
