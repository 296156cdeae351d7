# What stood at a path before the first generation that named it: kept when that generation is made, put back when the
# path leaves the configuration. ops/adopt-<phase>: PATH of what this generation is the first to name; a second field N where
# blocks of ours (ops/block-N) stood in it until now.
# originals/<sha256 of the path>: "copy" (or "made": nothing stood there), "path", and "by", the transaction that kept it. Not a tree: a link that is kept
# would lead astray what is kept of a path below it. Root's alone, as they may hold anything. Of a directory the copy is an
# empty one with its owner, mode and attributes.

original_id() { # PATH: sets ORIGINAL_ID
  oi_sum=$(printf '%s' "$1" | sha256sum) || return 1
  ORIGINAL_ID=${oi_sum%% *}
}

keep_originals() { # PHASE [brought]: before anything of it is touched
  [ -s "$DIR/ops/adopt-$1" ] || return 0
  while IFS=$US read -r ko_path ko_blocks <&3; do
    [ -f "$ROOT$ko_path" ] || [ -L "$ROOT$ko_path" ] || [ -d "$ROOT$ko_path" ] || continue
    if [ -n "${2-}" ] && { cmp -s -- "$DIR/tree$ko_path" "$ROOT$ko_path" || grep -qsxF -- "$ko_path" "$DIR/undo/made"; }; then continue; fi
    original_id "$ko_path" || return 1
    ko_to=$DIR/originals/$ORIGINAL_ID
    [ ! -e "$ko_to/by" ] || continue
    ITEM=$ko_path
    rm -rf "$ko_to" && mkdir -p "$ko_to" || return 1
    take_accepted "$ko_path" "$ko_to" ||
      { copy_itself "$ROOT$ko_path" "$ko_to/copy" && without_blocks "$ko_to/copy" "$ko_blocks"; } || return 1
    # A file that was made for our blocks, and that no one else wrote into, did not stand there before us.
    if [ -n "$ko_blocks" ] && [ ! -s "$ko_to/copy" ] && grep -qsxF -- "$ko_path" "$BASE/block-files"; then
      rm -f -- "$ko_to/copy" && true >"$ko_to/made" || return 1
    fi
    printf '%s\n' "$ko_path" >"$ko_to/path" && printf '%s\n' "$ID" >"$ko_to/by" || return 1
  done 3<"$DIR/ops/adopt-$1"
  ITEM=
} 2>"$DIR/words"

copy_itself() { # FROM TO: with all that it carries, but for what is in a directory
  if is_directory "$1"; then
    mkdir -- "$2" && tar -C "$1" --no-recursion --xattrs --acls -cf - . | tar -C "$2" --xattrs --xattrs-include='*' --acls --numeric-owner -xpf -
  else
    cp -a -- "$1" "$2"
  fi
}

without_blocks() { # FILE N
  if [ -z "$2" ] || [ ! -f "$1" ] || [ -L "$1" ]; then return 0; fi
  merge_blocks put "$2" "$1" "$1" && cat -- "$DIR/block.new" >"$1"
  wi_status=$?
  rm -f "$DIR"/block.*
  return "$wi_status"
}

# What packages bring for a path of ours was not ours either. Sources of packages are ours, and in their place by then.
keep_brought() {
  [ ! -s "$DIR/ops/packages-install" ] || keep_originals a brought
}

# What comes into view only now was there before us as well: behind a link of this transaction, for one.
keep_late_original() { # PATH, after it was kept for the undo
  kn_list=$DIR/ops/adopt-${SAVE##*/}
  [ -s "$kn_list" ] && cut -d "$US" -f 1 "$kn_list" | grep -qxF -- "$1" || return 0
  original_id "$1" || return 1
  kn_to=$DIR/originals/$ORIGINAL_ID
  [ ! -e "$kn_to/by" ] || return 0
  rm -rf "$kn_to" && mkdir -p "$kn_to" && copy_itself "$ROOT$1" "$kn_to/copy" && printf '%s\n' "$1" >"$kn_to/path" && printf '%s\n' "$ID" >"$kn_to/by"
}

# A part of the commit, which may be repeated after a crash. What was kept of a path that left and comes again is no
# longer what stood there.
install_originals() {
  mkdir -p "$BASE/originals" || return 1
  for io_phase in a b; do
    [ -s "$DIR/ops/adopt-$io_phase" ] || continue
    find "$BASE/originals" -mindepth 2 -maxdepth 2 -name path -exec cat {} + >"$DIR/words.known" || return 1
    [ -s "$DIR/words.known" ] || break
    cut -d "$US" -f 1 "$DIR/ops/adopt-$io_phase" | grep -xF -f "$DIR/words.known" >"$DIR/words.again"
    while IFS= read -r io_path <&3; do
      original_id "$io_path" || return 1
      io_old=$BASE/originals/$ORIGINAL_ID
      if [ -d "$io_old" ] && [ "$(cat "$io_old/by")" != "$ID" ]; then set_aside || return 1; fi
    done 3<"$DIR/words.again"
  done
  for io_new in "$DIR"/originals/*; do
    [ -e "$io_new/by" ] || continue
    io_old=$BASE/originals/${io_new##*/}
    [ ! -d "$io_old" ] || set_aside || return 1
    mv -T "$io_new" "$io_old" && rm -rf "$BASE/accepted/${io_new##*/}" || return 1
  done
  rm -rf "$DIR/originals"
}

set_aside() { # $io_old: it may be a person's only copy, where it was never put back
  mkdir -p "$BASE/kept/$ID/originals" && rm -rf "$BASE/kept/$ID/originals/${io_old##*/}" &&
    mv -T "$io_old" "$BASE/kept/$ID/originals/${io_old##*/}"
}

put_original() { # PATH COPY
  if is_directory "$ROOT$1" && ! rmdir -- "$ROOT$1" 2>/dev/null; then
    # Someone else's files are in it.
    say note "directory $1 is not empty and stays; what stood there before it is kept in $2"
    return 0
  fi
  make_parents "$1" || return 1
  beside "$1"
  # With the time of the switch: by it programs tell whether a process has read a file.
  if cp -a -- "$ROOT$2" "$BESIDE" 2>"$DIR/words" && touch -h -- "$BESIDE" 2>"$DIR/words"; then
    move_into_place "$1"
    return
  fi
  rm -f -- "$BESIDE"
  return 1
}
