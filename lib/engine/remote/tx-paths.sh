# Directories, files and links: put what is wanted. tx-keep.sh keeps what stands there, tx-restore.sh brings it back.
# Operations are lines of ops/paths-<phase>, fields separated by US:
#   dir PATH OWNER GROUP MODE | file PATH OWNER GROUP MODE | link PATH TARGET | attr PATH OWNER GROUP MODE
#   del PATH | rmdir PATH | original PATH COPY (tx-originals.sh) | block PATH N (tx-blocks.sh)
# Phase "a" is everything but what lies below a mount point that this transaction mounts ("b") or takes away ("c"): tx-phases.sh.
#
# Each command is a process of its own, and there are many paths: results stand in variables where it is simple.

AM_ROOT=
[ "$(id -u)" != 0 ] || AM_ROOT=1

each_path() { # PHASE FUNCTION: calls FUNCTION with the fields of each operation; stops at its first failure
  SAVE=$DIR/undo/$1
  [ -s "$DIR/ops/paths-$1" ] || return 0
  while IFS=$US read -r op path p1 p2 p3 <&3; do
    "$2" "$op" "$path" "$p1" "$p2" "$p3" || return 1
  done 3<"$DIR/ops/paths-$1"
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

is_directory() { [ -d "$1" ] && [ ! -L "$1" ]; }

# Accounts of an offline root are not those of this machine: names are looked up in its own files.
account_id() { # FILE NAME: sets ACCOUNT_ID to the third field of NAME's line
  [ -e "$ROOT/etc/$1" ] || return 1
  while IFS=: read -r ai_name _ ACCOUNT_ID _; do
    [ "$ai_name" != "$2" ] || return 0
  done <"$ROOT/etc/$1"
  return 1
}

account_number() { # FILE NAME: the same; who has no name any more is named by number
  case $2 in *[!0-9]*) account_id "$1" "$2" ;; *) ACCOUNT_ID=$2 ;; esac
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
  if account_number passwd "$1"; then
    os_user=$ACCOUNT_ID
    if account_number group "$2"; then
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
  set_mode "$4" "$1" 2>"$DIR/words"
}

# With more than four digits: of four, chmod(1) leaves a directory the set-group-ID bit that it has, of the one above it maybe.
set_mode() { chmod -- "00$1" "$2"; } # MODE PATH

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

make_parents() { # PATH: directories that no one declared are plain ones of root
  [ -d "$ROOT${1%/*}/" ] || (umask 022 && mkdir -p -- "$ROOT${1%/*}/") 2>"$DIR/words"
}

# A file or link that takes a directory's place needs the directory gone first. Only what was kept goes: what came into
# it meanwhile, and what is mounted in it, ends the step.
clear_directory() { # PATH
  is_directory "$ROOT$1" || return 0
  [ ! -s "$SAVE.order" ] || grep -F -- "$1/" "$SAVE.order" | sort -r | while IFS= read -r cl_path; do
    case $cl_path in "$1"/*) ;; *) continue ;; esac
    if is_directory "$ROOT$cl_path"; then rmdir -- "$ROOT$cl_path"; else rm -f -- "$ROOT$cl_path"; fi || exit 1
  done 2>"$DIR/words" || return 1
  rmdir -- "$ROOT$1" 2>"$DIR/words"
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
    # Of where it leads: a link may lead to another file system.
    SM_MOUNT=$(cd -P -- "$1" && stat -c %m .)
  fi
  [ "$SM_MOUNT" = "$TREE_MOUNT" ]
}

put_file() { # PATH: in one rename
  if same_mount "$ROOT${1%/*}/"; then
    clear_directory "$1" && mv -fT -- "$DIR/tree$1" "$ROOT$1" 2>"$DIR/words"
    return
  fi
  beside "$1"
  if ! cp -a -- "$DIR/tree$1" "$BESIDE" 2>"$DIR/words"; then
    rm -f -- "$BESIDE"
    return 1
  fi
  move_into_place "$1"
}

drop_directory() { # PATH: what others put into it stays, and it with that
  dd_words=$(rmdir -- "$ROOT$1" 2>&1) && return 0
  case $dd_words in
    *'not empty'*) say note "directory $1 is not empty and stays" ;;
    *) say note "directory $1 stays: ${dd_words##*: }" ;;
  esac
}

put_one() { # OP PATH P1 P2 P3
  ITEM=$2
  case $1 in dir | file | link | original | block) keep_if_late "$2" || return 1 ;; esac
  case $1 in dir | file | link | original | del) hold_one "$2" ;; esac
  case $1 in
    dir)
      # What is mounted there already has an operation of its own.
      ! is_early "$2" || return 0
      make_own_parents "$2" || return 1
      if ! is_directory "$ROOT$2" && exists "$ROOT$2"; then
        rm -f -- "$ROOT$2" 2>"$DIR/words" || return 1
      fi
      if [ ! -d "$ROOT$2" ]; then
        mkdir -m "$5" -- "$ROOT$2" 2>"$DIR/words" && printf '%s\n' "$2" >>"$DIR/undo/made" || return 1
        # A new directory is ours: for root's own that is all, unless it takes its group from the one above.
        if [ -z "$ROOT" ] && [ "$3:$4" = root:root ] && [ ! -g "${2%/*}/" ]; then return 0; fi
      fi
      set_access "$ROOT$2" "$3" "$4" "$5"
      ;;
    attr) set_access "$ROOT$2" "$3" "$4" "$5" ;;
    file)
      make_own_parents "$2" && put_file "$2"
      ;;
    link)
      make_own_parents "$2" || return 1
      beside "$2"
      ln -sfn -- "$3" "$BESIDE" 2>"$DIR/words" && move_into_place "$2"
      ;;
    original) put_original "$2" "$3" ;;
    block) put_block "$2" "$3" ;;
    del | rmdir)
      if is_directory "$ROOT$2"; then
        drop_parents "$2" && drop_directory "$2"
      # What was not kept is not the thing that the plan saw.
      elif [ "$1" = del ] && exists "$SAVE.tree$2"; then
        rm -f -- "$ROOT$2" 2>"$DIR/words"
      fi
      ;;
    *) return 1 ;;
  esac
}

sync_paths() { # PHASE: one syncfs for each file system that was written to
  [ -s "$DIR/ops/paths-$1" ] || return 0
  cut -d "$US" -f 2 "$DIR/ops/paths-$1" | sed 's|/[^/]*$||' | sort -u | while IFS= read -r sp_path; do
    while [ -n "$sp_path" ] && [ ! -d "$ROOT$sp_path" ]; do sp_path=${sp_path%/*}; done
    printf '%s\n' "$ROOT${sp_path:-/}"
  done | sort -u | tr '\n' '\0' | xargs -0 -r stat -c '%d %n' -- | sort -u -k 1,1 | while IFS= read -r sp_line; do
    sync -f "${sp_line#* }"
  done
}

