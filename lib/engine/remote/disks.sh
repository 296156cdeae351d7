# Says what stands on the sources of mounts; writes nothing, and no disk is ever formatted. Follows common.sh.
#
# Standard input: lines "mount point US source". Standard output: "citadel-disks/1", then for each of them
# "mount point US state US detail US device", then "end". States: "filesystem" (detail: its type), "empty" (no file
# system), "absent" (no such device), "unknown" (blkid cannot tell; detail: its status), "other" (nothing that a disk is).
device_of() { # SOURCE: the device node, or nothing
  case $1 in
    /dev/*) printf '%s\n' "$1" ;;
    LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=*)
      if findfs "$1" 2>/dev/null; then return; fi
      # Where nobody may probe devices, what made the links knows.
      case $1 in
        LABEL=*) d_kind=label ;;
        UUID=*) d_kind=uuid ;;
        PARTLABEL=*) d_kind=partlabel ;;
        *) d_kind=partuuid ;;
      esac
      if [ -e "/dev/disk/by-$d_kind/${1#*=}" ]; then printf '%s\n' "/dev/disk/by-$d_kind/${1#*=}"; fi
      ;;
  esac
}

printf 'citadel-disks/1\n'
while IFS=$US read -r d_point d_source; do
  case $d_source in
    /dev/* | LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=*) ;;
    *)
      printf '%s\n' "$d_point${US}other$US$US"
      continue
      ;;
  esac
  d_device=$(device_of "$d_source")
  if [ -z "$d_device" ] || [ ! -b "$d_device" ]; then
    printf '%s\n' "$d_point${US}absent$US$US$d_device"
    continue
  fi
  d_type=$(blkid -p -s TYPE -o value -- "$d_device" 2>/dev/null)
  d_status=$?
  if [ "$d_status" = 0 ] && [ -n "$d_type" ]; then
    printf '%s\n' "$d_point${US}filesystem$US$d_type$US$d_device"
  elif [ "$d_status" = 2 ]; then
    printf '%s\n' "$d_point${US}empty$US$US$d_device"
  else
    printf '%s\n' "$d_point${US}unknown$US$d_status$US$d_device"
  fi
done
printf 'end\n'
