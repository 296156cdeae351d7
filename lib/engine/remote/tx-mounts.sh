# Mounts. ops/mounts and ops/umounts: PATH. The fstab line is a block and has been switched already.
# undo/mounts: what was mounted where this transaction mounts or unmounts, PATH SOURCE TYPE OPTIONS.

save_mounts() {
  on_host || return 0
  [ -s "$DIR/ops/mounts" ] || [ -s "$DIR/ops/umounts" ] || return 0
  cat "$DIR/ops/mounts" "$DIR/ops/umounts" | while IFS= read -r sm_path; do
    mountpoint -q -- "$sm_path" || continue
    sm_facts=
    for sm_column in SOURCE FSTYPE OPTIONS; do
      # The uppermost of several is listed last.
      sm_facts=$sm_facts$US$(findmnt --kernel -n -o "$sm_column" --mountpoint "$sm_path" | tail -n 1)
    done
    printf '%s%s\n' "$sm_path" "$sm_facts"
  done >"$DIR/undo/mounts"
}

take_down() { # PATH: what is mounted there
  umount -- "$1" 2>"$DIR/words"
}

mount_all() {
  on_host && [ -s "$DIR/ops/mounts" ] || return 0
  while IFS= read -r ma_path <&3; do
    ITEM=$ma_path
    if [ ! -d "$ma_path" ]; then
      missing_parents "$ma_path/." | sort -r >>"$DIR/undo/mount-points" || return 1
      (umask 022 && mkdir -p -- "$ma_path") 2>"$DIR/words" || return 1
    fi
    # On record before it is done: an undo must not miss it.
    printf '%s\n' "$ma_path" >>"$DIR/undo/mounted" || return 1
    if mountpoint -q -- "$ma_path"; then
      # Something else is mounted there, or with other options. What is in use can at least take the options.
      take_down "$ma_path" || { mount -o remount -- "$ma_path" >"$DIR/words" 2>&1 || return 1; continue; }
    fi
    mount -- "$ma_path" >"$DIR/words" 2>&1 || return 1
  done 3<"$DIR/ops/mounts"
}

unmount_leaving() {
  on_host && [ -s "$DIR/ops/umounts" ] || return 0
  while IFS= read -r ml_path <&3; do
    ITEM=$ml_path
    mountpoint -q -- "$ml_path" || continue
    take_down "$ml_path" || return 1
  done 3<"$DIR/ops/umounts"
}

keep_mounted() { # what lies below a mount can only come back while it is mounted; after a boot it may not be
  on_host && [ -e "$DIR/undo/b.saved" ] && [ -s "$DIR/undo/mounted" ] || return 0
  while IFS= read -r km_path <&4; do
    mountpoint -q -- "$km_path" || mount -- "$km_path" 2>"$DIR/words" || return 1
  done 4<"$DIR/undo/mounted"
}

undo_mounted() { # before the fstab of before is back
  on_host && [ -s "$DIR/undo/mounted" ] || return 0
  while IFS= read -r um_path <&4; do
    # In use, it stays and takes the options of before.
    ! mountpoint -q -- "$um_path" || take_down "$um_path"
  done 4<"$DIR/undo/mounted"
  [ ! -s "$DIR/undo/mount-points" ] || while IFS= read -r um_path <&4; do
    [ ! -d "$um_path" ] || rmdir -- "$um_path" 2>/dev/null
  done 4<"$DIR/undo/mount-points"
  return 0
}

undo_unmounted() { # after the fstab of before is back
  [ -s "$DIR/undo/mounts" ] || { undo_mounts_left; return; }
  un_status=0
  while IFS=$US read -r un_path un_source un_type un_options <&4; do
    if mountpoint -q -- "$un_path"; then
      mount -o "remount,$un_options" -- "$un_path" 2>"$DIR/words" || un_status=1
    else
      mount -t "$un_type" -o "$un_options" -- "$un_source" "$un_path" 2>"$DIR/words" || mount -- "$un_path" 2>"$DIR/words" || un_status=1
    fi
  done 4<"$DIR/undo/mounts"
  undo_mounts_left || un_status=1
  return "$un_status"
}

# Where nothing was mounted before: by this transaction, or by a boot that read its fstab.
undo_mounts_left() {
  [ -s "$DIR/ops/mounts" ] || return 0
  ul_bad=0
  while IFS= read -r ul_path <&4; do
    mountpoint -q -- "$ul_path" || continue
    grep -qsF -- "$ul_path$US" "$DIR/undo/mounts" || take_down "$ul_path" || ul_bad=1
  done 4<"$DIR/ops/mounts"
  return "$ul_bad"
}
