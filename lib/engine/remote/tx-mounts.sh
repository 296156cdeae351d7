# Mounts. ops/mounts and ops/umounts: PATH. The fstab line is a block and has been switched already.
# A file system may bring a daemon of its own, which must not keep our locks (without_locks).
# undo/mounts: what was mounted where this transaction mounts or unmounts, PATH SOURCE TYPE OPTIONS.
# undo/mounted: PATH of what it mounts itself. undo/mounted-by: PATH SOURCE TYPE OPTIONS of fstab. undo/mounted-as: PATH SOURCE TYPE OPTIONS ID BOOT of each of them.
# undo/held: PATH PLACE, where the contents of what lives in memory are kept for the way back.

mount_facts() { # PATH: a line of what is mounted there, by which it can be mounted again without fstab
  mf_source=$(mount_column SOURCE "$1")
  mf_uuid=$(mount_column UUID "$1")
  # Names of disks change with a boot.
  case $mf_source:$mf_uuid in /dev/*:?*) mf_source=UUID=$mf_uuid ;; esac
  printf '%s\n' "$1$US$mf_source$US$(mount_column FSTYPE "$1")$US$(mount_column OPTIONS "$1")"
}

mount_column() { # COLUMN PATH: the uppermost of several is listed last
  findmnt --kernel -n -o "$1" --mountpoint "$2" | tail -n 1
}

save_mounts() {
  on_host || return 0
  [ -s "$DIR/ops/mounts" ] || [ -s "$DIR/ops/umounts" ] || return 0
  # In the order of their paths: what is mounted within another mount comes after it.
  sort "$DIR/ops/mounts" "$DIR/ops/umounts" | while IFS= read -r sm_path; do
    ! live_mount "$sm_path" || mount_facts "$sm_path"
  done >"$DIR/undo/mounts"
}

take_down() { # PATH: what is mounted there
  umount -- "$1" 2>"$DIR/words" && return 0
  busy_words "$1"
  return 1
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
    printf 'No one can tell what is on %s (%s). It may be failing: sudo smartctl -a %s; journalctl -k -n 50\n' "$maa_device" \
      "$DS_DETAIL" "$maa_device"
  else
    printf '%s: its file system is %s, the inventory says %s. To look at it: sudo fsck -n %s\n' "$maa_device" \
      "$DS_DETAIL" "$maa_type" "$maa_device"
  fi
}

mount_all() {
  on_host && [ -s "$DIR/ops/mounts" ] || return 0
  while IFS= read -r ITEM <&3; do
    ! disk_of_system "$ITEM" && mount_one "$ITEM" || return 1
  done 3<"$DIR/ops/mounts"
}

mount_one() { # PATH: as FSTAB says
  read_fstab "$1"
  if live_mount "$1"; then
    if has_source "$1" "$FT_SOURCE" "$FT_TYPE" "$FT_OPTIONS" && has_type "$FT_TYPE"; then
      ! is_early "$1" || return 0
      take_options "$1" && return 0
      # Its contents go with it, and other options are not worth them.
      case $LM_TYPE in tmpfs | ramfs) return 1 ;; esac
    fi
    hold_contents "$1" && take_down "$1" || return 1
    if live_mount "$1"; then
      printf 'below what was mounted at %s %s is mounted as well. Take it down (umount %s), then apply again.\n' "$1" "$LM_SOURCE" "$1" >"$DIR/words"
      return 1
    fi
  fi
  if [ ! -d "$1" ]; then
    missing_parents "$1/." | sort -r >>"$DIR/undo/mount-points" || return 1
    (umask 022 && mkdir -p -- "$1") 2>"$DIR/words" || return 1
  fi
  # On record before it is done: an undo must not miss it.
  printf '%s\n' "$1" >>"$DIR/undo/mounted" && printf '%s\n' "$1$US$FT_SOURCE$US$FT_TYPE$US$FT_OPTIONS" >>"$DIR/undo/mounted-by" || return 1
  if ! without_locks mount -T "$FSTAB" -- "$1" >"$DIR/words" 2>&1; then
    mount_advice "$1" >>"$DIR/words"
    return 1
  fi
  note_mounted "$1"
}

note_mounted() { # PATH: by what it is known again
  live_mount "$1" || LM_ID=
  printf '%s\n' "$(mount_facts "$1")$US$LM_ID$US$(boot_id)" >>"$DIR/undo/mounted-as"
}

# What is set and not wanted has to be taken back by name: not every mount(8) does so by itself. File systems may refuse the
# opposite of what they do not have.
opposites() { # OPTIONS, after live_mount: sets OPPOSITES
  OPPOSITES=
  if is_in user "$1" || is_in users "$1" || is_in group "$1" || is_in owner "$1"; then return 0; fi
  for op_pair in ro:rw noexec:exec nosuid:suid nodev:dev noatime:atime nodiratime:diratime sync:async; do
    if is_in "${op_pair%:*}" "$LM_OPTIONS" && ! is_in "${op_pair%:*}" "$1"; then OPPOSITES=$OPPOSITES,${op_pair#*:}; fi
  done
}

take_options() { # PATH, after read_fstab: what is mounted already gets the options of fstab
  opposites "$FT_OPTIONS"
  without_locks mount -o "remount$OPPOSITES" -- "$1" >"$DIR/words" 2>&1 && live_mount "$1" || return 1
  wrong_options "$FT_OPTIONS"
  if [ -n "$MO_WRONG" ]; then
    printf '%s did not take its options in a remount:%s\n' "$1" "$MO_WRONG" >"$DIR/words"
    return 1
  fi
  note_unshown "$1" "$FT_OPTIONS"
}

# What lives in memory is gone with its last mount: a second one holds it until the transaction has ended.
hold_contents() { # PATH, after live_mount
  case $LM_TYPE in tmpfs | ramfs) ;; *) return 0 ;; esac
  hc_place=/run/citadel-iac-held.${DIR##*/}.$LM_ID
  { mkdir -m 0700 -- "$hc_place" && printf '%s\n' "$1$US$hc_place" >>"$DIR/undo/held" && mount --bind -- "$1" "$hc_place"; } 2>"$DIR/words"
}

drop_held() {
  for dh_place in /run/citadel-iac-held."${DIR##*/}".*; do
    [ -d "$dh_place" ] || continue
    umount -- "$dh_place" 2>/dev/null
    rmdir -- "$dh_place" 2>/dev/null
  done
  return 0
}

held_place() { # PATH: sets HELD to where the contents of before are, or to nothing
  HELD=
  [ -s "$DIR/undo/held" ] || return 0
  while IFS=$US read -r hp_path hp_place; do
    if [ "$hp_path" = "$1" ] && mountpoint -q -- "$hp_place"; then HELD=$hp_place; fi
  done <"$DIR/undo/held"
}

unmount_leaving() {
  on_host && [ -s "$DIR/ops/umounts" ] || return 0
  while IFS= read -r ml_path <&3; do
    ITEM=$ml_path
    live_mount "$ml_path" || continue
    hold_contents "$ml_path" && take_down "$ml_path" || return 1
  done 3<"$DIR/ops/umounts"
}

# Whether what live_mount found is what this transaction mounted: another one that came over it is not ours to take down.
is_ours() { # PATH
  io_known=
  [ ! -s "$DIR/undo/mounted-as" ] || while IFS=$US read -r io_path io_source io_type io_options io_id io_boot; do
    [ "$io_path" = "$1" ] || continue
    io_known=1
    if [ "${io_boot:-none}" = "$(boot_id)" ] && [ -n "$io_id" ]; then
      [ "$io_id" != "$LM_ID" ] || return 0
    elif [ "$io_type" = "$LM_TYPE" ] && { has_source "$1" "$io_source" "$io_type" "$io_options" || is_same_mount; }; then
      return 0
    fi
  done <"$DIR/undo/mounted-as"
  # It died between the mount and its record, or never got there and a boot mounted it.
  [ -z "$io_known" ]
}

is_same_mount() { # of io_*: a directory that is mounted elsewhere as well has no source of its own
  ism_facts=$(mount_facts "$io_path")
  [ "${ism_facts%"$US"*}" = "$io_path$US$io_source$US$io_type" ]
}

take_ours_down() { # PATH
  live_mount "$1" || return 0
  is_ours "$1" || return 1
  umount -- "$1" 2>"$DIR/words" && return 0
  td_users=$(users_of "$1" | sed 's/^ *//;s/:.*//' | sort -u | tr '\n' ',')
  [ -z "$td_users" ] || printf '%s Used by %s\n' "$(tail -n 1 "$DIR/words")" "${td_users%,}" >"$DIR/words"
  return 1
}

# What lies below a mount can only come back while it is mounted. After a boot it may not be, and fstab may be the one of
# before already.
restore_below_mounts() {
  [ -e "$DIR/undo/b.saved" ] && [ ! -e "$DIR/undo/b.restored" ] || return 0
  mount_again || return 1
  restore_paths b && sync_paths b && true >"$DIR/undo/b.restored"
}

undo_mounted() { # before the fstab of before is back
  on_host && [ -s "$DIR/undo/mounted" ] || return 0
  # What is mounted within another mount first. In pipes: there may be no room for a file.
  sort -ru "$DIR/undo/mounted" | while IFS= read -r um_path; do
    # In use, it stays; undo_unmounted tells of it.
    take_ours_down "$um_path"
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
  [ -s "$DIR/undo/mounts" ] || { undo_mounts_left && drop_held; return; }
  un_status=0
  while IFS=$US read -r un_path un_source un_type un_options <&4; do
    mount_of_before || { un_status=1 && left mount "$un_path"; }
  done 4<"$DIR/undo/mounts"
  undo_mounts_left || un_status=1
  [ "$un_status" != 0 ] || drop_held
  return "$un_status"
}

mount_of_before() { # of the fields un_*
  if live_mount "$un_path"; then
    if has_source "$un_path" "${un_source%\[*}" "$un_type" "" && [ "$LM_TYPE" = "$un_type" ]; then
      # What was never touched needs no remount, and not every file system takes its own options again.
      [ "$(mount_column OPTIONS "$un_path")" != "$un_options" ] || return 0
      opposites "$un_options"
      # A directory of a file system that is mounted elsewhere has no options of that to change.
      case $un_source in *\]) OPPOSITES=,bind$OPPOSITES ;; esac
      without_locks mount -o "remount$OPPOSITES,$un_options" -- "$un_path" 2>"$DIR/words"
      return
    fi
    printf '%s is mounted there in its place\n' "$LM_SOURCE" >"$DIR/words"
    return 1
  fi
  held_place "$un_path"
  if [ -n "$HELD" ]; then
    mount --bind -- "$HELD" "$un_path" 2>"$DIR/words" && mount -o "remount,bind,$un_options" -- "$un_path" 2>/dev/null
    live_mount "$un_path"
    return
  fi
  without_locks mount -t "$un_type" -o "$un_options" -- "$un_source" "$un_path" 2>"$DIR/words" || without_locks mount -- "$un_path" 2>"$DIR/words"
}

# Where nothing was mounted before: by this transaction, or by a boot that read its fstab.
undo_mounts_left() {
  [ -s "$DIR/ops/mounts" ] || return 0
  sort -r "$DIR/ops/mounts" | (
    ul_bad=0
    while IFS= read -r ul_path; do
      cut -d "$US" -f 1 "$DIR/undo/mounts" 2>/dev/null | grep -qxF -- "$ul_path" && continue
      true >"$DIR/words"
      take_ours_down "$ul_path" && continue
      [ -s "$DIR/words" ] || printf '%s, which is not of this transaction, is mounted there\n' "$LM_SOURCE" >"$DIR/words"
      ul_bad=1
      left mount "$ul_path"
    done
    drop_mount_points
    exit "$ul_bad"
  )
}
