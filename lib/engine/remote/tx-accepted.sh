# What a person accepted in the place of an undo: what a transaction that never became a generation put there. It is ours, so
# that a generation which names the path later takes what stood there before that transaction for what was there before us.
# accepted/<sha256 of the path>: "path", "now" (what was accepted), and "copy", or "made" where nothing stood there before.

content_facts() { # PATH: its kind, target and digest
  printf '.%s\0' "$1" | path_facts "$ROOT" | grep -v -e "^[^$US]*${US}m$US" -e "${US}a$"
}

keep_accepted() { # of an accepted transaction, before its payload goes
  for ka_phase in a b; do
    [ -s "$DIR/ops/adopt-$ka_phase" ] || continue
    cut -d "$US" -f 1 "$DIR/ops/adopt-$ka_phase" >"$DIR/words.adopt" || return 1
    while IFS= read -r ka_path <&3; do
      if ! exists "$ROOT$ka_path" || ! cut -d "$US" -f 1,2 "$DIR/undo/left" | grep -qxF -- "path$US$ka_path"; then continue; fi
      original_id "$ka_path" || return 1
      ka_to=$BASE/accepted/$ORIGINAL_ID
      rm -rf "$ka_to" && mkdir -p "$ka_to" && content_facts "$ka_path" >"$ka_to/now" && printf '%s\n' "$ka_path" >"$ka_to/path" || return 1
      if exists "$DIR/originals/$ORIGINAL_ID/copy"; then
        cp -a -- "$DIR/originals/$ORIGINAL_ID/copy" "$ka_to/copy" || return 1
      else
        true >"$ka_to/made" || return 1
      fi
    done 3<"$DIR/words.adopt"
  done
} 2>"$DIR/words"

# False where nothing was accepted there, or a person has made something else of it since.
take_accepted() { # PATH TO, after original_id
  ta_from=$BASE/accepted/$ORIGINAL_ID
  [ -e "$ta_from/now" ] && content_facts "$1" | cmp -s - "$ta_from/now" || return 1
  if [ -e "$ta_from/made" ]; then true >"$2/made"; else cp -a -- "$ta_from/copy" "$2/copy"; fi
}
