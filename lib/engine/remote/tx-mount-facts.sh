# What is mounted now, and how it differs from what /etc/fstab says. After devices.sh.

boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null; }

# Sets LM_ID, LM_DEVICE (MAJOR:MINOR), LM_ROOT, LM_TYPE, LM_SOURCE and LM_OPTIONS (of the mount and of its file system) of
# the uppermost mount at a path; false where nothing is mounted.
live_mount() { # PATH
  lm_line=$(mount_lines | LM_PATH=$1 awk '
    function plain(s) { gsub(/\\040/, " ", s); gsub(/\\011/, "\t", s); gsub(/\\043/, "#", s); gsub(/\\134/, "\\", s); return s }
    plain($5) == ENVIRON["LM_PATH"] {
      for (i = 7; i < NF && $i != "-"; i++);
      found = $1 "\037" $3 "\037" plain($4) "\037" $(i + 1) "\037" plain($(i + 2)) "\037" $6 "," $(i + 3)
    }
    END { if (found != "") print found }')
  [ -n "$lm_line" ] || return 1
  IFS=$US read -r LM_ID LM_DEVICE LM_ROOT LM_TYPE LM_SOURCE LM_OPTIONS <<LINE
$lm_line
LINE
}

# Which fstab says how to mount: before the switch it is the staged one.
FSTAB=/etc/fstab
fstab_column() { # COLUMN PATH
  findmnt --fstab --tab-file "$FSTAB" -n -o "$1" --mountpoint "$2" 2>/dev/null | tail -n 1
}

read_fstab() { # PATH: sets FT_SOURCE, FT_TYPE and FT_OPTIONS
  FT_SOURCE=$(fstab_column SOURCE "$1")
  FT_TYPE=$(fstab_column FSTYPE "$1")
  FT_OPTIONS=$(fstab_column OPTIONS "$1")
}

is_in() { # OPTION OPTIONS
  case ,$2, in *,"$1",*) return 0 ;; esac
  return 1
}

# Whether what live_mount found is a file system that fstab names so. Of several names of one device, its number tells; of
# what the kernel makes itself, the name says nothing.
has_source() { # PATH SOURCE TYPE OPTIONS
  if is_in bind "$4" || is_in rbind "$4"; then
    [ "$(stat -L -c %d:%i -- "$2" 2>/dev/null)" = "$(stat -L -c %d:%i -- "$1" 2>/dev/null)" ]
    return
  fi
  if [ "$2" = "$LM_SOURCE" ] || [ "${2%/}" = "${LM_SOURCE%/}" ]; then return 0; fi
  case $2 in
    LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=* | /dev/*)
      hs_device=$(device_of "$2")
      # Where the name cannot be looked up, any disk is taken on trust.
      if [ -z "$hs_device" ] || ! is_device "$hs_device"; then
        case $LM_SOURCE in /dev/*) return 0 ;; esac
        return 1
      fi
      [ "$(device_number "$hs_device")" = "$LM_DEVICE" ] || [ "$(readlink -f -- "$hs_device")" = "$(readlink -f -- "$LM_SOURCE")" ]
      ;;
    /*) # a file: the loop device knows it
      [ -f "$2" ] && [ "$(cat "/sys/block/${LM_SOURCE##*/}/loop/backing_file" 2>/dev/null)" = "$(readlink -f -- "$2")" ]
      ;;
    *) is_made_by_kernel "$LM_TYPE" && [ "$3" = "$LM_TYPE" ] ;;
  esac
}

is_made_by_kernel() { # TYPE
  case $1 in
    proc | sysfs | tmpfs | ramfs | devtmpfs | devpts | mqueue | hugetlbfs | debugfs | tracefs | securityfs | configfs | fusectl | pstore | bpf | efivarfs | cgroup | cgroup2) ;;
    *) return 1 ;;
  esac
}

has_type() { # TYPE
  case $1:$LM_TYPE in auto:* | none:* | nfs:nfs4) return 0 ;; esac
  [ "$1" = "$LM_TYPE" ] || [ "fuse.$1" = "$LM_TYPE" ]
}

# The options that the kernel shows as they were given: sets MO_WRONG to those that are not as wanted.
wrong_options() { # OPTIONS
  MO_WRONG=
  for wo_option in ro noexec nosuid nodev noatime nodiratime sync dirsync; do
    if is_in "$wo_option" "$1"; then
      is_in "$wo_option" "$LM_OPTIONS" || MO_WRONG="$MO_WRONG $wo_option is missing"
    elif is_in "$wo_option" "$LM_OPTIONS"; then
      # mount(8): these bring noexec, nosuid and nodev with them.
      is_in user "$1" || is_in users "$1" || is_in group "$1" || is_in owner "$1" || MO_WRONG="$MO_WRONG $wo_option is set"
    fi
  done
}

# What the kernel has no option for, or shows under another name.
is_never_shown() { # OPTION
  case $1 in
    defaults | auto | noauto | rw | ro | exec | noexec | suid | nosuid | dev | nodev | async | sync | dirsync | atime | noatime | \
      diratime | nodiratime | relatime | norelatime | strictatime | nostrictatime | lazytime | nolazytime | user | users | nouser | \
      group | owner | _netdev | nofail | loop | loop=* | offset=* | bind | rbind | x-* | X-* | comment=* | credentials=* | silent | loud | \
      acl | user_xattr | usrquota | grpquota | nobarrier | barrier | barrier=*) ;;
    *) return 1 ;;
  esac
}

plain_value() { # VALUE: bytes without a unit, words of the kernel as numbers
  case $1 in
    *[0-9][kK]) echo "$((${1%[kK]} * 1024))" ;;
    *[0-9][mM]) echo "$((${1%[mM]} * 1048576))" ;;
    *[0-9][gG]) echo "$((${1%[gG]} * 1073741824))" ;;
    off) echo 0 ;;
    noaccess) echo 1 ;;
    invisible) echo 2 ;;
    ptraceable) echo 4 ;;
    0?*) echo "${1#0}" ;;
    *) printf '%s\n' "$1" ;;
  esac 2>/dev/null
}

is_shown() { # OPTION
  ! is_in "$1" "$LM_OPTIONS" || return 0
  case $1 in *=*) ;; *) return 1 ;; esac
  is_value=$(printf '%s\n' "$LM_OPTIONS" | tr ',' '\n' | sed -n "s/^${1%%=*}=//p" | tail -n 1)
  [ -n "$is_value" ] || return 1
  case ${1#*=} in
    # A name, or a part of the memory, that the kernel shows as a number.
    *%) return 0 ;;
    *[!0-9kKmMgG]*) case $is_value in *[!0-9]*) ;; *) return 0 ;; esac ;;
  esac
  [ "$(plain_value "${1#*=}")" = "$(plain_value "$is_value")" ]
}

note_unshown() { # PATH OPTIONS, after a remount
  nu_missing=$(printf '%s\n' "$2" | tr ',' '\n' | while IFS= read -r nu_option; do
    is_never_shown "$nu_option" || is_shown "$nu_option" || printf ', %s' "$nu_option"
  done)
  [ -z "$nu_missing" ] || say note "mount $1: the kernel does not show ${nu_missing#, } after a remount: that takes effect at the next mount, at the latest at the next boot"
}

prove_mounts() { # appends to after.bad
  [ -e "$DIR/ops/after" ] || return 0
  after_names mount 2 >"$DIR/after.mounts" || return 0
  while IFS= read -r pm_path <&4; do
    read_fstab "$pm_path"
    pm_words=
    if ! live_mount "$pm_path"; then
      pm_words="expected $FT_SOURCE mounted, found nothing mounted"
    elif ! has_source "$pm_path" "$FT_SOURCE" "$FT_TYPE" "$FT_OPTIONS"; then
      pm_words="expected $FT_SOURCE mounted, found $LM_SOURCE"
    elif ! has_type "$FT_TYPE"; then
      pm_words="expected the type $FT_TYPE, found $LM_TYPE"
    else
      wrong_options "$FT_OPTIONS"
      [ -z "$MO_WRONG" ] || pm_words="expected the options $FT_OPTIONS, found $LM_OPTIONS"
    fi
    [ -z "$pm_words" ] || printf '%s%s%s: %s\n' "$pm_path" "$US" "$pm_path" "$pm_words" >>"$DIR/after.bad"
  done 4<"$DIR/after.mounts"
  return 0
}

# Who keeps a mount busy, from /proc, because fuser(1) and lsof(8) are not always there: a line each, by paths, with what of it is in use.
users_of() { # PATH
  {
    find /proc/[0-9]*/cwd /proc/[0-9]*/root /proc/[0-9]*/exe /proc/[0-9]*/fd -maxdepth 1 -type l -printf '%p\037%l\n' 2>/dev/null
    # Libraries and files that are only mapped.
    for uo_maps in /proc/[0-9]*/maps; do
      UO_PATH=$1 awk -v from="$uo_maps" 'index($0, " " ENVIRON["UO_PATH"] "/") { print from "\037" ENVIRON["UO_PATH"] "/"; exit }' "$uo_maps" 2>/dev/null
    done
  } | UO_PATH=$1 awk -F '\037' '
    $2 == ENVIRON["UO_PATH"] || index($2, ENVIRON["UO_PATH"] "/") == 1 {
      split($1, part, "/")
      what = part[4] == "cwd" ? "its working directory" : part[4] == "root" ? "its root" : part[4] == "exe" ? "its program" : part[4] == "maps" ? "a mapped file" : "an open file"
      if (!((part[3] what) in seen)) { seen[part[3] what] = 1; print part[3] "\037" what }
    }' | sort -n | head -n 10 | while IFS=$US read -r uo_pid uo_what; do
    printf '  %s (%s): %s\n' "$(cat "/proc/$uo_pid/comm" 2>/dev/null)" "$uo_pid" "$uo_what"
  done
  mount_lines | awk '{ print $5 }' | UO_PATH=$1 awk 'index($0, ENVIRON["UO_PATH"] "/") == 1 { print "  another file system is mounted in it: " $0 }'
}

busy_words() { # PATH, after a failed umount: its words, and who is to blame
  bw_users=$(users_of "$1")
  {
    if [ -n "$bw_users" ]; then
      printf '%s is in use and cannot be unmounted:\n%s\nStop that, then apply again.\n' "$1" "$bw_users"
    else
      printf '%s cannot be unmounted. No process was seen that uses it: look for swap files, loop devices and NFS exports on it\n' "$1"
    fi
  } >>"$DIR/words"
}
