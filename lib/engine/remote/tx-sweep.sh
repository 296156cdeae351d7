# What earlier transactions left next to managed paths and could not take away then, because power was cut, a directory was
# append-only or a disk was not mounted: the next transaction takes it away, so that no one takes it for a person's.

swept_paths() { # directories, and paths in whose directories something may have been left
  path_operations | cut -d "$US" -f 2
  cat "$DIR/way/want" "$BASE/current/way/want" 2>/dev/null | awk -F "$US" '$1 == "directories" { print $2 "/" } $1 ~ /^(directories|files|symlinks|blocks)$/ { print $2 }'
  cat "$BASE"/kept/*/left 2>/dev/null | sed -n "s/^path$US\([^$US]*\)$US.*/\1/p"
}

sweep() { # before anything else: what is in the way of a validator or of a directory that is to go is gone then
  swept_paths | sed 's|/[^/]*$||' | sort -u | while IFS= read -r sw_path; do
    if [ -d "$ROOT$sw_path/" ]; then printf '%s\0' "$ROOT$sw_path/"; fi
  done | xargs -0 -r realpath -z -- | sort -zu | tr '\0' '\n' | while IFS= read -r sw_path; do
    # An absolute link of an offline root leads out of it.
    case $sw_path/ in "$ROOT"/*) printf '%s\0' "$sw_path" ;; esac
  done | xargs -0 -r sh -c 'find "$@" -mindepth 1 -maxdepth 1 ! -type d -name ".citadel-iac.[0-9a-f]*-[0-9a-f]*" -print0' sh |
    tr '\0' '\n' | while IFS= read -r sw_path; do
    if rm -f -- "$sw_path"; then say note "left over from an earlier transaction, taken away: ${sw_path#"$ROOT"}"; fi
  done
} 2>/dev/null
