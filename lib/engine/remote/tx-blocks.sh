# Our blocks in files of others. What is outside our markers is taken from the file as it is when it is written, so that a
# line which a package's script, a program or a person added meanwhile stays, forwards and on the way back.
# Operations: block PATH N. ops/block-N says what is wanted: "w NAME" and a line "t TEXT" for each line of that block, "r NAME"
# for one that goes. diff/block-text.ts has the same rules and makes what a plan shows.

# Three files: ops/block-N, the file as it was before this transaction, the file now. Prints what it is to be. A block that is
# neither as it was nor as it should be was changed by others: it stays, and its name goes into the file BLOCK_FOREIGN.
# mode: put | undo. *_nl: 0 where a last line has no line end.
# shellcheck disable=SC2016 # awk's own variables
MERGE_BLOCKS='
function is_begin(s) { return index(s, "# BEGIN citadel-iac ") == 1 }
function is_end(s) { return index(s, "# END citadel-iac ") == 1 }
function end_of(part, i, name, j, s) {
  for (j = i + 1; j <= n[part]; j++) {
    s = line[part, j]
    if (s == "# END citadel-iac " name) return j
    if (is_begin(s) || is_end(s)) return 0
  }
  return 0
}
function add(part, name, from, to, stray, j) {
  c = ++count[part]
  block[part, c] = name; first[part, c] = from; last[part, c] = to; is_stray[part, c] = stray
  for (j = from; j <= to; j++) raw[part, name] = raw[part, name] line[part, j] "\n"
}
function find(part, i, j, k, name) {
  for (i = 1; i <= n[part]; i++) {
    if (is_end(line[part, i])) { add(part, substr(line[part, i], 19), i, i, 1); continue }
    if (!is_begin(line[part, i])) continue
    name = substr(line[part, i], 21)
    j = end_of(part, i, name)
    if (!j) for (j = i; j < n[part] && j - i < texts[name] && line[part, j + 1] == text[name, j - i + 1]; ) j++
    add(part, name, i, j, 0)
    i = j
  }
}
function put(s, is_last) { out[++m] = s; open_end = is_last && !now_nl }
function put_raw(s, k, parts, i) { k = split(s, parts, "\n"); for (i = 1; i < k; i++) put(parts[i], 0) }
# After which line of the result a block goes that is not there any more: after the one that stood before it.
function insert(name, c, i, k, seen, at, s) {
  for (c = 1; block["was", c] != name; c++);
  if (first["was", c] == 1) at = 0
  else {
    s = line["was", first["was", c] - 1]
    for (i = 1; i < first["was", c]; i++) if (line["was", i] == s) k++
    at = m
    for (i = 1; i <= m; i++) if (out[i] == s && ++seen == k) { at = i; break }
  }
  k = split(raw["was", name], rows, "\n") - 1
  if (at < m) for (i = m; i > at; i--) out[i + k] = out[i]
  for (i = 1; i <= k; i++) out[at + i] = rows[i]
  if (at == m && k) open_end = 0
  m += k
}
part == "spec" {
  kind = substr($0, 1, 1); rest = substr($0, 3)
  if (kind == "t") { text[name, ++texts[name]] = rest; want[name] = want[name] rest "\n"; next }
  name = rest; names[++total] = name; texts[name] = 0; wanted[name] = kind == "w"; ours[name] = 1
  next
}
{ line[part, ++n[part]] = $0 }
END {
  find("was"); find("now")
  for (i = 1; i <= total; i++) {
    name = names[i]
    after = wanted[name] ? "# BEGIN citadel-iac " name "\n" want[name] "# END citadel-iac " name "\n" : ""
    is = raw["now", name]
    was = raw["was", name]
    if (is == was || is == after) {
      goal[name] = mode == "put" ? after : is == after ? was : is
    } else {
      print name > ENVIRON["BLOCK_FOREIGN"]
      goal[name] = is
    }
    same[name] = mode == "undo" && goal[name] == is
  }
  at = 1
  for (c = 1; c <= count["now"]; c++) {
    name = block["now", c]
    if (!(name in ours) || same[name]) continue
    for (i = at; i < first["now", c]; i++) put(line["now", i], i == n["now"])
    at = last["now", c] + 1
    if (goal[name] == "" || placed[name] || (mode == "put" && is_stray["now", c])) continue
    placed[name] = 1
    put_raw(goal[name])
  }
  for (i = at; i <= n["now"]; i++) put(line["now", i], i == n["now"])
  # Sorted, as they come.
  for (i = 1; i <= total; i++) {
    name = names[i]
    if (goal[name] == "" || placed[name] || same[name]) continue
    if (mode == "put") put_raw(goal[name])
    else { insert(name); placed[name] = 1 }
  }
  if (mode == "undo" && !was_nl && m && out[m] == line["was", n["was"]]) open_end = 1
  ORS = ""
  for (i = 1; i <= m; i++) print out[i] (i < m || !open_end ? "\n" : "")
}'

ends_with_line() { # FILE: 1 or 0
  if [ -n "$(tail -c 1 -- "$1")" ]; then echo 0; else echo 1; fi
}

merge_blocks() { # MODE N BEFORE NOW: writes $DIR/block.new, and into $DIR/block.foreign what others changed
  rm -f "$DIR/block.foreign"
  for mb_file in "$3" "$4"; do
    [ "$(tr -cd '\000' <"$mb_file" | head -c 1 | wc -c)" = 0 ] || {
      echo 'it holds a NUL byte, so it is no text, and no block can stand in it' >"$DIR/words"
      return 1
    }
  done
  BLOCK_FOREIGN=$DIR/block.foreign awk -v mode="$1" -v was_nl="$(ends_with_line "$3")" -v now_nl="$(ends_with_line "$4")" \
    "$MERGE_BLOCKS" part=spec "$DIR/ops/block-$2" part=was "$3" part=now "$4" >"$DIR/block.new" 2>"$DIR/words"
}

each_block() { # PHASE FUNCTION: with PATH and N
  [ -s "$DIR/ops/paths-$1" ] && grep -q "^block$US" "$DIR/ops/paths-$1" || return 0
  while IFS=$US read -r eb_op eb_path eb_n <&4; do
    [ "$eb_op" != block ] || "$2" "$eb_path" "$eb_n" || return 1
  done 4<"$DIR/ops/paths-$1"
}

# Validators read the files as they would be now.
stage_blocks() {
  for sb_phase in a b c; do each_block "$sb_phase" stage_block || return 1; done
  rm -f "$DIR"/block.*
  ITEM=
}

stage_block() { # PATH N
  ITEM=$1
  sb_now=/dev/null
  if is_directory "$DIR/tree$1"; then
    printf '%s stays a file of which only our blocks go, and the configuration has paths below it. Apply without those first: a file that was made for the blocks goes with them. Any other one has to be moved away.\n' "$1" >"$DIR/words"
    return 1
  fi
  (umask 022 && mkdir -p -- "$DIR/tree${1%/*}") 2>"$DIR/words" || return 1
  rm -f -- "$DIR/tree$1"
  if [ -f "$ROOT$1" ] && [ ! -L "$ROOT$1" ]; then
    sb_now=$ROOT$1
    cp -a -- "$sb_now" "$DIR/tree$1" 2>"$DIR/words" || return 1
  fi
  merge_blocks put "$2" "$sb_now" "$sb_now" && cat "$DIR/block.new" 2>"$DIR/words" >"$DIR/tree$1"
}

block_before() { # PATH: sets BLOCK_BEFORE to the copy that was kept, or to nothing
  for bb_from in "$SAVE.tree" "$SAVE.late.tree" ''; do
    BLOCK_BEFORE=/dev/null
    [ -n "$bb_from" ] || return 0
    BLOCK_BEFORE=$bb_from$1
    if [ -f "$BLOCK_BEFORE" ] && [ ! -L "$BLOCK_BEFORE" ]; then return 0; fi
  done
}

put_block() { # PATH N
  block_before "$1"
  # Where others changed nothing since, the way back is the copy itself.
  BLOCK_EXACT=1
  write_block put "$1" "$2"
  pb_status=$?
  rm -f "$DIR"/block.*
  return "$pb_status"
}

# These files have no lock. So the file is read, written to a new one next to it, which is renamed, and what a program wrote into it until then is
# found in the old file, which is kept open: then all is done once more with that. A way back that begins before that was looked
# at finds the old file by a second name (see restore_old_file).
write_block() { # MODE PATH N
  beside "$2"
  rm -f "$DIR"/block.*
  for wb_try in 1 2 3 4 5 6 7 8 9 10; do
    if ! exists "$ROOT$2"; then
      write_new_block "$1" "$2" "$3"
      return
    fi
    if [ ! -f "$ROOT$2" ] || [ -L "$ROOT$2" ]; then
      printf '%s is no regular file any more\n' "$2" >"$DIR/words"
      return 1
    fi
    { command exec 5<"$ROOT$2"; } 2>"$DIR/words" && cat -- "$ROOT$2" >"$DIR/block.old" 2>"$DIR/words" || return 1
    # By what was read: the file may be another one by now.
    cmp -s -- "$BLOCK_BEFORE" "$DIR/block.old" || BLOCK_EXACT=
    wb_now=$DIR/block.old
    if [ -e "$DIR/block.instead" ] && cmp -s "$DIR/block.put" "$DIR/block.old"; then
      wb_now=$DIR/block.instead
    elif [ -e "$DIR/block.added" ]; then
      cat "$DIR/block.old" "$DIR/block.added" >"$DIR/block.with" 2>"$DIR/words" || return 1
      wb_now=$DIR/block.with
    elif [ -e "$DIR/block.instead" ]; then
      printf '%s was written to by two programs at once\n' "$2" >"$DIR/words"
      return 1
    fi
    merge_blocks "$1" "$3" "$BLOCK_BEFORE" "$wb_now" || return 1
    may_write_block "$1" "$2" || return 1
    if cmp -s "$DIR/block.new" "$DIR/block.old"; then
      note_block "$1" "$2"
      return
    fi
    if [ "$1" = undo ] && [ ! -s "$DIR/block.new" ] && [ "$BLOCK_BEFORE" = /dev/null ]; then
      rm -f -- "$ROOT$2" 2>"$DIR/words"
      return
    fi
    if [ "$1" = put ] && is_empty_block_file "$2"; then
      rm -f -- "$ROOT$2" 2>"$DIR/words"
      return
    fi
    # With all that the file carries but its content; written from scratch it would lose the attributes.
    if ! { cp -a -- "$ROOT$2" "$BESIDE" && cat -- "$DIR/block.new" >"$BESIDE"; } 2>"$DIR/words" || ! note_block "$1" "$2"; then
      rm -f -- "$BESIDE"
      return 1
    fi
    swap_block "$1" "$2" "$3"
    case $? in 1) return 1 ;; 2) continue ;; esac
    cat <&5 >"$DIR/block.late" 2>"$DIR/words" || return 1
    exec 5<&-
    if cmp -s "$DIR/block.late" "$DIR/block.old"; then
      rm -f -- "$BESIDE.$3"
      return 0
    fi
    wb_size=$(stat -c %s "$DIR/block.old")
    rm -f "$DIR/block.added" "$DIR/block.instead"
    if [ "$wb_size" -lt "$(stat -c %s "$DIR/block.late")" ] && cmp -s -n "$wb_size" "$DIR/block.late" "$DIR/block.old"; then
      tail -c "+$((wb_size + 1))" "$DIR/block.late" >"$DIR/block.added"
    fi
    mv -f "$DIR/block.new" "$DIR/block.put" && mv -f "$DIR/block.late" "$DIR/block.instead" || return 1
    BLOCK_EXACT=
  done
  printf '%s is written to by another program all the time\n' "$2" >"$DIR/words"
  return 1
}

swap_block() { # MODE PATH N: 2 where it is another file by now
  sw_files=$(stat -L -c %d:%i -- "$ROOT$2" /proc/self/fd/5 2>/dev/null)
  if [ "$sw_files" != "${sw_files%%"$NL"*}$NL${sw_files%%"$NL"*}" ]; then
    rm -f -- "$BESIDE"
    BLOCK_EXACT=
    return 2
  fi
  sw_links=$(stat -c %h -- "$ROOT$2")
  [ "${sw_links:-1}" = 1 ] || say note "$2 had other names (hard links); they keep what it was before"
  # A file system may have no hard links.
  if [ "$1" = put ] && ! exists "$BESIDE.$3"; then ln -- "$ROOT$2" "$BESIDE.$3" 2>/dev/null; fi
  mv -fT -- "$BESIDE" "$ROOT$2" 2>"$DIR/words" && return 0
  rm -f -- "$BESIDE"
  return 1
}

write_new_block() { # MODE PATH N, where there is no file
  if [ "$1" = undo ]; then return 0; fi
  make_own_parents "$2" && note_block_file "$2" && merge_blocks put "$3" "$BLOCK_BEFORE" /dev/null && may_write_block put "$2" || return 1
  if (umask 022 && cat -- "$DIR/block.new" >"$BESIDE") 2>"$DIR/words" && set_access "$BESIDE" root root 0644 && note_block put "$2" &&
    mv -fT -- "$BESIDE" "$ROOT$2" 2>"$DIR/words"; then
    return 0
  fi
  rm -f -- "$BESIDE"
  return 1
}

may_write_block() { # MODE PATH: what others changed between our markers is theirs
  [ -s "$DIR/block.foreign" ] || return 0
  mw_names=$(sed "s/.*/\"&\"/" "$DIR/block.foreign" | tr '\n' ' ')
  if [ "$1" = put ]; then
    printf 'block %sin %s was changed by others after the plan, and stays as it is\n' "$mw_names" "$2" >"$DIR/words"
    return 1
  fi
  [ "$BLOCK_BEFORE" = /dev/null ] || keep_copy "$2" "$BLOCK_BEFORE" || return 1
  say note "block $mw_names""in $2 was changed by others meanwhile and stays as it is"
  printf '%s\n' "$2" >>"$SAVE.foreign"
}

# What the file is now, by this transaction; undo/<phase>.exact: PATH US SHA256 where nothing else changed in it.
note_block() { # MODE PATH
  [ "$1" = put ] || return 0
  nb_sum=$(sha256sum <"$DIR/block.new") || return 1
  nb_sum=${nb_sum%% *}
  printf '.%s%sk%sf%s\n.%s%ss%s%s\n' "$2" "$US" "$US" "$US" "$2" "$US" "$US" "$nb_sum" >>"$SAVE.after" || return 1
  if [ -n "$BLOCK_EXACT" ]; then printf '%s%s%s\n' "$2" "$US" "$nb_sum" >>"$SAVE.exact"; fi
} 2>"$DIR/words"

# The way back of one file: only our own blocks, unless nothing else has changed.
restore_block() { # PATH
  block_before "$1"
  rb_n=
  rb_path=$1
  each_block "${SAVE##*/}" remember_n && [ -n "$rb_n" ] || return 1
  rb_sum=$(sha256sum <"$ROOT$1") || return 1
  beside "$1"
  if [ -f "$BESIDE.$rb_n" ]; then
    restore_old_file "$1" "$BESIDE.$rb_n" "${rb_sum%% *}"
    return
  fi
  if grep -qsxF -- "$1$US${rb_sum%% *}" "$SAVE.exact"; then
    if [ "$BLOCK_BEFORE" = /dev/null ]; then rm -f -- "$ROOT$1" 2>"$DIR/words"; else restore_one "$1"; fi
    return
  fi
  if is_cut_short "$1"; then
    restore_one "$1"
    return
  fi
  BLOCK_EXACT=
  write_block undo "$1" "$rb_n"
  rb_status=$?
  rm -f "$DIR"/block.*
  return "$rb_status"
}

# The switch ended right after its rename: what others wrote meanwhile may be in the old file alone.
restore_old_file() { # PATH OLD SHA256 of PATH
  if grep -qsxF -- ".$1${US}s$US$3" "$SAVE.after"; then
    mv -fT -- "$2" "$ROOT$1" 2>"$DIR/words"
    return
  fi
  cmp -s -- "$2" "$BLOCK_BEFORE" || keep_copy "$1" "$2" || return 1
  rm -f -- "$2" 2>"$DIR/words" && restore_block "$1"
}

remember_n() { # PATH N
  [ "$1" != "$rb_path" ] || rb_n=$2
}
