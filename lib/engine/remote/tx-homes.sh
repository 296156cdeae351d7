# Homes that a transaction makes, and their way back. undo/accounts/home.NAME: which directory useradd(8) made, and what is in it.

# Which file system it is, also after a boot at which disks got other numbers: two of them may be seen at one path.
file_system() { # PATH: of what is there, or of the nearest directory above it
  fs_path=$1
  while [ -n "$fs_path" ] && ! exists "$ROOT$fs_path"; do fs_path=${fs_path%/*}; done
  stat -f -c %i -- "$ROOT${fs_path:-/}" 2>"$DIR/words"
}

directory_identity() { # PATH: of this very directory; one that is made in its place has another number and time of birth
  stat -c '%i %w' -- "$ROOT$1" 2>"$DIR/words"
}

note_home() { # NAME HOME: the home, and each thing in it by number, kind and time of change
  is_directory "$ROOT$2" || return 0
  nh_list=$DIR/undo/accounts/home.$1
  {
    directory_identity "$2" && find "$ROOT$2" -xdev -mindepth 1 -printf '%i %y %C@\n'
  } >"$nh_list.new" 2>"$DIR/words" && mv -T "$nh_list.new" "$nh_list"
}

# Of the home that useradd(8) made: what is unchanged goes, each thing by its number, and then the directory if it is empty.
# Never by its name alone: another disk, or a directory of others, may be at that path by now.
undo_home() {
  if [ "$(file_system "$ua_2")" != "$ua_4" ]; then
    uh_over=$(mount_over "$ua_2")
    if [ -n "$uh_over" ]; then
      printf '%s lies below %s, which is still mounted: end what uses it\n' "$ua_2" "$uh_over" >"$DIR/words"
      return 1
    fi
    say note "home $ua_2 stays: another file system is there now"
    return 0
  fi
  is_directory "$ROOT$ua_2" || return 0
  uh_list=$DIR/undo/accounts/home.$ua_name
  if [ -s "$uh_list" ] && [ "$(head -n 1 "$uh_list")" != "$(directory_identity "$ua_2")" ]; then
    say note "home $ua_2 stays: it is not the directory that this change made"
    return 0
  fi
  empty_home
  # What the files of the configuration need goes with them.
  uh_left=$(find "$ROOT$ua_2" -mindepth 1 -printf '/%P\n' | while IFS= read -r uh_path; do
    grep -qxsF -- "$ua_2$uh_path" "$DIR/undo/a.absent" || { printf '%s' "$uh_path" && break; }
  done)
  if [ -n "$uh_left" ]; then
    say note "home $ua_2 stays: others put something there: $ua_2$uh_left"
    return 0
  fi
  uh_path=$ua_2
  while [ -n "$ua_5" ] && rmdir -- "$ROOT$uh_path" 2>/dev/null && [ "$uh_path" != "$ua_5" ]; do uh_path=${uh_path%/*}; done
  return 0
}

mount_over() { # PATH: the mount of this transaction that hides it, if one is still there
  ! on_host || [ ! -s "$DIR/ops/mounts" ] || while IFS= read -r mo_path; do
    case $1/ in "$mo_path"/*) ! mountpoint -q -- "$mo_path" || printf '%s' "$mo_path" ;; esac
  done <"$DIR/ops/mounts"
}

# From within the directory, and find(1) does not follow links while it deletes: whoever owns it may put some there. If there
# was no time to write down what is in it, that is what equals the skeleton.
empty_home() (
  cd -P -- "$ROOT$ua_2" || exit 1
  if [ ! -s "$uh_list" ]; then
    for eh_skeleton in "$ROOT/etc/skel" /etc/skel; do
      find . -xdev -mindepth 1 -depth \( -type f -exec cmp -s -- {} "$eh_skeleton/"{} \; -delete \) -o \
        \( -type d -empty -exec test -d "$eh_skeleton/"{} \; -delete \)
    done 2>/dev/null
    exit
  fi
  [ "$(head -n 1 "$uh_list")" = "$(stat -c '%i %w' .)" ] || exit 1
  set --
  while read -r eh_number eh_kind eh_time; do
    case $eh_kind in
      d) set -- "$@" -o -inum "$eh_number" -type d -empty ;;
      # Its time of change tells of any change: nobody can set it.
      *) set -- "$@" -o -inum "$eh_number" -type "$eh_kind" ! -newerct "@$eh_time" ;;
    esac
  done <<LIST
$(sed 1d "$uh_list")
LIST
  [ "$#" = 0 ] || find . -xdev -mindepth 1 -depth \( -false "$@" \) -delete
)
