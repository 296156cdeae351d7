# Files that exist only because a block of ours was to stand in them: when that goes and nothing else is in the file, it goes too.
# block-files (of the host): their paths; undo/block-files: those that this transaction made; ops/block-files: those that take
# the place of a file of ours.

note_block_file() { # PATH
  { printf '%s\n' "$1" >>"$DIR/undo/block-files"; } 2>"$DIR/words"
}

is_empty_block_file() { # PATH: whether nothing is left to stand in it
  [ ! -s "$DIR/block.new" ] && grep -qsxF -- "$1" "$BASE/block-files"
}

keep_block_files() { # a part of the commit, which may be repeated after a crash
  [ -s "$DIR/undo/block-files" ] || [ -s "$DIR/ops/block-files" ] || [ -s "$BASE/block-files" ] || return 0
  cat -- "$BASE/block-files" "$DIR/undo/block-files" "$DIR/ops/block-files" 2>/dev/null | sort -u | while IFS= read -r kb_path; do
    ! exists "$ROOT$kb_path" || printf '%s\n' "$kb_path"
  done >"$BASE/block-files.new" && mv -T "$BASE/block-files.new" "$BASE/block-files"
}
