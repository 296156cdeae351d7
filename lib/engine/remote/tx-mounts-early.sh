# Mounts that come before packages, whose files may lie on them. Where one cannot be mounted yet (its helper comes with a
# package, its source or a file that its options name with the files), it is mounted with the others, and must be then.
# undo/mounted-early: PATH of those that came.

mount_early() { # as the fstab to come says, which is put with everything else
  on_host && [ -s "$DIR/ops/mounts" ] && [ -s "$DIR/ops/packages-install" ] || return 0
  [ ! -f "$DIR/tree/etc/fstab" ] || FSTAB=$DIR/tree/etc/fstab
  EARLY_NOT=
  while IFS= read -r ITEM <&3; do
    if can_come_early "$ITEM" && ! disk_of_system "$ITEM" && mount_one "$ITEM"; then
      printf '%s\n' "$ITEM" >>"$DIR/undo/mounted-early" || return 1
    else
      EARLY_NOT=$EARLY_NOT$ITEM$NL
    fi
  done 3<"$DIR/ops/mounts"
  FSTAB=/etc/fstab
}

# What is mounted there is in use until its units are stopped, and so is what leaves. A link or a file that has to go comes
# with its turn.
can_come_early() { # PATH
  ! live_mount "$1" || return 1
  { printf '%s' "$EARLY_NOT" && cat -- "$DIR/ops/umounts" && sed -n "/^\\(dir\\|attr\\)$US/!s/^[a-z]*$US\\([^$US]*\\).*/\\1/p" "$DIR/ops/paths-a"; } |
    while IFS= read -r ce_path; do
      case $1/ in "$ce_path"/*) exit 1 ;; esac
    done
}

is_early() { # PATH
  grep -qsxF -- "$1" "$DIR/undo/mounted-early"
}

# What this transaction had mounted is mounted again, for what lies on it to be undone: after a boot it may not be.
mount_again() {
  ! on_host || [ ! -s "$DIR/undo/mounted-by" ] || while IFS=$US read -r ma_path ma_source ma_type ma_options <&4; do
    ! live_mount "$ma_path" || continue
    { mkdir -p -- "$ma_path" && without_locks mount -t "$ma_type" -o "$ma_options" -- "$ma_source" "$ma_path"; } 2>"$DIR/words" ||
      { left mount "$ma_path" && return 1; }
    note_mounted "$ma_path"
  done 4<"$DIR/undo/mounted-by"
}
