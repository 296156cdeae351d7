# What becomes of our blocks in files of others. They are merged by the transaction's own code (tx-blocks.sh): here only to
# see whether a file differs, there, at the switch, for good.
# $W/blocks: PATH US create, update, delete, same US NOTE US N: ops/block-N below $W/merge says what is wanted in it.
# $W/blocks.base: PATH US OWNER US GROUP US MODE of what was ours as a whole and becomes a file with blocks; $W/tree has it.
# $W/blocks.unblock: PATH US N of the contrary: N has the blocks that are not of what stood there before.
# shellcheck disable=SC2016 # awk's own variables

block_spec() { # PATH: what ops/block-N has of it
  printf '%s\n' "$1" | awk -F "$US" -v objects="$TO/way/objects/" '
    NR == 1 { path = $0; next }
    $1 != path { next }
    part == "to" { wanted[$2]; print "w " $2; while ((getline line < (objects $3)) > 0) print "t " line; close(objects $3); next }
    !($2 in wanted) { print "r " $2 }' - part=to "$TO/way/blocks" part=from "$FROM/way/blocks"
}

managed_whole() { # GENERATION PATH
  awk -F "$US" -v OFS="$US" '{ print $1, $2, "" }' "$1/way/want" | grep -qF -e "files$US$2$US" -e "symlinks$US$2$US" -e "directories$US$2$US"
}

# A file, link or directory of ours leaves as any other: what stood there before comes back, and our blocks into that (as
# diff/block-base.ts has it).
block_base() { # PATH: sets LB_BASE to the file, /dev/null or nothing, where it is the live one
  LB_BASE=
  printf '%s\n' "$1" | awk -F "$US" -v based="$W/base.access" '
    NR == 1 { path = $0; next }
    part == "items" {
      # A directory is marked only where it was there before.
      if ($2 == path && $1 ~ /^(files|symlinks|directories)$/) { ours = 1; is_directory = $1 == "directories"; mark = is_directory && $3 != 1 ? 0 : $3 }
      next
    }
    part == "parts" { if ($1 == path && $2 == "secret") secret = 1; next }
    $1 == "copy" && $2 == path { copy = $3; kind = $4; access = $5 FS $6 FS $7 }
    $1 == "owner" && $2 == path { owner = 1 }
    $1 == "made" && $2 == path { mark = 0 }
    $1 == "path" && $2 == path { now = $3 }
    END { if (!ours || now !~ (is_directory ? "^[df]?$" : "^[fl]?$")) print "live"; else if (copy != "") { print kind, copy; print path FS access >based }
      else if (secret || (mark == 0 && !owner)) print "nothing"; else print "live" }' \
    - part=items "$FROM/way/items" part=parts "$FROM/way/parts" part=live "$W/live" >"$W/base"
  read -r lb_kind lb_copy <"$W/base"
  case $lb_kind in
    live) ;;
    nothing)
      LB_BASE=/dev/null
      printf '%s%sroot%sroot%s0644\n' "$1" "$US" "$US" "$US" >>"$W/blocks.base"
      printf '%s\n' "$1" >>"$DIR/ops/block-files"
      ;;
    f) LB_BASE=$ROOT$lb_copy && cat -- "$W/base.access" >>"$W/blocks.base" ;;
    *) stop "$1 was no regular file before it was managed, and a block can only stand in one" 'Put a regular file there.' ;;
  esac
}

look_blocks() {
  true >"$W/blocks" && true >"$W/blocks.base" && true >"$W/blocks.unblock"
  DIR=$W/merge
  mkdir -p "$DIR/ops" || return 1
  keys_of blocks >"$W/blocks.paths"
  lb_n=0
  while IFS= read -r lb_path <&3; do
    lb_n=$((lb_n + 1))
    block_spec "$lb_path" >"$DIR/ops/block-$lb_n" || return 1
    lb_live=$ROOT$lb_path
    LB_BASE=
    if ! grep -q '^w ' "$DIR/ops/block-$lb_n"; then
      # A file that is managed as a whole now, or that is not there any more.
      if managed_whole "$TO" "$lb_path"; then
        printf '%s%s%s\n' "$lb_path" "$US" "$lb_n" >>"$W/blocks.unblock"
        continue
      fi
      if [ ! -f "$lb_live" ] || [ -L "$lb_live" ]; then continue; fi
    elif managed_whole "$FROM" "$lb_path"; then
      block_base "$lb_path" || return 1
    fi
    if [ -z "$LB_BASE" ] && { [ -e "$lb_live" ] || [ -L "$lb_live" ]; } && { [ ! -f "$lb_live" ] || [ -L "$lb_live" ]; }; then
      stop "$lb_path is not a regular file on this host, and a block can only stand in one" 'Put a regular file there.'
    fi
    lb_action=update
    [ -e "$lb_live" ] || [ -L "$lb_live" ] || lb_action=create
    lb_now=${LB_BASE:-$lb_live}
    [ -e "$lb_now" ] || lb_now=/dev/null
    if ! merge_blocks put "$lb_n" "$lb_now" "$lb_now"; then
      stop "our blocks cannot be put into $lb_path: $(tail -n 1 "$DIR/words")" 'Nothing was changed.'
    fi
    if [ -n "$LB_BASE" ]; then
      mkdir -p "$W/tree${lb_path%/*}" && cp -- "$DIR/block.new" "$W/tree$lb_path" || return 1
    elif cmp -s -- "$lb_live" "$DIR/block.new"; then
      lb_action=same
    elif ! grep -q '^w ' "$DIR/ops/block-$lb_n"; then
      lb_action=delete
    fi
    lb_note=
    if [ "$lb_action" = delete ]; then
      lb_note='only our blocks go; the file stays'
      if [ ! -s "$DIR/block.new" ] && grep -qsxF -- "$lb_path" "$BASE/block-files"; then lb_note='the file was made for our blocks, and goes with them'; fi
    fi
    printf '%s%s%s%s%s%s%s\n' "$lb_path" "$US" "$lb_action" "$US" "$lb_note" "$US" "$lb_n" >>"$W/blocks"
  done 3<"$W/blocks.paths"
}
