# Between the last look at a file and the rename that replaces it there are milliseconds. Whoever writes into the file then,
# writes into the old inode: it is kept by a second name (undo/<phase>.old) until the switch is over, and compared once more.
# Only on the file system of our own folder; and who puts another file in its place in that moment is not seen: rename(2)
# does not tell what it replaces.

hold_old() { # reads paths (./etc/x), one a line
  mkdir -p "$SAVE.old" && (cd -- "$ROOT/" && xargs -d '\n' -r cp -fPl --parents -t "$SAVE.old" --)
  return 0
} 2>/dev/null

hold_one() { # PATH
  if [ -f "$ROOT$1" ] && [ ! -L "$ROOT$1" ]; then printf '.%s\n' "$1" | hold_old; fi
}

look_at_old() { # after the switch, and before an undo where that was cut off: what is not as it was kept is kept now, and named
  [ -d "$SAVE.old" ] || return 0
  (cd -- "$SAVE.old" && find . -type f -print0) 2>/dev/null >"$SAVE.held" || return 1
  for lo_tree in "$SAVE.tree" "$SAVE.late.tree"; do
    [ ! -d "$lo_tree" ] || digests "$lo_tree" <"$SAVE.held"
  done | sort >"$SAVE.held.was"
  digests "$SAVE.old" <"$SAVE.held" | sort | comm -13 "$SAVE.held.was" - | sed "s/^\.\([^$US]*\)$US.*/\1/" >"$SAVE.held.changed"
  while IFS= read -r lo_path <&3; do
    if cmp -s -- "$SAVE.old$lo_path" "$BASE/kept/$ID/tree$lo_path"; then continue; fi
    ITEM=$lo_path
    keep_copy "$lo_path" "$SAVE.old$lo_path" || return 1
    say note "$lo_path was changed by others while this transaction replaced it; that version is kept in ${KEPT#"$ROOT"}$lo_path"
  done 3<"$SAVE.held.changed"
  ITEM=
  rm -rf "$SAVE.old" "$SAVE.held" "$SAVE.held.was" "$SAVE.held.changed"
} 2>"$DIR/words"
