# What cannot be replaced, seen without writing anything: it is refused before the switch, all of it at once. Obstacles are
# lines PATH US REASON of undo/<phase>.obstacles.

# Mount points from the kernel, one a line; of what the kernel makes itself (/proc, /sys) in a list of their own.
MOUNT_POINTS=
KERNEL_MOUNTS=
read_mounts() {
  MOUNT_POINTS=$NL
  KERNEL_MOUNTS=$NL
  while IFS=' ' read -r _ _ _ _ rm_point _ rm_rest; do
    rm_point=$(printf '%b.' "$rm_point")
    MOUNT_POINTS=$MOUNT_POINTS${rm_point%.}$NL
    case ${rm_rest#*- } in
      'proc '* | 'sysfs '* | cgroup* | 'securityfs '* | 'debugfs '* | 'tracefs '* | 'configfs '* | 'bpf '* | 'pstore '* | 'efivarfs '*)
        KERNEL_MOUNTS=$KERNEL_MOUNTS${rm_point%.}$NL
        ;;
    esac
  done <<MOUNTS
$(sed 's/\\\([0-7][0-7][0-7]\)/\\0\1/g' /proc/self/mountinfo)
MOUNTS
}

is_mount_point() { # REAL PATH
  case $MOUNT_POINTS in *"$NL$1$NL"*) return 0 ;; esac
  return 1
}

leaves() { # PATH: whether this transaction takes down what is mounted there
  on_host && [ -s "$DIR/ops/umounts" ] && grep -qxF -- "$1" "$DIR/ops/umounts"
}

obstacle() { # PATH REASON: what a person is told
  printf '%s%s%s\n' "$1" "$US" "$2" >>"$SAVE.obstacles"
}

# Many paths have one reason: it is told once, with all that it is in the way of, as far as a failure has room for them.
# shellcheck disable=SC2016 # awk's own variables
no_obstacles() { # else fails with ITEM and words
  [ -s "$SAVE.obstacles" ] || return 0
  IFS=$US read -r ITEM _ <"$SAVE.obstacles"
  awk -F "$US" '
    !($2 in seen) { seen[$2] = 1; reason[++n] = $2 }
    index($2, $1 " ") != 1 && !(($2, $1) in of) { of[$2, $1] = 1; path[$2, ++many[$2]] = $1 }
    END {
      for (i = 1; i <= n; i++) {
        line = reason[i] "\n"
        if (NR > 1 && many[reason[i]]) {
          line = line "  in the way of: "
          for (k = 1; k <= many[reason[i]]; k++) {
            if (length(line) + size > 12000) { line = line " and " (many[reason[i]] - k + 1) " more"; break }
            line = line (k > 1 ? ", " : "") path[reason[i], k]
          }
          line = line "\n"
        }
        if (size + length(line) > 14000) { printf "and %d more reasons\n", n - i + 1; exit }
        size += length(line)
        printf "%s", line
      }
    }' "$SAVE.obstacles" >"$DIR/words"
  return 1
}

flags_of() { # REAL PATH: sets FLAGS to "immutable" or "append-only", where the host can tell, or to nothing
  FLAGS=$(lsattr -d -- "$1" 2>/dev/null)
  case ${FLAGS%% *} in
    *i*) FLAGS=immutable ;;
    *a*) FLAGS=append-only ;;
    *) FLAGS= ;;
  esac
}

flag_words() { # PATH, after flags_of
  fw_flag=i
  [ "$FLAGS" = immutable ] || fw_flag=a
  printf '%s is %s. To let it be changed: chattr -%s %s\n' "$1" "$FLAGS" "$fw_flag" "$ROOT$1"
}

# What a person can do about a path that could not be put back, where flags are why: the system's own words do not tell.
flags_of_either() { # PATH: it or its directory
  for fe_path in "$1" "${1%/*}"; do
    flags_of "$ROOT$fe_path"
    [ -z "$FLAGS" ] || { printf ' (%s)' "$(flag_words "$fe_path")" && return 0; }
  done
}

# Why access(2) says that nothing can be written there; for root only a read-only file system and the immutable flag do.
cannot_write() { # PATH OF
  flags_of "$ROOT$2"
  if [ -n "$FLAGS" ]; then
    obstacle "$1" "$(flag_words "$2")"
    return
  fi
  cw_mount=$(stat -c %m -- "$ROOT$2")
  case ,$(findmnt --kernel -n -o OPTIONS --mountpoint "$cw_mount" 2>/dev/null | tail -n 1), in
    *,ro,*)
      obstacle "$1" "$2 is on a file system that is mounted read-only. If nothing is wrong with its disk: mount -o remount,rw $cw_mount"
      ;;
    *)
      if [ -n "$AM_ROOT" ]; then
        obstacle "$1" "$2 cannot be written to. Look whether it is immutable or on a read-only file system: lsattr -d $ROOT$2; findmnt -T $ROOT$2"
      else
        obstacle "$1" "$2 cannot be written to by this account. Run citadel-iac as root, or give it to this account."
      fi
      ;;
  esac
}

# A file that goes, or that becomes a directory, goes first.
makes_way() { # PATH
  path_operations | grep -qF -e "del$US$1" -e "dir$US$1$US" -e "link$US$1$US" -e "original$US$1$US"
}

# Operations come in the order of their paths, so what is known of a parent serves all that stand in it.
SO_PARENT=
see_obstacles() { # OP PATH
  case $1 in
    # One that cannot go stays, and that is said.
    rmdir) return 0 ;;
    del) ! is_directory "$ROOT$2" || return 0 ;;
  esac
  so_parent=${2%/*}
  so_file=
  while [ -n "$so_parent" ] && [ ! -d "$ROOT$so_parent" ]; do
    ! exists "$ROOT$so_parent" || so_file=$so_parent
    so_parent=${so_parent%/*}
  done
  if [ -n "$so_file" ] && ! makes_way "$so_file"; then
    obstacle "$2" "$so_file is no directory on the host, and the configuration has paths below it. Move it away, or take those out."
    return 1
  fi
  if [ "$SO_PARENT" != "$so_parent/" ]; then
    SO_PARENT=$so_parent/
    if ! SO_REAL=$(cd -P -- "$ROOT$SO_PARENT" 2>/dev/null && pwd -P); then
      SO_PARENT=
      obstacle "$2" "${so_parent:-/} cannot be entered by this account."
      return 1
    fi
    SO_WRITABLE=1
    [ -w "$ROOT$SO_PARENT" ] || SO_WRITABLE=
    SO_KERNEL=
    for so_mount in $KERNEL_MOUNTS; do
      case $SO_REAL/ in "$so_mount"/*) SO_KERNEL=$so_mount ;; esac
    done
    printf '%s\0' ".$SO_PARENT" >>"$SAVE.look"
  fi
  if [ -n "$SO_KERNEL" ]; then
    obstacle "$2" "$2 is made by the kernel (below $SO_KERNEL) and no file that can be kept or replaced. Settings of the kernel belong into a file in /etc/sysctl.d or /etc/tmpfiles.d."
    return 1
  fi
  case $1 in
    dir | attr) is_directory "$ROOT$2" || [ "$1" = attr ] || [ -n "$SO_WRITABLE" ] || { cannot_write "$2" "${so_parent:-/}"; return 1; } ;;
    *) [ -n "$SO_WRITABLE" ] || { cannot_write "$2" "${so_parent:-/}"; return 1; } ;;
  esac
  if ! exists "$ROOT$2" || [ -L "$ROOT$2" ]; then return 0; fi
  if [ -n "$AM_ROOT" ] && [ ! -w "$ROOT$2" ]; then
    cannot_write "$2" "$2"
    return 1
  fi
  printf '%s\0' ".$2" >>"$SAVE.look"
  case $1 in
    attr) ;;
    dir) is_directory "$ROOT$2" || not_mounted "$2" ;;
    *) not_mounted "$2" ;;
  esac
}

not_mounted() { # PATH, which is to be replaced, after SO_REAL is that of its parent
  nm_real=${SO_REAL%/}/${1##*/}
  if is_mount_point "$nm_real" && ! leaves "$1"; then
    obstacle "$1" "$1 is a mount point and cannot be replaced. Take the mount down and out of its configuration (findmnt $ROOT$1), or take $1 out of the document."
    return 1
  fi
  # Cutting this out of the list would take a time that grows with the square of the list.
  case $MOUNT_POINTS in *"$NL$nm_real/"*) ;; *) return 0 ;; esac
  nm_below=
  nm_command=umount
  # What is mounted within another mount goes before it.
  while IFS= read -r nm_point; do
    case $nm_point in "$nm_real"/*) ;; *) continue ;; esac
    nm_below=${nm_below:+$nm_below, }$nm_point
    case $nm_point in *[!A-Za-z0-9/._-]*) nm_point=\'$nm_point\' ;; esac
    nm_command="$nm_command $nm_point"
  done <<POINTS
$(printf '%s' "$MOUNT_POINTS" | sort -ru)
POINTS
  obstacle "$1" "$1 is to be replaced, and something is mounted in it: $nm_below. Take that down first: $nm_command"
  return 1
}

# What access(2) does not say of root: append-only, and whatever is immutable in a directory that is to be replaced.
see_flags() {
  [ -s "$SAVE.look" ] && command -v lsattr >/dev/null || return 0
  (cd "$ROOT/" && xargs -0 lsattr -d -- <"$SAVE.look" 2>/dev/null | sed -n 's/^[^ ]*[ia][^ ]* \.\(..*\)/\1/;T;s|\(.\)/$|\1|;p') |
    while IFS= read -r sf_path; do
      flags_of "$ROOT$sf_path"
      obstacle "$sf_path" "$(flag_words "$sf_path")"
    done
  rm -f "$SAVE.look"
}
