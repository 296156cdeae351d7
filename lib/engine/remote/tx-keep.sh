# What will be replaced is copied first, and what was absent is written down: the way back, complete before anything changes.
# undo/<phase>.tree: what was there. .order: its paths. .dirs: directories among them. .absent: what was not there, PATH or
# PATH US LINK where a link led to the place (see below_leaving_link). .after: what each path will be (see after_records).

missing_parents() { # PATH: each ancestor that does not exist, outermost first
  mp_path=${1%/*}
  mp_list=
  while [ -n "$mp_path" ] && ! exists "$ROOT$mp_path"; do
    mp_list=$mp_path$NL$mp_list
    mp_path=${mp_path%/*}
  done
  [ -z "$mp_list" ] || printf '%s' "$mp_list"
}

below_leaving_link() { # PATH: whether a link among LEAVING_LINKS leads to it; sets BELOW_LINK to the uppermost such
  BELOW_LINK=
  bl_path=${1%/*}
  while [ -n "$bl_path" ]; do
    case $LEAVING_LINKS in *"$NL$bl_path$NL"*) BELOW_LINK=$bl_path ;; esac
    bl_path=${bl_path%/*}
  done
  [ -n "$BELOW_LINK" ]
}

note_existing() { # OP PATH ...: sorts a path into "to keep" or "was absent", with the parents that are missing
  if [ "$LEAVING_LINKS" != "$NL" ] && below_leaving_link "$2"; then
    # A directory takes the place of a link. What the link led to is not touched; all in the new directory is ours.
    ne_path=$2
    while [ "$ne_path" != "$BELOW_LINK" ]; do
      printf '%s%s%s\n' "$ne_path" "$US" "$BELOW_LINK" >>"$SAVE.absent"
      ne_path=${ne_path%/*}
    done
    return 0
  fi
  see_obstacles "$1" "$2" || return 0
  if [ "$MP_PARENT" != "${2%/*}/" ]; then
    MP_PARENT=${2%/*}/
    missing_parents "$2" >>"$SAVE.absent"
  fi
  if is_directory "$ROOT$2"; then
    case $1 in
      dir | attr | rmdir | del | original | block) printf '%s\0' ".$2" >>"$SAVE.keep" ;;
      *)
        if leaves "$2"; then
          # What is mounted there goes away with its mount, and is neither kept nor replaced.
          printf '%s\0' ".$2" >>"$SAVE.keep"
        else
          find "$ROOT$2" -printf '%p\0' >"$SAVE.found" && sed -z "s|^$ROOT_RE/|./|" "$SAVE.found" >>"$SAVE.keep" &&
            find "$ROOT$2" \( -type f -o -type d \) -printf '%p\0' | sed -z "s|^$ROOT_RE/|./|" >>"$SAVE.look"
        fi
        ;;
    esac
  elif exists "$ROOT$2"; then
    case $1 in dir | del) [ ! -L "$ROOT$2" ] || LEAVING_LINKS=$LEAVING_LINKS$2$NL ;; esac
    printf '%s\0' ".$2" >>"$SAVE.keep"
  else
    printf '%s\n' "$2" >>"$SAVE.absent"
  fi
}

# Streams paths from one folder into another with all that they carry. tar(1) says 1 when a file was written to in the
# meantime; then what was read counts.
copy_paths() { # FROM TO LIST
  rm -f "$LIST_FAILED"
  { tar -C "$1" --no-recursion --null --verbatim-files-from --sparse --xattrs --acls -T "$3" -cf - || [ $? = 1 ] || true >"$LIST_FAILED"; } 2>"$DIR/words.read" |
    tar -C "$2" --xattrs --xattrs-include='*' --acls --numeric-owner -xpf - 2>"$DIR/words" && [ ! -e "$LIST_FAILED" ] && return 0
  cat "$DIR/words.read" >>"$DIR/words"
  return 1
}

KEEP_REASON='cannot be kept for the way back (a socket, or a line end in its name): move it away first'
cannot_keep() { # WHAT
  printf '%s %s\n' "$1" "$KEEP_REASON" >"$DIR/words"
}

# What each path will be, in the form of path_facts without owners and modes: by it an undo knows what is this transaction's
# own. "same": only the owner or the mode changes.
after_records() { # PHASE
  true >"$SAVE.after" || return 1
  [ -s "$DIR/ops/paths-$1" ] || return 0
  af_rest="$US.*"
  sed -n "s/^file$US\([^$US]*\)$af_rest/.\1${US}k${US}f$US/p;s/^dir$US\([^$US]*\)$af_rest/.\1${US}k${US}d$US/p
    s/^link$US\([^$US]*\)$US\(.*\)/.\1${US}k${US}l$US\2/p;s/^attr$US\([^$US]*\)$af_rest/.\1${US}same/p" "$DIR/ops/paths-$1" >"$SAVE.after" || return 1
  original_records "$1" >>"$SAVE.after" || return 1
  [ -d "$DIR/tree" ] || return 0
  sed -n "s/^file$US\([^$US]*\)$af_rest/.\1/p" "$DIR/ops/paths-$1" | tr '\n' '\0' | digests "$DIR/tree" >>"$SAVE.after"
}

original_records() { # PHASE: of what is put back, the copy tells
  while IFS=$US read -r or_op or_path or_copy; do
    [ "$or_op" = original ] || continue
    printf '.%s' "$or_path"
    find "$ROOT$or_copy" -maxdepth 0 -printf '\037k\037%y\037%l\n' || return 1
    [ ! -f "$ROOT$or_copy" ] || [ -L "$ROOT$or_copy" ] ||
      printf '.%s%ss%s%s\n' "$or_path" "$US" "$US" "$(sha256sum <"$ROOT$or_copy" | cut -d ' ' -f 1)"
  done <"$DIR/ops/paths-$1"
}

digests() { # FOLDER: of the files of a list on standard input, PATH US s US SHA256
  (cd -- "$1/" && xargs -0 -r sh -c "$FILE_DIGESTS"'file_digests "$@"' sh 2>/dev/null | tr '\0' '\n' | sed "s/^\([0-9a-f]*\)  \(.*\)\$/\2${US}s$US\1/")
}

save_paths() { # PHASE: copies everything that will be replaced into undo/<phase>, before anything is
  SAVE=$DIR/undo/$1
  LIST_FAILED=$SAVE.failed
  LEAVING_LINKS=$NL
  SO_PARENT=
  MP_PARENT=
  ROOT_RE=$(printf '%s' "$ROOT" | sed 's/[].[*^$\\|]/\\&/g') || return 1
  rm -f "$SAVE.obstacles"
  mkdir -p "$SAVE.tree" && true >"$SAVE.keep" && true >"$SAVE.absent" && true >"$SAVE.look" || return 1
  read_mounts
  each_path "$1" note_existing && see_flags && no_obstacles || return 1
  # What the way back reads is ready now: there may be no room for it later.
  sort -ru -o "$SAVE.absent" "$SAVE.absent" && sort -zu -o "$SAVE.keep" "$SAVE.keep" && after_records "$1" || return 1
  if [ -s "$SAVE.keep" ]; then
    [ "$1" = b ] || file_stamps >"$SAVE.seen" || return 1
    copy_paths "$ROOT/" "$SAVE.tree" "$SAVE.keep" || return 1
    tr '\0' '\n' <"$SAVE.keep" | sed 's|^\.||' >"$SAVE.order" || return 1
    # An undo brings back what is here and nothing else, so it had better be all of it.
    sv_count=0
    while IFS= read -r sv_path; do
      sv_count=$((sv_count + 1))
      exists "$SAVE.tree$sv_path" || obstacle "$sv_path" "$sv_path $KEEP_REASON"
      ! is_directory "$SAVE.tree$sv_path" || printf '%s\0' ".$sv_path"
    done <"$SAVE.order" >"$SAVE.dirs"
    no_obstacles || return 1
    [ "$sv_count" = "$(tr -cd '\0' <"$SAVE.keep" | wc -c)" ] || { cannot_keep 'something in a directory that is to be replaced'; return 1; }
  fi
  true >"$SAVE.saved"
}

# A path that was absent when all was kept, and is there when its turn comes: a package's script, a mount or a person put it
# there meanwhile. It is kept now. undo/<phase>.late: PATH, device and inode of its directory, package that owns it.
keep_late() { # PATH
  # Sources of packages were put there by put_sources already.
  case $1 in /etc/apt/*) if grep -qsxF -- "$1" "$DIR/undo/made" || cmp -s -- "$DIR/tree$1" "$ROOT$1"; then return 0; fi ;; esac
  # So were the mount points of what was mounted before packages, and what is in between.
  ! grep -qsxF -- "$1" "$DIR/undo/mount-points" || return 0
  kl_owner=
  ! on_host || kl_owner=$(dpkg-query -S -- "$1" 2>/dev/null | grep -v '^diversion ' | sed -n 's/^\([^:, ]*\).*/\1/p;q')
  mkdir -p "$SAVE.late.tree" && printf '.%s\0' "$1" >"$SAVE.late.list" || return 1
  LIST_FAILED=$SAVE.failed
  copy_paths "$ROOT/" "$SAVE.late.tree" "$SAVE.late.list" || return 1
  exists "$SAVE.late.tree$1" || { cannot_keep "$1"; return 1; }
  keep_late_original "$1" || return 1
  printf '%s%s%s%s%s\n' "$1" "$US" "$(stat -c %d:%i -- "$ROOT${1%/*}/")" "$US" "$kl_owner" >>"$SAVE.late"
} 2>"$DIR/words"

keep_if_late() { # PATH
  if exists "$ROOT$1" && ! exists "$SAVE.tree$1"; then keep_late "$1"; fi
}
