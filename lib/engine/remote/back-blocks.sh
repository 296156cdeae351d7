# Our blocks in files of others, as diff/block-text.ts has it: those that are there are replaced where they stand, others
# come at the end by name, what leaves goes, and all else stays byte for byte.
# shellcheck disable=SC2016 # awk's own variables

merge_blocks() { # FILE WANTED REMOVED: WANTED has NAME US FILE OF ITS TEXT, REMOVED has names; prints the new content
  mb_open=
  [ ! -s "$1" ] || [ -z "$(tail -c 1 -- "$1")" ] || mb_open=1
  awk -F "$US" -v open="$mb_open" '
    function put(text, unended) { printf "%s%s", text, unended ? "" : "\n"; ended = !unended; some = 1 }
    function put_block(name,  i) {
      if (some && !ended) printf "\n"
      put("# BEGIN citadel-iac " name)
      for (i = 1; i <= size[name]; i++) put(body[name, i])
      put("# END citadel-iac " name)
      placed[name]
    }
    function marker(text, begin) { return substr(text, 1, length(begin)) == begin ? substr(text, length(begin) + 1) : "" }
    FILENAME == ARGV[1] { order[++wanted] = $1; size[$1] = 0
      while ((getline one < $2) > 0) body[$1, ++size[$1]] = one
      close($2); next }
    FILENAME == ARGV[2] { removed[$1]; next }
    { line[++n] = $0 }
    END {
      b = "# BEGIN citadel-iac "; e = "# END citadel-iac "
      for (i = 1; i <= n; i++) {
        stray = marker(line[i], e); name = stray != "" ? stray : marker(line[i], b)
        last = i
        if (stray == "" && name != "") {
          for (j = i + 1; j <= n; j++) {
            if (line[j] == e name) { last = j; break }
            if (marker(line[j], b) != "" || marker(line[j], e) != "") break
          }
          # Without its end, a block has as many of the lines that follow as are known to be its own.
          if (last == i) while (last < n && last - i < size[name] && body[name, last - i + 1] == line[last + 1]) last++
        }
        if (name == "" || !(name in size || name in removed)) {
          for (; i < last; i++) put(line[i])
          put(line[i], open && i == n)
          continue
        }
        if (name in size && !(name in placed) && stray == "") put_block(name)
        i = last
      }
      for (k = 1; k <= wanted; k++) if (!(order[k] in placed)) put_block(order[k])
    }' "$2" "$3" "$1"
}

# $W/blocks: PATH US create, update, delete, same or odd US NOTE; the new contents stand in $W/tree.
look_blocks() {
  : >"$W/blocks"
  keys_of blocks >"$W/blocks.paths"
  while IFS= read -r lb_path; do
    printf '%s\n' "$lb_path" >"$W/one"
    awk -F "$US" -v OFS="$US" -v folder="$TO/way/objects/" 'FILENAME == ARGV[1] { path = $0; next } $1 == path { print $2, folder $3 }' \
      "$W/one" "$TO/way/blocks" | sort >"$W/blocks.want"
    awk -F "$US" 'FILENAME == ARGV[1] { path = $0; next } FILENAME == ARGV[2] { want[$1]; next } $1 == path && !($2 in want) { print $2 }' \
      "$W/one" "$W/blocks.want" "$FROM/way/blocks" >"$W/blocks.gone"
    lb_live=$ROOT$lb_path
    if [ ! -s "$W/blocks.want" ]; then
      # A file that is managed as a whole now, or that is not there any more.
      if grep -qF -- "$US$lb_path$US" "$TO/way/want" && awk -F "$US" 'FILENAME == ARGV[1] { path = $0; next }
        $2 == path && $1 ~ /^(files|symlinks|directories)$/ { found = 1 } END { exit !found }' "$W/one" "$TO/way/want"; then continue; fi
      if [ ! -f "$lb_live" ] || [ -L "$lb_live" ]; then continue; fi
    fi
    if { [ -e "$lb_live" ] || [ -L "$lb_live" ]; } && { [ ! -f "$lb_live" ] || [ -L "$lb_live" ]; }; then
      stop "$lb_path is not a regular file on this host, and a block can only stand in one" 'Put a regular file there.'
    fi
    mkdir -p "$W/tree${lb_path%/*}" || return 1
    lb_action=update
    if [ ! -e "$lb_live" ]; then
      : >"$W/blocks.none" && merge_blocks "$W/blocks.none" "$W/blocks.want" "$W/blocks.gone" >"$W/tree$lb_path" || return 1
      lb_action=create
    else
      merge_blocks "$lb_live" "$W/blocks.want" "$W/blocks.gone" >"$W/tree$lb_path" || return 1
      [ -s "$W/blocks.want" ] || lb_action=delete
      ! cmp -s -- "$lb_live" "$W/tree$lb_path" || lb_action=same
    fi
    lb_note=
    [ "$lb_action" != delete ] || lb_note='only our blocks go; the file stays'
    printf '%s%s%s%s%s\n' "$lb_path" "$US" "$lb_action" "$US" "$lb_note" >>"$W/blocks"
  done <"$W/blocks.paths"
}
