# A path that was ours as a whole and becomes a file of others with blocks of ours in it: it carries again what their file
# carried, ACL and extended attributes, of which a document says nothing.

carry_attributes() { # of the staged files, after they have their owners and modes
  [ -d "$BASE/originals" ] && [ -s "$DIR/ops/after" ] || return 0
  sed -n "s/^block$US\([^$US]*\)$US.*/\1/p" "$DIR/ops/after" | sort -u | while IFS= read -r ca_path; do
    [ -f "$DIR/tree$ca_path" ] || continue
    original_id "$ca_path" || exit 1
    ca_copy=$BASE/originals/$ORIGINAL_ID/copy
    if [ ! -f "$ca_copy" ] || [ -L "$ca_copy" ]; then continue; fi
    { cp -a --attributes-only -- "$ca_copy" "$DIR/tree$ca_path" && touch -- "$DIR/tree$ca_path"; } 2>"$DIR/words" || exit 1
  done
}
