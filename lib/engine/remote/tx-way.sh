# The prepared way: with it the host comes to this generation, or leaves it, without the operator's machine (back-main.sh).
# way/ comes with the transaction and stays with the generation. Texts that the host has already are not sent: they are
# linked from earlier generations, or copied from the files that this transaction does not change.

prepare_way() {
  [ -e "$DIR/way/parts" ] && [ -e "$DIR/way/blocks" ] || return 0
  pw_to=$DIR/way/objects
  mkdir -p "$pw_to" && { [ ! -d "$BASE/generations" ] || find "$BASE/generations" -mindepth 4 -maxdepth 4 \
    -path '*/way/objects/*' -type f -printf '%f\037%p\n'; } >"$DIR/words.there" || return 1
  # Once for each text: its name, and the first file that consists of it alone.
  awk -F "$US" -v OFS="$US" '
    FNR == NR { parts[$1]++; name[$1] = $2 == "text" ? $3 : ""; if ($2 == "text") all[$3] = ""; next }
    { all[$3] = "" }
    END { for (path in parts) if (parts[path] == 1 && name[path] != "") all[name[path]] = path
      for (one in all) print one, all[one] }' "$DIR/way/parts" "$DIR/way/blocks" >"$DIR/words.texts" || return 1
  awk -F "$US" 'FNR == NR { if (!($1 in at)) at[$1] = $2; next } $1 in at { print at[$1] }' \
    "$DIR/words.there" "$DIR/words.texts" | tr '\n' '\0' | xargs -0 -r ln -f -t "$pw_to" -- || return 1
  while IFS=$US read -r pw_name pw_path; do
    if [ -e "$pw_to/$pw_name" ] || [ -z "$pw_path" ] || [ ! -f "$ROOT$pw_path" ] || [ -L "$ROOT$pw_path" ]; then continue; fi
    cat -- "$ROOT$pw_path" >"$pw_to/$pw_name" || return 1
    [ "$(sha256sum <"$pw_to/$pw_name")" = "$pw_name  -" ] || rm -f -- "$pw_to/$pw_name"
  done <"$DIR/words.texts"
}

leave_way() { # how what cannot be compared with the document was left
  [ -e "$DIR/way/want" ] || return 0
  sed -n "s/^mounts$US\([^$US]*\)$US.*/\1/p" "$DIR/way/want" | look_mounts >"$DIR/way/mounts-left"
}
