# Directories, files and links: keep what stands there, put what is wanted, bring back what was.
# Operations are lines of ops/paths-<phase>, fields separated by US:
#   dir PATH OWNER GROUP MODE | file PATH OWNER GROUP MODE | link PATH TARGET | attr PATH OWNER GROUP MODE
#   del PATH | rmdir PATH
# Phase "a" is everything; phase "b" what lies below a mount point that this transaction mounts.

each_path() { # PHASE FUNCTION: calls FUNCTION with the fields of each operation; stops at its first failure
  [ -s "$DIR/ops/paths-$1" ] || return 0
  while IFS=$US read -r op path p1 p2 p3 <&3; do
    "$2" "$op" "$path" "$p1" "$p2" "$p3" || return 1
  done 3<"$DIR/ops/paths-$1"
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

missing_parents() { # PATH: each ancestor that does not exist, outermost first
  mp_path=${1%/*}
  mp_list=
  while [ -n "$mp_path" ] && ! exists "$ROOT$mp_path"; do
    mp_list=$mp_path$NL$mp_list
    mp_path=${mp_path%/*}
  done
  [ -z "$mp_list" ] || printf '%s' "$mp_list"
}

note_existing() { # OP PATH ...: sorts a path into "to keep" or "was absent", with the parents that are missing
  missing_parents "$2" >>"$SAVE.absent"
  if exists "$ROOT$2"; then
    if [ -d "$ROOT$2" ] && [ ! -L "$ROOT$2" ]; then
      case $1 in
        dir | attr | rmdir) printf '%s\0' ".$2" >>"$SAVE.keep" ;;
        *) find "$ROOT$2" -printf '%p\0' | sed -z "s|^$ROOT_RE/|./|" >>"$SAVE.keep" ;;
      esac
    else
      printf '%s\0' ".$2" >>"$SAVE.keep"
    fi
  else
    printf '%s\n' "$2" >>"$SAVE.absent"
  fi
}

save_paths() { # PHASE: copies everything that will be replaced into undo/<phase>, before anything is
  SAVE=$DIR/undo/$1
  ROOT_RE=$(printf '%s' "$ROOT" | sed 's/[].[*^$\\|]/\\&/g')
  mkdir -p "$SAVE.tree" && : >"$SAVE.keep" && : >"$SAVE.absent" || return 1
  each_path "$1" note_existing || return 1
  if [ -s "$SAVE.keep" ]; then
    tar -C "$ROOT/" --no-recursion --null --verbatim-files-from --xattrs --acls -T "$SAVE.keep" -cf "$SAVE.tar" 2>"$DIR/words" &&
      tar -C "$SAVE.tree" --xattrs --acls --numeric-owner -xpf "$SAVE.tar" 2>"$DIR/words" &&
      rm -f "$SAVE.tar" || return 1
  fi
  : >"$SAVE.saved"
}

# Accounts of an offline root are not those of this machine: names are looked up in its own files.
account_id() { # FILE NAME: the third field of NAME's line
  while IFS=: read -r ai_name _ ai_id _; do
    if [ "$ai_name" = "$2" ]; then
      printf '%s' "$ai_id"
      return 0
    fi
  done <"$ROOT/etc/$1" 2>/dev/null
  return 1
}

owner_spec() { # OWNER GROUP: what chown is given; fails when an offline root does not know a name
  if [ -z "$ROOT" ]; then
    printf '%s:%s' "$1" "$2"
  else
    os_user=$(account_id passwd "$1") && os_group=$(account_id group "$2") && printf '%s:%s' "$os_user" "$os_group"
  fi
}

set_owner() { # OWNER GROUP PATH...: without privileges an offline root keeps this machine's user as the owner
  so_spec=$(owner_spec "$1" "$2") || return 0
  [ "$(id -u)" = 0 ] || return 0
  shift 2
  chown -h -- "$so_spec" "$@" 2>"$DIR/words"
}

own_staged() { # gives the staged files their owners and modes, a group of equal ones at a time
  [ -s "$DIR/ops/own" ] || return 0
  while IFS=$US read -r own_n own_owner own_group own_mode <&3; do
    own_spec=
    [ "$(id -u)" = 0 ] && own_spec=$(owner_spec "$own_owner" "$own_group")
    if [ -n "$own_spec" ]; then
      (cd "$DIR/tree" && xargs -0 chown -h -- "$own_spec") <"$DIR/own/$own_n" 2>"$DIR/words" || return 1
    fi
    (cd "$DIR/tree" && xargs -0 chmod -- "$own_mode") <"$DIR/own/$own_n" 2>"$DIR/words" || return 1
  done 3<"$DIR/ops/own"
}

make_parents() { # PATH: directories that nobody declared are plain ones of root
  [ -d "$ROOT${1%/*}" ] || (umask 022 && mkdir -p -- "$ROOT${1%/*}") 2>"$DIR/words"
}

# A file or link that takes a directory's place needs the directory gone first; undo/<phase>.tree has it.
clear_directory() { # PATH: never crosses into a mounted file system
  if [ -d "$ROOT$1" ] && [ ! -L "$ROOT$1" ]; then
    rm -rf --one-file-system -- "$ROOT${1:?}" 2>"$DIR/words"
  fi
}

beside() { # PATH: a name in the same directory, so that the last step is one rename
  printf '%s/.citadel-iac.%s' "$ROOT${1%/*}" "$ID"
}

move_into_place() { # PATH: $put_temp becomes it; a half-made copy does not stay
  clear_directory "$1" && mv -fT -- "$put_temp" "$ROOT$1" 2>"$DIR/words" && return 0
  rm -f -- "$put_temp"
  return 1
}

put_path() { # OP PATH P1 P2 P3
  ITEM=$2
  case $1 in
    dir)
      make_parents "$2" || return 1
      if [ -L "$ROOT$2" ] || { exists "$ROOT$2" && [ ! -d "$ROOT$2" ]; }; then
        rm -f -- "$ROOT$2" 2>"$DIR/words" || return 1
      fi
      [ -d "$ROOT$2" ] || mkdir -- "$ROOT$2" 2>"$DIR/words" || return 1
      set_owner "$3" "$4" "$ROOT$2" && chmod -- "$5" "$ROOT$2" 2>"$DIR/words"
      ;;
    attr) set_owner "$3" "$4" "$ROOT$2" && chmod -- "$5" "$ROOT$2" 2>"$DIR/words" ;;
    file)
      make_parents "$2" || return 1
      put_temp=$(beside "$2")
      if ! cp -p -- "$DIR/tree$2" "$put_temp" 2>"$DIR/words"; then
        rm -f -- "$put_temp"
        return 1
      fi
      move_into_place "$2"
      ;;
    link)
      make_parents "$2" || return 1
      put_temp=$(beside "$2")
      ln -sfn -- "$3" "$put_temp" 2>"$DIR/words" && move_into_place "$2"
      ;;
    del) rm -f -- "$ROOT$2" 2>"$DIR/words" ;;
    rmdir)
      # Not empty: somebody else's files are in it, and they stay.
      [ ! -d "$ROOT$2" ] || rmdir -- "$ROOT$2" 2>/dev/null || say note "directory $2 is not empty and stays"
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
  done | sort -u | tr '\n' '\0' | xargs -0 -r stat -c '%d %n' -- | sort -u -k 1,1 | while read -r _ sp_dir; do
    sync -f "$sp_dir"
  done
}

restore_paths() { # PHASE: what was absent goes, what was kept comes back; safe to run again after an interruption
  SAVE=$DIR/undo/$1
  [ -e "$SAVE.saved" ] || return 0
  rp_status=0
  rp_depth=$(sort -r "$SAVE.absent")
  printf '%s\n' "$rp_depth" | while IFS= read -r rp_path; do
    [ -n "$rp_path" ] || continue
    rm -f -- "$(beside "$rp_path")"
    if [ -d "$ROOT$rp_path" ] && [ ! -L "$ROOT$rp_path" ]; then
      # Something may have been put into it meanwhile by a program: that is not ours to delete.
      rmdir -- "$ROOT$rp_path" 2>/dev/null || say note "directory $rp_path is not empty and stays"
    else
      rm -f -- "$ROOT$rp_path" || exit 1
    fi
  done || rp_status=1
  [ -s "$SAVE.keep" ] || return "$rp_status"
  tr '\0' '\n' <"$SAVE.keep" | sed 's|^\./|/|' | sort >"$SAVE.order"
  while IFS= read -r rp_path <&4; do
    restore_one "$rp_path" || rp_status=1
  done 4<"$SAVE.order"
  return "$rp_status"
}

restore_one() { # PATH: from undo/<phase>.tree, by one rename
  ro_from=$SAVE.tree$1
  ro_temp=$(beside "$1")
  rm -f -- "$ro_temp"
  [ -d "$ROOT${1%/*}" ] || mkdir -p -- "$ROOT${1%/*}" || return 1
  if [ -d "$ro_from" ] && [ ! -L "$ro_from" ]; then
    if [ -L "$ROOT$1" ] || { exists "$ROOT$1" && [ ! -d "$ROOT$1" ]; }; then rm -f -- "$ROOT$1" || return 1; fi
    [ -d "$ROOT$1" ] || mkdir -- "$ROOT$1" || return 1
    chown --reference="$ro_from" -- "$ROOT$1" 2>/dev/null || [ "$(id -u)" != 0 ] || return 1
    chmod --reference="$ro_from" -- "$ROOT$1" && touch -r "$ro_from" -- "$ROOT$1"
  else
    clear_directory "$1" && cp -a -- "$ro_from" "$ro_temp" && mv -fT -- "$ro_temp" "$ROOT$1"
  fi
}
