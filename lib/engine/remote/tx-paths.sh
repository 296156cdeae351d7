# Directories, files and links: keep what stands there, put what is wanted, bring back what was.
# Operations are lines of ops/paths-<phase>, fields separated by US:
#   dir PATH OWNER GROUP MODE | file PATH OWNER GROUP MODE | link PATH TARGET | attr PATH OWNER GROUP MODE
#   del PATH | rmdir PATH
# Phase "a" is everything; phase "b" what lies below a mount point that this transaction mounts.
#
# Each command is a process of its own, and there are many paths: results stand in variables where it is simple.

AM_ROOT=
[ "$(id -u)" != 0 ] || AM_ROOT=1

each_path() { # PHASE FUNCTION: calls FUNCTION with the fields of each operation; stops at its first failure
  [ -s "$DIR/ops/paths-$1" ] || return 0
  while IFS=$US read -r op path p1 p2 p3 <&3; do
    "$2" "$op" "$path" "$p1" "$p2" "$p3" || return 1
  done 3<"$DIR/ops/paths-$1"
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

is_directory() { [ -d "$1" ] && [ ! -L "$1" ]; }

missing_parents() { # PATH: each ancestor that does not exist, outermost first
  mp_path=${1%/*}
  mp_list=
  while [ -n "$mp_path" ] && ! exists "$ROOT$mp_path"; do
    mp_list=$mp_path$NL$mp_list
    mp_path=${mp_path%/*}
  done
  [ -z "$mp_list" ] || printf '%s' "$mp_list"
}

below_leaving_link() { # PATH: whether a link among LEAVING_LINKS leads to it
  bl_path=${1%/*}
  while [ -n "$bl_path" ]; do
    case $LEAVING_LINKS in *"$NL$bl_path$NL"*) return 0 ;; esac
    bl_path=${bl_path%/*}
  done
  return 1
}

note_existing() { # OP PATH ...: sorts a path into "to keep" or "was absent", with the parents that are missing
  if [ "$LEAVING_LINKS" != "$NL" ] && below_leaving_link "$2"; then
    # A directory takes the place of a link. What the link led to is not touched, and the directory goes as a whole.
    return 0
  fi
  missing_parents "$2" >>"$SAVE.absent"
  if is_directory "$ROOT$2"; then
    case $1 in
      dir | attr | rmdir | del) printf '%s\0' ".$2" >>"$SAVE.keep" ;;
      *) find "$ROOT$2" -printf '%p\0' >"$SAVE.found" && sed -z "s|^$ROOT_RE/|./|" "$SAVE.found" >>"$SAVE.keep" ;;
    esac
  elif exists "$ROOT$2"; then
    case $1 in dir | del) [ ! -L "$ROOT$2" ] || LEAVING_LINKS=$LEAVING_LINKS$2$NL ;; esac
    printf '%s\0' ".$2" >>"$SAVE.keep"
  else
    printf '%s\n' "$2" >>"$SAVE.absent"
  fi
}

# Streams paths from one folder into another with all that they carry. tar(1) says 1 when somebody wrote to a file in
# the meantime; then it is his word that counts.
copy_paths() { # FROM TO LIST
  rm -f "$LIST_FAILED"
  { tar -C "$1" --no-recursion --null --verbatim-files-from --xattrs --acls -T "$3" -cf - || [ $? = 1 ] || true >"$LIST_FAILED"; } 2>"$DIR/words.read" |
    tar -C "$2" --xattrs --xattrs-include='*' --acls --numeric-owner -xpf - 2>"$DIR/words" && [ ! -e "$LIST_FAILED" ] && return 0
  cat "$DIR/words.read" >>"$DIR/words"
  return 1
}

cannot_keep() { # WHAT
  printf '%s cannot be kept for the way back (a socket, or a line end in its name): move it away first\n' "$1" >"$DIR/words"
}

save_paths() { # PHASE: copies everything that will be replaced into undo/<phase>, before anything is
  SAVE=$DIR/undo/$1
  LIST_FAILED=$SAVE.failed
  LEAVING_LINKS=$NL
  ROOT_RE=$(printf '%s' "$ROOT" | sed 's/[].[*^$\\|]/\\&/g') || return 1
  mkdir -p "$SAVE.tree" && true >"$SAVE.keep" && true >"$SAVE.absent" || return 1
  each_path "$1" note_existing || return 1
  # What the way back reads is ready now: there may be no room for it later.
  sort -ru -o "$SAVE.absent" "$SAVE.absent" && sort -zu -o "$SAVE.keep" "$SAVE.keep" || return 1
  if [ -s "$SAVE.keep" ]; then
    copy_paths "$ROOT/" "$SAVE.tree" "$SAVE.keep" || return 1
    tr '\0' '\n' <"$SAVE.keep" | sed 's|^\.||' >"$SAVE.order" || return 1
    # An undo brings back what is here and nothing else, so it had better be all of it.
    sv_count=0
    while IFS= read -r sv_path; do
      sv_count=$((sv_count + 1))
      exists "$SAVE.tree$sv_path" || { cannot_keep "$sv_path"; return 1; }
      ! is_directory "$SAVE.tree$sv_path" || printf '%s\0' ".$sv_path"
    done <"$SAVE.order" >"$SAVE.dirs"
    [ "$sv_count" = "$(tr -cd '\0' <"$SAVE.keep" | wc -c)" ] || { cannot_keep 'something in a directory that is to be replaced'; return 1; }
  fi
  true >"$SAVE.saved"
}

# Accounts of an offline root are not those of this machine: names are looked up in its own files.
account_id() { # FILE NAME: sets ACCOUNT_ID to the third field of NAME's line
  [ -e "$ROOT/etc/$1" ] || return 1
  while IFS=: read -r ai_name _ ACCOUNT_ID _; do
    [ "$ai_name" != "$2" ] || return 0
  done <"$ROOT/etc/$1"
  return 1
}

# Without privileges an offline root keeps this machine's user as the owner; one without accounts cannot know owners.
owner_spec() { # OWNER GROUP: sets OWNER_SPEC to what chown(1) is given, or to nothing
  OWNER_SPEC=
  [ -n "$AM_ROOT" ] || return 0
  if [ -z "$ROOT" ]; then
    OWNER_SPEC=$1:$2
    return 0
  fi
  [ -e "$ROOT/etc/passwd" ] && [ -e "$ROOT/etc/group" ] || return 0
  if account_id passwd "$1"; then
    os_user=$ACCOUNT_ID
    if account_id group "$2"; then
      OWNER_SPEC=$os_user:$ACCOUNT_ID
      return 0
    fi
    printf 'the root has no group %s\n' "$2" >"$DIR/words"
  else
    printf 'the root has no user %s\n' "$1" >"$DIR/words"
  fi
  return 1
}

set_access() { # PATH OWNER GROUP MODE: the owner first, because chown(1) takes special bits away
  owner_spec "$2" "$3" || return 1
  [ -z "$OWNER_SPEC" ] || chown -h -- "$OWNER_SPEC" "$1" 2>"$DIR/words" || return 1
  # With a fifth digit: of four, chmod(1) leaves a directory the set-group-ID bit that it has.
  chmod -- "0$4" "$1" 2>"$DIR/words"
}

# The staged files get their owners and modes, a group of equal ones at a time, and the time of the switch: by it programs
# tell whether a process has read them.
own_staged() {
  [ -s "$DIR/ops/own" ] || return 0
  while IFS=$US read -r own_n own_owner own_group own_mode <&3; do
    owner_spec "$own_owner" "$own_group" || return 1
    if [ -n "$OWNER_SPEC" ]; then
      (cd "$DIR/tree" && xargs -0 chown -h -- "$OWNER_SPEC") <"$DIR/own/$own_n" 2>"$DIR/words" || return 1
    fi
    (cd "$DIR/tree" && xargs -0 chmod -- "$own_mode") <"$DIR/own/$own_n" 2>"$DIR/words" || return 1
    (cd "$DIR/tree" && xargs -0 touch --) <"$DIR/own/$own_n" 2>"$DIR/words" || return 1
  done 3<"$DIR/ops/own"
}

make_parents() { # PATH: directories that nobody declared are plain ones of root
  [ -d "$ROOT${1%/*}" ] || (umask 022 && mkdir -p -- "$ROOT${1%/*}") 2>"$DIR/words"
}

# A file or link that takes a directory's place needs the directory gone first; undo/<phase>.tree has it.
clear_directory() { # PATH: never crosses into a mounted file system
  if is_directory "$ROOT$1"; then
    rm -rf --one-file-system -- "$ROOT${1:?}" 2>"$DIR/words"
  fi
}

beside() { # PATH: sets BESIDE to a name in the same directory, so that the last step is one rename
  BESIDE=$ROOT${1%/*}/.citadel-iac.$ID
}

move_into_place() { # PATH: $BESIDE becomes it; a half-made copy does not stay
  clear_directory "$1" && mv -fT -- "$BESIDE" "$ROOT$1" 2>"$DIR/words" && return 0
  rm -f -- "$BESIDE"
  return 1
}

# Whether a staged file can be renamed to below a directory. By mount points: a bind mount is on the same device, and yet
# rename(2) does not reach it. Files come in the order of their paths, so one answer serves a whole directory.
TREE_MOUNT=
SM_PARENT=
same_mount() { # DIRECTORY
  [ -n "$TREE_MOUNT" ] || TREE_MOUNT=$(stat -c %m -- "$DIR/tree")
  if [ "$SM_PARENT" != "$1" ]; then
    SM_PARENT=$1
    SM_MOUNT=$(stat -c %m -- "$1")
  fi
  [ "$SM_MOUNT" = "$TREE_MOUNT" ]
}

put_file() { # PATH: in one rename
  if same_mount "$ROOT${1%/*}"; then
    clear_directory "$1" && mv -fT -- "$DIR/tree$1" "$ROOT$1" 2>"$DIR/words"
    return
  fi
  beside "$1"
  if ! cp -p -- "$DIR/tree$1" "$BESIDE" 2>"$DIR/words"; then
    rm -f -- "$BESIDE"
    return 1
  fi
  move_into_place "$1"
}

put_path() { # OP PATH P1 P2 P3
  ITEM=$2
  case $1 in
    dir)
      make_parents "$2" || return 1
      if ! is_directory "$ROOT$2" && exists "$ROOT$2"; then
        rm -f -- "$ROOT$2" 2>"$DIR/words" || return 1
      fi
      if [ ! -d "$ROOT$2" ]; then
        mkdir -m "$5" -- "$ROOT$2" 2>"$DIR/words" || return 1
        # A new directory is ours: for root's own that is all, unless it takes its group from the one above.
        if [ -z "$ROOT" ] && [ "$3:$4" = root:root ] && [ ! -g "${2%/*}/" ]; then return 0; fi
      fi
      set_access "$ROOT$2" "$3" "$4" "$5"
      ;;
    attr) set_access "$ROOT$2" "$3" "$4" "$5" ;;
    file)
      make_parents "$2" && put_file "$2"
      ;;
    link)
      make_parents "$2" || return 1
      beside "$2"
      ln -sfn -- "$3" "$BESIDE" 2>"$DIR/words" && move_into_place "$2"
      ;;
    del | rmdir)
      if is_directory "$ROOT$2"; then
        # Not empty: somebody else's files are in it, and they stay.
        rmdir -- "$ROOT$2" 2>/dev/null || say note "directory $2 is not empty and stays"
      elif [ "$1" = del ]; then
        rm -f -- "$ROOT$2" 2>"$DIR/words"
      fi
      ;;
    *) return 1 ;;
  esac
}

sync_paths() { # PHASE: one syncfs for each file system that was written to
  [ -s "$DIR/ops/paths-$1" ] || return 0
  cut -d "$US" -f 2 "$DIR/ops/paths-$1" | while IFS= read -r sp_path; do
    sp_path=${sp_path%/*}
    while [ -n "$sp_path" ] && [ ! -d "$ROOT$sp_path" ]; do sp_path=${sp_path%/*}; done
    printf '%s\n' "$ROOT${sp_path:-/}"
  done | sort -u | tr '\n' '\0' | xargs -0 -r stat -c '%d %n' -- | sort -u -k 1,1 | while IFS= read -r sp_line; do
    sync -f "${sp_line#* }"
  done
}

# What was absent goes, what was kept comes back. Safe to run again after an interruption. When the disk is full, what
# could not be restored in the first round finds the room that the others gave back in the second.
restore_paths() { # PHASE
  SAVE=$DIR/undo/$1
  LIST_FAILED=$SAVE.failed
  [ -e "$SAVE.saved" ] || return 0
  rp_status=0
  while IFS= read -r rp_path <&4; do
    restore_absence "$rp_path" || rp_status=1
  done 4<"$SAVE.absent"
  [ -s "$SAVE.keep" ] || return "$rp_status"
  for _ in 1 2; do
    rp_left=
    while IFS= read -r rp_path <&4; do
      restore_one "$rp_path" || rp_left=1
    done 4<"$SAVE.order"
    [ -n "$rp_left" ] || break
  done
  [ -z "$rp_left" ] || rp_status=1
  # Last, because each file that comes back moves the time of its directory.
  [ ! -s "$SAVE.dirs" ] || copy_paths "$SAVE.tree" "$ROOT/" "$SAVE.dirs" || rp_status=1
  return "$rp_status"
}

restore_absence() { # PATH
  beside "$1"
  if is_directory "$ROOT$1"; then
    rm -f -- "$BESIDE" "$ROOT$1/.citadel-iac.$ID"
    # Something may have been put into it meanwhile by a program: that is not ours to delete.
    rmdir -- "$ROOT$1" 2>/dev/null || say note "directory $1 is not empty and stays"
  else
    rm -f -- "$BESIDE" "$ROOT$1"
  fi
}

restore_one() { # PATH: from undo/<phase>.tree, by one rename where there is room for both
  ro_from=$SAVE.tree$1
  beside "$1"
  if is_directory "$ro_from"; then
    is_directory "$ROOT$1" && return 0
    rm -f -- "$ROOT$1" && mkdir -p -- "$ROOT$1"
    return
  fi
  rm -f -- "$BESIDE"
  [ -d "$ROOT${1%/*}" ] || mkdir -p -- "$ROOT${1%/*}" || return 1
  clear_directory "$1" || return 1
  if cp -a -- "$ro_from" "$BESIDE" 2>"$DIR/words"; then
    mv -fT -- "$BESIDE" "$ROOT$1"
  else
    rm -f -- "$BESIDE" "$ROOT$1"
    cp -a -- "$ro_from" "$ROOT$1" 2>"$DIR/words"
  fi
}
