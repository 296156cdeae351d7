# Mounts. ops/mounts and ops/umounts: PATH. The fstab line is a block and has been switched already.
# A file system may bring a daemon of its own, which must not keep our locks (without_locks).
# undo/mounts: what was mounted where this transaction mounts or unmounts, PATH SOURCE TYPE OPTIONS.

mount_facts() { # PATH: a line of what is mounted there, by which it can be mounted again without fstab
  mf_line=$1
  for mf_column in SOURCE FSTYPE OPTIONS; do
    # The uppermost of several is listed last.
    mf_line=$mf_line$US$(findmnt --kernel -n -o "$mf_column" --mountpoint "$1" | tail -n 1)
  done
  printf '%s\n' "$mf_line"
}

save_mounts() {
  on_host || return 0
  [ -s "$DIR/ops/mounts" ] || [ -s "$DIR/ops/umounts" ] || return 0
  # In the order of their paths: what is mounted within another mount comes after it.
  sort "$DIR/ops/mounts" "$DIR/ops/umounts" | while IFS= read -r sm_path; do
    ! mountpoint -q -- "$sm_path" || mount_facts "$sm_path"
  done >"$DIR/undo/mounts"
}

take_down() { # PATH: what is mounted there
  umount -- "$1" 2>"$DIR/words"
}

fstab_column() { # COLUMN PATH
  findmnt --fstab -n -o "$1" --mountpoint "$2" 2>/dev/null | tail -n 1
}

# Numbers of disks change with the hardware: the device may be that of the system itself, whose own root would be mounted
# a second time, and get the owner and mode that are meant for another disk. Other double mounts are for people to judge.
disk_of_system() { # PATH: whether it would be mounted from one, with words
  dsy_device=$(device_of "$(fstab_column SOURCE "$1")")
  [ -n "$dsy_device" ] && is_device "$dsy_device" || return 1
  # Of btrfs, root and data may be subvolumes of one device.
  case ,$(fstab_column OPTIONS "$1"), in *,subvol=* | *,subvolid=*) return 1 ;; esac
  dsy_places=$(device_places "$dsy_device" | grep -vxF -- "$1" | while IFS= read -r dsy_place; do
    ! is_of_system "$dsy_place" || printf ' %s' "$dsy_place"
  done)
  [ -n "$dsy_places" ] || return 1
  {
    printf '%s is in use by the system itself (%s) and was not mounted.\n' "$dsy_device" "${dsy_places# }"
    printf 'Find the disk that is meant, and name it by LABEL=… or UUID=… in the inventory: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT\n'
  } >"$DIR/words"
}

# What a person can do about a mount that failed: words after mount's own. Nothing here formats anything.
mount_advice() { # PATH
  maa_source=$(fstab_column SOURCE "$1")
  maa_type=$(fstab_column FSTYPE "$1")
  maa_label=
  case $maa_source in
    LABEL=*) maa_label=" -L ${maa_source#LABEL=}" ;;
    UUID=* | PARTLABEL=* | PARTUUID=* | /dev/*) ;;
    *) return 0 ;;
  esac
  maa_device=$(device_of "$maa_source")
  if [ -z "$maa_device" ] || ! is_device "$maa_device"; then
    printf 'This host has no %s. It has: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID\n' "$maa_source"
    printf 'If a disk for it is there and holds nothing that is needed: sudo mkfs.%s%s DEVICE\n' "$maa_type" "$maa_label"
    return
  fi
  device_state "$maa_device"
  maa_places=$(device_places "$maa_device" | tr '\n' ' ')
  if [ -n "$maa_places" ]; then
    printf '%s is in use: %s\nIs it the right disk? lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT\n' "$maa_device" "${maa_places% }"
  elif [ "$DS_STATE" = empty ]; then
    printf '%s has no file system. If it holds nothing that is needed: sudo mkfs.%s%s %s\n' \
      "$maa_device" "$maa_type" "$maa_label" "$maa_device"
  elif [ "$DS_STATE" = unknown ]; then
    printf 'Nobody can tell what is on %s (%s). It may be failing: sudo smartctl -a %s; journalctl -k -n 50\n' "$maa_device" \
      "$DS_DETAIL" "$maa_device"
  else
    printf '%s: its file system is %s, the inventory says %s. To look at it: sudo fsck -n %s\n' "$maa_device" \
      "$DS_DETAIL" "$maa_type" "$maa_device"
  fi
}

mount_all() {
  on_host && [ -s "$DIR/ops/mounts" ] || return 0
  while IFS= read -r ma_path <&3; do
    ITEM=$ma_path
    ! disk_of_system "$ma_path" || return 1
    if [ ! -d "$ma_path" ]; then
      missing_parents "$ma_path/." | sort -r >>"$DIR/undo/mount-points" || return 1
      (umask 022 && mkdir -p -- "$ma_path") 2>"$DIR/words" || return 1
    fi
    # On record before it is done: an undo must not miss it.
    printf '%s\n' "$ma_path" >>"$DIR/undo/mounted" || return 1
    if mountpoint -q -- "$ma_path"; then
      # Something else is mounted there, or with other options. What is in use can at least take the options.
      if ! take_down "$ma_path"; then without_locks mount -o remount -- "$ma_path" >"$DIR/words" 2>&1 || return 1; fi
    fi
    if ! mountpoint -q -- "$ma_path" && ! without_locks mount -- "$ma_path" >"$DIR/words" 2>&1; then
      mount_advice "$ma_path" >>"$DIR/words"
      return 1
    fi
    mount_facts "$ma_path" >>"$DIR/undo/mounted-as" || return 1
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

# What lies below a mount can only come back while it is mounted. After a boot it may not be, and fstab may be the one of
# before already.
restore_below_mounts() {
  [ -e "$DIR/undo/b.saved" ] && [ ! -e "$DIR/undo/b.restored" ] || return 0
  ! on_host || [ ! -s "$DIR/undo/mounted-as" ] || while IFS=$US read -r rb_path rb_source rb_type rb_options <&4; do
    mountpoint -q -- "$rb_path" || without_locks mount -t "$rb_type" -o "$rb_options" -- "$rb_source" "$rb_path" 2>"$DIR/words" ||
      { left mount "$rb_path" && return 1; }
  done 4<"$DIR/undo/mounted-as"
  restore_paths b && sync_paths b && true >"$DIR/undo/b.restored"
}

undo_mounted() { # before the fstab of before is back
  on_host && [ -s "$DIR/undo/mounted" ] || return 0
  # What is mounted within another mount first. In pipes: there may be no room for a file.
  sort -ru "$DIR/undo/mounted" | while IFS= read -r um_path; do
    # In use, it stays and takes the options of before.
    ! mountpoint -q -- "$um_path" || take_down "$um_path"
  done
  drop_mount_points
}

drop_mount_points() { # those that were made for what is not mounted any more
  [ ! -s "$DIR/undo/mount-points" ] || while IFS= read -r dm_path <&4; do
    [ ! -d "$dm_path" ] || rmdir -- "$dm_path" 2>/dev/null
  done 4<"$DIR/undo/mount-points"
  return 0
}

undo_unmounted() { # after the fstab of before is back
  [ -s "$DIR/undo/mounts" ] || { undo_mounts_left; return; }
  un_status=0
  while IFS=$US read -r un_path un_source un_type un_options <&4; do
    if mountpoint -q -- "$un_path"; then
      without_locks mount -o "remount,$un_options" -- "$un_path" 2>"$DIR/words" || { un_status=1 && left mount "$un_path"; }
    else
      without_locks mount -t "$un_type" -o "$un_options" -- "$un_source" "$un_path" 2>"$DIR/words" ||
        without_locks mount -- "$un_path" 2>"$DIR/words" || { un_status=1 && left mount "$un_path"; }
    fi
  done 4<"$DIR/undo/mounts"
  undo_mounts_left || un_status=1
  return "$un_status"
}

# Where nothing was mounted before: by this transaction, or by a boot that read its fstab.
undo_mounts_left() {
  [ -s "$DIR/ops/mounts" ] || return 0
  sort -r "$DIR/ops/mounts" | (
    ul_bad=0
    while IFS= read -r ul_path; do
      mountpoint -q -- "$ul_path" || continue
      cut -d "$US" -f 1 "$DIR/undo/mounts" 2>/dev/null | grep -qxF -- "$ul_path" || take_down "$ul_path" || { ul_bad=1 && left mount "$ul_path"; }
    done
    drop_mount_points
    exit "$ul_bad"
  )
}
