# Directories that no one declared, made on the way to a path of ours: one that is empty again goes. parents (of the host): those
# paths that are there, one a line; a document may have made a file or a link of one since, which then is ours as well.
# ops/parents: directories of ours that are declared no more, and are needed. undo/parents: those that this transaction made; undo/parents.gone: PATH US MODE US OWNER of those that went, written down before.

make_own_parents() { # PATH
  [ ! -d "$ROOT${1%/*}/" ] || return 0
  { missing_parents "$1" >>"$DIR/undo/parents"; } 2>"$DIR/words" && make_parents "$1"
}

drop_parents() { # [PATH]: those below it that are empty, or all such
  [ -s "$BASE/parents" ] || return 0
  sort -r "$BASE/parents" | while IFS= read -r dp_path; do
    case $dp_path in "${1-}"/*) ;; *) continue ;; esac
    ! may_drop_parent "$dp_path" || drop_parent "$dp_path" || exit 1
  done
}

may_drop_parent() { # PATH: empty, and neither the document nor a package has it
  is_directory "$ROOT$1" && [ -z "$(find "$ROOT$1" -maxdepth 0 ! -empty)" ] || return 1
  ! grep -qF -e "path$US$1${US}d$US" -e "mount$US$1$US" "$DIR/ops/after" || return 1
  command -v dpkg-query >/dev/null && [ -d "$ROOT/var/lib/dpkg" ] || return 0
  ! dpkg-query --admindir="$ROOT/var/lib/dpkg" -S -- "$1" >/dev/null 2>&1
}

drop_parent() { # PATH
  dp_access=$(stat -c "%a$US%u:%g" -- "$ROOT$1" 2>"$DIR/words") || return 1
  { printf '%s%s%s\n' "$1" "$US" "$dp_access" >>"$DIR/undo/parents.gone" && sync -- "$DIR/undo/parents.gone"; } 2>"$DIR/words" || return 1
  # Others may have put something into it just now.
  rmdir -- "$ROOT$1" 2>/dev/null
  return 0
}

undo_parents() { # before the paths below come back
  [ -s "$DIR/undo/parents.gone" ] || return 0
  sort "$DIR/undo/parents.gone" | while IFS=$US read -r up_path up_mode up_owner; do
    ! exists "$ROOT$up_path" || continue
    { mkdir -- "$ROOT$up_path" && { [ -z "$AM_ROOT" ] || chown -- "$up_owner" "$ROOT$up_path"; } && set_mode "$up_mode" "$ROOT$up_path"; } 2>"$DIR/words" || exit 1
  done
}

keep_parents() { # a part of the commit, which may be repeated after a crash
  [ -s "$DIR/ops/parents" ] || [ -s "$DIR/undo/parents" ] || [ -s "$DIR/undo/parents.gone" ] || return 0
  cat -- "$BASE/parents" "$DIR/ops/parents" "$DIR/undo/parents" 2>/dev/null | sort -u | while IFS= read -r kp_path; do
    ! exists "$ROOT$kp_path" || printf '%s\n' "$kp_path"
  done >"$BASE/parents.new" && mv -T "$BASE/parents.new" "$BASE/parents"
}
