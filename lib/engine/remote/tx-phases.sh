# When each path is put. What lies on a disk that this transaction mounts comes after it is mounted (ops/paths-b), and what leaves a
# disk that it takes away goes while that is still there (ops/paths-c). The operator's side knows this only of names: where links
# lead, the host tells.

split_phases() {
  on_host || return 0
  true >>"$DIR/ops/paths-c" || return 1
  [ -s "$DIR/ops/mounts" ] || [ -s "$DIR/ops/umounts" ] || return 0
  cut -d "$US" -f 2 "$DIR/ops/paths-a" | sed 's|/[^/]*$||' | sort -u | real_directories >"$DIR/words.real" || return 1
  # A document has no path below a link of its own, so a link of this transaction leads nowhere here.
  move_lines paths 2 b '^(dir|file|link|attr|original|block)$' <"$DIR/ops/mounts" &&
    move_lines adopt 1 b . <"$DIR/ops/mounts" &&
    move_lines paths 2 c '^(del|rmdir|original|attr|block)$' <"$DIR/ops/umounts"
} 2>"$DIR/words"

real_directories() { # reads directories, prints DIRECTORY US where it really is
  while IFS= read -r rd_path; do
    rd_real=$(realpath -m -- "$rd_path/") || exit 1
    printf '%s\n' "$rd_path$US$rd_real"
  done
}

# Moves lines of ops/LIST-a to the end of ops/LIST-PHASE, in their order: of paths that really are below one of the mount points on
# standard input.
# shellcheck disable=SC2016 # awk's own variables
move_lines() { # LIST FIELD-OF-PATH PHASE OPERATIONS
  ml_mounts=$(cat)
  [ -n "$ml_mounts" ] && [ -s "$DIR/ops/$1-a" ] || return 0
  true >"$DIR/ops/$1-a.new" || return 1
  MOUNTS=$ml_mounts awk -F "$US" -v at="$2" -v operations="$4" -v stay="$DIR/ops/$1-a.new" -v moved="$DIR/ops/$1-$3" '
    BEGIN { n = split(ENVIRON["MOUNTS"], mount, "\n") }
    FILENAME == ARGV[1] { real[$1] = $2; next }
    { folder = $at; sub(/\/[^\/]*$/, "", folder); to = stay
      if ($1 ~ operations) for (i = 1; i <= n; i++) if (index(real[folder] "/", mount[i] "/") == 1) to = moved
      print >>to }' "$DIR/words.real" "$DIR/ops/$1-a" && mv -T -- "$DIR/ops/$1-a.new" "$DIR/ops/$1-a"
}

path_operations() { # of all phases
  cat -- "$DIR/ops/paths-a" "$DIR/ops/paths-b"
  [ ! -e "$DIR/ops/paths-c" ] || cat -- "$DIR/ops/paths-c"
}

# What was on a disk that left comes back when that is mounted again.
restore_on_leaving_mounts() {
  [ -e "$DIR/undo/c.saved" ] || return 0
  restore_paths c && sync_paths c
}
