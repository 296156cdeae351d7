# Homes that a transaction makes, and their way back. undo/accounts/home.NAME: which directory it made, and what is in it.

# Phase b: homes below what this transaction mounts, once it is mounted. They come as useradd(8) makes them, by one rename.
make_homes() { # PHASE
  [ -s "$DIR/undo/accounts/homes" ] || return 0
  while IFS=$US read -r mh_name mh_home <&3; do
    ITEM=$mh_name
    if is_below_mounts "$mh_home"; then mh_phase=b; else mh_phase=a; fi
    [ "$mh_phase" = "$1" ] || continue
    account_line passwd "$mh_name" || return 1
    IFS=: read -r _ _ mh_uid mh_gid _ <<LINE
$ACCOUNT_LINE
LINE
    if ! exists "$ROOT$mh_home"; then
      make_home || return 1
    elif is_fresh_disk; then
      furnish_disk || return 1
    else
      note_owner
    fi
  done 3<"$DIR/undo/accounts/homes"
}

is_below_mounts() { # PATH: whether it lies on what this transaction mounts, by way of links maybe
  on_host && [ -s "$DIR/ops/mounts" ] || return 1
  bm_real=$(readlink -m -- "$1")
  while IFS= read -r bm_path; do
    case $1/ in "$bm_path"/*) return 0 ;; esac
    case $bm_real/ in "$bm_path"/*) return 0 ;; esac
  done <"$DIR/ops/mounts"
  return 1
}

note_owner() { # a home that was there
  no_owner=$(stat -L -c %u -- "$ROOT$mh_home" 2>/dev/null)
  if [ -z "$AM_ROOT" ] || [ "$no_owner" = "$mh_uid" ]; then return 0; fi
  say note "home $mh_home of $mh_name was there and belongs to the number $no_owner, not to $mh_name ($mh_uid): chown -R $mh_name: $mh_home"
}

login_setting() { # NAME: of login.defs(5)
  sed -n "s/^[[:space:]]*$1[[:space:]][[:space:]]*\\([0-7][0-7]*\\).*/\\1/p" "$ROOT/etc/login.defs" 2>/dev/null | tail -n 1
}

home_mode() {
  hm_mode=$(login_setting HOME_MODE)
  if [ -z "$hm_mode" ]; then
    hm_mode=$(login_setting UMASK)
    hm_mode=$(printf '%04o' $((0777 & ~0${hm_mode:-022})))
  fi
  printf '%s' "$hm_mode"
}

make_home() { # of the fields mh_*
  mk_fs=$(file_system "$mh_home") || return 1
  mk_top=$(missing_parents "$mh_home/." | head -n 1)
  intend home-new "$mh_name" "$mh_home" "$mk_fs" "$mk_top" && make_parents "$mh_home" || return 1
  beside "$mh_home"
  mk_mode=$(home_mode)
  {
    mkdir -- "$BESIDE" && { [ ! -d "$ROOT/etc/skel" ] || cp -R -p -- "$ROOT/etc/skel/." "$BESIDE/"; } &&
      { [ -z "$AM_ROOT" ] || chown -hR -- "$mh_uid:$mh_gid" "$BESIDE"; } && set_mode "$mk_mode" "$BESIDE"
  } 2>"$DIR/words" && note_home "$mh_name" "${mh_home%/*}/.citadel-iac.$ID" && mv -T -- "$BESIDE" "$ROOT$mh_home" 2>"$DIR/words"
}

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
  nh_list=$DIR/undo/accounts/home.$1
  {
    directory_identity "$2" && find "$ROOT$2" -xdev -mindepth 1 -printf '%i %y %C@\n'
  } >"$nh_list.new" 2>"$DIR/words" && mv -T "$nh_list.new" "$nh_list"
}

# Of the home that was made: what is unchanged goes, each thing by its number, and then the directory if it is empty.
# Never by its name alone: another disk, or a directory of others, may be at that path by now.
undo_home() {
  beside "$ua_1"
  rm -rf -- "$BESIDE" 2>"$DIR/words" || return 1
  if [ "$(file_system "$ua_1")" != "$ua_2" ]; then
    uh_over=$(mount_over "$ua_1")
    if [ -n "$uh_over" ]; then
      printf '%s lies below %s, which is still mounted: end what uses it\n' "$ua_1" "$uh_over" >"$DIR/words"
      return 1
    fi
    say note "home $ua_1 stays: another file system is there now"
    return 0
  fi
  is_directory "$ROOT$ua_1" || return 0
  uh_list=$DIR/undo/accounts/home.$ua_name
  # Its list was written before it came to its place.
  if [ "$(head -n 1 "$uh_list" 2>/dev/null)" != "$(directory_identity "$ua_1")" ]; then
    say note "home $ua_1 stays: it is not the directory that this change made"
    return 0
  fi
  empty_home
  # What the files of the configuration need goes with them.
  uh_left=$(find "$ROOT$ua_1" -mindepth 1 -printf '/%P\n' | while IFS= read -r uh_path; do
    grep -qxsF -- "$ua_1$uh_path" "$DIR/undo/a.absent" "$DIR/undo/b.absent" "$DIR/undo/c.absent" || { printf '%s' "$uh_path" && break; }
  done)
  if [ -n "$uh_left" ]; then
    say note "home $ua_1 stays: others put something there: $ua_1$uh_left"
    return 0
  fi
  uh_path=$ua_1
  while [ -n "$ua_3" ] && rmdir -- "$ROOT$uh_path" 2>/dev/null && [ "$uh_path" != "$ua_3" ]; do uh_path=${uh_path%/*}; done
  return 0
}

mount_over() { # PATH: the mount of this transaction that hides it, if one is still there
  mo_real=$(readlink -m -- "$1")
  ! on_host || [ ! -s "$DIR/ops/mounts" ] || while IFS= read -r mo_path; do
    case $mo_real/ in "$mo_path"/*) ! mountpoint -q -- "$mo_path" || printf '%s' "$mo_path" ;; esac
  done <"$DIR/ops/mounts"
}

# From within the directory, and find(1) does not follow links while it deletes: whoever owns it may put some there.
empty_home() (
  cd -P -- "$ROOT$ua_1" || exit 1
  [ "$(head -n 1 "$uh_list")" = "$(stat -c '%i %w' .)" ] || exit 1
  set --
  while read -r eh_number eh_kind eh_time; do
    case $eh_kind in
      d) set -- "$@" -o -inum "$eh_number" -type d -empty ;;
      # Its time of change tells of any change: no one can set it.
      *) set -- "$@" -o -inum "$eh_number" -type "$eh_kind" ! -newerct "@$eh_time" ;;
    esac
  done <<LIST
$(sed 1d "$uh_list")
LIST
  [ "$#" = 0 ] || find . -xdev -mindepth 1 -depth \( -false "$@" \) -delete
)
