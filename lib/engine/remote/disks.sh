# Says what stands on the sources of mounts, and where they are mounted; writes nothing, and no disk is ever formatted.
# Follows devices.sh.
#
# Standard input: lines "mount point US source". Standard output: "citadel-disks/2", then for each of them
# "mount point US state US detail US device US places US places of ours", then "end". States: "filesystem" (detail: its type),
# "empty" (no file system), "absent" (no such device), "unknown" (no one can tell; detail: "unreadable", or the status
# of blkid), "other" (nothing that a disk is). Places are mount points and "swap", with a tab between them; ours are those
# of which a block of ours in /etc/fstab speaks, which an apply unmounts when they are wanted no more.
FSTAB=$ROOT/etc/fstab

places_field() { # PLACES, a line each
  printf '%s' "$1" | tr '\n' '\t'
}

ours_of() { # PLACES, a line each
  printf '%s\n' "$1" | while IFS= read -r oo_place; do
    ! grep -qxF -- "# BEGIN citadel-iac $oo_place" "$FSTAB" 2>/dev/null || printf '%s\n' "$oo_place"
  done
}

printf 'citadel-disks/2\n'
while IFS=$US read -r d_point d_source; do
  case $d_source in
    /dev/* | LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=*) ;;
    *)
      printf '%s\n' "$d_point${US}other$US$US$US$US"
      continue
      ;;
  esac
  d_device=$(device_of "$d_source")
  if [ -z "$d_device" ] || ! is_device "$d_device"; then
    printf '%s\n' "$d_point${US}absent$US$US$d_device$US$US"
    continue
  fi
  device_state "$d_device"
  d_places=$(device_places "$d_device")
  printf '%s\n' "$d_point$US$DS_STATE$US$DS_DETAIL$US$d_device$US$(places_field "$d_places")$US$(places_field "$(ours_of "$d_places")")"
done
printf 'end\n'
