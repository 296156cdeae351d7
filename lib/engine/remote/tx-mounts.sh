# Mounts. ops/mounts and ops/umounts: PATH. The fstab line is a block and has been switched already.

mount_all() {
  on_host && [ -s "$DIR/ops/mounts" ] || return 0
  while IFS= read -r ma_path <&3; do
    ITEM=$ma_path
    [ -d "$ma_path" ] || { missing_parents "$ma_path/." >>"$DIR/undo/a.absent" && mkdir -p -- "$ma_path" 2>"$DIR/words"; } || return 1
    # Something else is mounted there, or with other options: out first.
    if mountpoint -q -- "$ma_path"; then
      umount -- "$ma_path" 2>"$DIR/words" || return 1
      printf '%s\n' "$ma_path" >>"$DIR/undo/unmounted"
    fi
    mount -- "$ma_path" >"$DIR/words" 2>&1 || return 1
    printf '%s\n' "$ma_path" >>"$DIR/undo/mounted"
  done 3<"$DIR/ops/mounts"
}

unmount_leaving() {
  on_host && [ -s "$DIR/ops/umounts" ] || return 0
  while IFS= read -r ml_path <&3; do
    ITEM=$ml_path
    mountpoint -q -- "$ml_path" || continue
    umount -- "$ml_path" >"$DIR/words" 2>&1 || return 1
    printf '%s\n' "$ml_path" >>"$DIR/undo/unmounted"
  done 3<"$DIR/ops/umounts"
}

undo_mounted() { # before the fstab of before is back
  on_host && [ -s "$DIR/undo/mounted" ] || return 0
  um_status=0
  while IFS= read -r um_path <&3; do
    ! mountpoint -q -- "$um_path" || umount -- "$um_path" 2>"$DIR/words" || um_status=1
  done 3<"$DIR/undo/mounted"
  return "$um_status"
}

undo_unmounted() { # after the fstab of before is back
  on_host && [ -s "$DIR/undo/unmounted" ] || return 0
  un_status=0
  while IFS= read -r un_path <&3; do
    mountpoint -q -- "$un_path" || mount -- "$un_path" 2>"$DIR/words" || un_status=1
  done 3<"$DIR/undo/unmounted"
  return "$un_status"
}
