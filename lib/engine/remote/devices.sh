# Block devices on which file systems stand. Writes nothing. Follows common.sh.

device_of() { # SOURCE, as in fstab: the device node, or nothing
  case $1 in
    /dev/*) printf '%s\n' "$1" ;;
    LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=*)
      if findfs "$1" 2>/dev/null; then return; fi
      # Where no one may probe devices, what made the links knows.
      case $1 in
        LABEL=*) do_kind=label ;;
        UUID=*) do_kind=uuid ;;
        PARTLABEL=*) do_kind=partlabel ;;
        *) do_kind=partuuid ;;
      esac
      if [ -e "/dev/disk/by-$do_kind/${1#*=}" ]; then printf '%s\n' "/dev/disk/by-$do_kind/${1#*=}"; fi
      ;;
  esac
}

is_device() { [ -b "$1" ]; }

# As far as any superblock at the start of a disk reaches. A disk that is gone may also answer with nothing, and no error.
can_be_read() { # DEVICE
  [ "$(dd if="$1" bs=4096 count=32 2>/dev/null | wc -c)" -eq 131072 ]
}

# What stands on it: DS_STATE and DS_DETAIL. "filesystem" (its type, or what else it holds), "empty", "unknown"
# ("unreadable", or the status of blkid).
device_state() { # DEVICE
  DS_DETAIL=$(blkid -p -s TYPE -o value -- "$1" 2>/dev/null)
  ds_status=$?
  DS_STATE=filesystem
  if [ "$ds_status" = 0 ] && [ -n "$DS_DETAIL" ]; then return; fi
  if [ "$ds_status" = 0 ]; then
    DS_DETAIL=$(blkid -p -s PTTYPE -o value -- "$1" 2>/dev/null)
    [ -z "$DS_DETAIL" ] || { DS_DETAIL="a partition table ($DS_DETAIL)"; return; }
  fi
  DS_STATE=unknown
  DS_DETAIL=$ds_status
  [ "$ds_status" = 2 ] || return 0
  # Nothing found; but blkid also ends so where it could not open or read the device.
  DS_DETAIL=unreadable
  if can_be_read "$1"; then
    DS_STATE=empty
    DS_DETAIL=
  fi
}

mount_lines() { cat /proc/self/mountinfo; }
swap_lines() { tail -n +2 /proc/swaps; }
device_number() { # DEVICE: MAJOR:MINOR
  dn_hex=$(stat -L -c '0x%t 0x%T' -- "$1" 2>/dev/null) || return 1
  printf '%d:%d\n' "$((${dn_hex% *}))" "$((${dn_hex#* }))"
}

# Where its file system is in use, a line each: mount points as in mountinfo, and "swap". Directories of it that are bound to other
# places are left out, but for the root of the system, and for btrfs, whose subvolumes look the same.
raw_places() { # DEVICE
  rp_number=$(device_number "$1") || return 0
  rp_node=$(readlink -f -- "$1")
  mount_lines | while read -r _ _ rp_dev rp_root rp_point rp_rest; do
    rp_rest=${rp_rest#* - } # after the optional fields and a dash: TYPE SOURCE OPTIONS
    case $rp_rest in
      "btrfs "*) # has numbers of its own
        rp_source=${rp_rest#* }
        [ "$(readlink -f -- "${rp_source%% *}")" = "$rp_node" ] || continue
        ;;
      *)
        [ "$rp_dev" = "$rp_number" ] || continue
        [ "$rp_root" = / ] || [ "$rp_point" = / ] || continue
        ;;
    esac
    printf '%s\n' "$rp_point"
  done
  swap_lines | while read -r rp_swap _; do
    [ "$(readlink -f -- "$rp_swap")" != "$rp_node" ] || printf 'swap\n'
  done
}

# Blanks and the like are octal in mountinfo; control characters stay so, no path of a manifest has them.
device_places() { # DEVICE
  raw_places "$1" | sed 's/\\040/ /g; s/\\043/#/g; s/\\134/\\/g' | sort -u
}

# Without it the machine does not run: never the disk for anything else.
is_of_system() { # PLACE
  case $1 in / | swap | /boot | /boot/* | /usr | /var | /etc) ;; *) return 1 ;; esac
}
