# The way back of paths. Each is looked at first: what is as it was before is left alone, what is this transaction's own is
# taken back, and what is neither was changed meanwhile, stays, and is named. What is done is written down path by path
# (undo/<phase>.done) and never done again: whoever changes such a path later, keeps it.

path_facts() { # FOLDER: of paths (./etc/x, each ended by NUL) on standard input, those that exist
  # PATH US k US KIND US TARGET | PATH US m US ACCESS | PATH US a (it has an access control list) | PATH US s US SHA256, in this
  # order for each path
  [ -d "$1/" ] || return 0
  pf_list=$(tr '\0' '\n') || unread # no room on the disk is needed
  case $NL$pf_list$NL in *"$NL${US}unread$NL"*) unread ;; esac
  pf_access='%m:%U:%G'
  [ -n "$AM_ROOT" ] || pf_access='%m'
  [ -z "$pf_list" ] || {
    printf '%s\n' "$pf_list" | tr '\n' '\0' | (cd -- "$1/" && xargs -0 -r sh -c "find \"\$@\" -maxdepth 0 -printf '%p\\037k\\037%y\\037%l\\n%p\\037m\\037$pf_access\\n'" sh) 2>/dev/null
    # 123: some path is not there.
    case $? in 0 | 123) ;; *) unread ;; esac
    printf '%s\n' "$pf_list" | tr '\n' '\0' | (cd -- "$1/" && xargs -0 -r sh -c "$FILES_WITH_ACL"'files_with_acl "$@"; exit 0' sh) |
      tr '\0' '\n' | sed "s/\$/${US}a/"
    printf '%s\n' "$pf_list" | tr '\n' '\0' | (cd -- "$1/" && xargs -0 -r sh -c 'find "$@" -maxdepth 0 -type f -print0' sh) 2>/dev/null | digests "$1"
  }
}

# A list that cannot be read is none that is empty: what it names would be taken for done, or for absent.
unread() { printf '%sunread\n' "$US"; }

lines_of() { [ ! -s "$1" ] || cat -- "$1" || unread; } # FILE

section() { printf '%ssection%s%s\n' "$US" "$US" "$1"; }

# Late paths that are to come back: those whose directory is still the one in which they stood and whose package, if one
# owned them, is there without this transaction too.
late_wanted() {
  [ -s "$SAVE.late" ] || return 0
  while IFS=$US read -r lw_path lw_parent lw_owner; do
    if [ -n "$lw_owner" ] && ! is_installed "$lw_owner"; then continue; fi
    if [ "$(stat -c %d:%i -- "$ROOT${lw_path%/*}/" 2>/dev/null)" = "$lw_parent" ]; then
      printf 'back%s%s\n' "$US" "$lw_path"
    else
      printf 'gone%s%s\n' "$US" "$lw_path"
    fi
  done <"$SAVE.late"
}

is_installed() { # PACKAGE
  # shellcheck disable=SC2016 # dpkg-query's own variable
  [ "$(dpkg-query -W -f '${db:Status-Status}' -- "$1" 2>/dev/null)" = installed ]
}

# One line CLASS US PATH for each path that is not done, in the order in which it is worked on: what was absent from the
# bottom up, then what was kept from the top down. Classes of what was absent: none, dir, del, other; of what was kept:
# same, put, other, hidden (below one that is another). Of both: block (a file of others with blocks of ours), unread (a file
# whose content could not be told: it is no other one for that).
# shellcheck disable=SC2016 # awk's own variables
CLASSIFY='
function not_read(p) { return kind_now[p] == "f" && !(p in read_now) || kind[p] == "f" && !(p in read_before) }
function below(p, set) { while (sub(/\/[^\/]*$/, "", p) && p != "") if (p in set) return 1; return 0 }
$1 == "" && $2 == "unread" { broken = 1; exit }
$1 == "" && $2 == "section" { part = $3; next }
part == "finished" { done[$1] = 1; next }
part == "late" { late[$2] = $1; if ($1 == "back") kept[++k] = $2; next }
part == "blocks" { if ($1 == "block") blocks[$2] = 1; next }
part == "absent" { absent[++n] = $1; link[n] = $2; next }
part == "order" { kept[++k] = $1; next }
{ p = substr($1, 2) }
$2 == "a" { if (part == "before") access[p] = access[p] "+"; if (part == "now") access_now[p] = access_now[p] "+"; next }
part == "after" { after[p] = after[p] FS $2 FS $3 FS $4 }
part == "before" { if ($2 == "m") access[p] = $3; else before[p] = before[p] FS $2 FS $3 FS $4 }
part == "before" && $2 == "k" { kind[p] = $3 }
part == "before" && $2 == "s" { read_before[p] = 1 }
part == "now" && $2 == "s" { read_now[p] = 1 }
part == "now" { if ($2 == "m") access_now[p] = $3; else now[p] = now[p] FS $2 FS $3 FS $4 }
part == "now" && $2 == "k" { kind_now[p] = $3 }
END {
  if (broken) exit 1
  for (i = 1; i <= n; i++) {
    p = absent[i]
    if ((p in done) || late[p] == "back") continue
    if (link[i] != "" && kind_now[link[i]] == "l") class = "none"
    else if (!(p in now) || now[p] == before[p]) class = "none"
    else if ((p in blocks) && kind_now[p] == "f") class = "block"
    else if (late[p] == "gone") class = "other"
    else if (kind_now[p] == "d") class = "dir"
    else if (now[p] == after[p]) class = "del"
    else class = not_read(p) ? "unread" : "other"
    print class FS p
  }
  for (i = 1; i <= k; i++) {
    p = kept[i]
    if (kind[p] == "d" && (p in now) && kind_now[p] != "d") {
      if (now[p] == after[p]) replaced[p] = 1; else foreign[p] = 1
    }
    if (p in done) continue
    if (below(p, foreign)) class = "hidden"
    else if (below(p, replaced) || !(p in now)) class = "put"
    else if (now[p] == before[p] && (kind[p] == "d" || access[p] == access_now[p])) class = "same"
    else if (p in blocks) class = kind_now[p] == "f" ? "block" : "other"
    else if (now[p] == before[p] || now[p] == after[p]) class = "put"
    else class = not_read(p) ? "unread" : "other"
    print class FS p
  }
  print "end"
}'

classify() {
  {
    section late && late_wanted
    section finished && lines_of "$SAVE.done"
    section blocks && lines_of "$DIR/ops/paths-${SAVE##*/}"
    section absent && lines_of "$SAVE.absent"
    section order && lines_of "$SAVE.order"
    section after && lines_of "$SAVE.after"
    section before && path_facts "$SAVE.tree" <"$SAVE.keep"
    [ ! -s "$SAVE.late" ] || names_of "$SAVE.late" | path_facts "$SAVE.late.tree"
    section now && { lines_of "$SAVE.keep" && names_of "$SAVE.absent"; } | path_facts "$ROOT"
  } | awk -F "$US" "$CLASSIFY"
}

names_of() { # FILE: the first fields of its lines, as paths that are ended by NUL
  [ -s "$1" ] || return 0
  { no_names=$(sed "s/$US.*//;s/^/./" "$1") && printf '%s\n' "$no_names" | tr '\n' '\0'; } || unread
}

# Safe to run again after an interruption. When the disk is full, what could not be restored in the first round finds the
# room that the others gave back in the second.
restore_paths() { # PHASE
  SAVE=$DIR/undo/$1
  LIST_FAILED=$SAVE.failed
  [ -e "$SAVE.saved" ] || return 0
  look_at_old
  twice find_theirs
  RESTORE_ROUND=1
  restore_round && rp_status=0 || rp_status=1
  if [ "$rp_status" = 1 ]; then
    RESTORE_ROUND=2
    restore_round && rp_status=0
  fi
  restore_directories || rp_status=1
  # Where there was no room for it before.
  look_at_old
  return "$rp_status"
}

restore_round() {
  rm -f "$SAVE.gone"
  classify | (
    rr_status=0
    rr_class=
    while IFS=$US read -r rr_class rr_path; do
      if [ "$rr_class" = del ] && ! is_directory "$ROOT$rr_path"; then
        clear_beside "$rr_path"
        printf '%s\n' "$rr_path" >>"$SAVE.gone" && continue
      fi
      restore_gone
      [ "$rr_class" != end ] || break
      clear_beside "$rr_path"
      true >"$DIR/words"
      if restore_class "$rr_class" "$rr_path"; then
        printf '%s\n' "$rr_path" >>"$SAVE.done"
      else
        rr_status=1
        [ "$RESTORE_ROUND" = 1 ] || left path "$rr_path"
      fi
    done
    # Without its last line it is not known what is left to be done.
    [ "$rr_class" = end ] || rr_status=1
    exit "$rr_status"
  ) 2>/dev/null
}

# All that is only to go, at once; what does not is tried again by itself, with its words.
restore_gone() {
  [ -s "$SAVE.gone" ] || return 0
  # What is tried again is told, so not all at once.
  if [ -z "$AGAIN" ] && while IFS= read -r rg_path; do printf '%s\0' "$ROOT$rg_path"; done <"$SAVE.gone" | xargs -0 rm -f --; then
    cat "$SAVE.gone" >>"$SAVE.done"
  else
    while IFS= read -r rg_path <&4; do
      if restore_class del "$rg_path"; then
        printf '%s\n' "$rg_path" >>"$SAVE.done"
      else
        rr_status=1
        [ "$RESTORE_ROUND" = 1 ] || left path "$rg_path"
      fi
    done 4<"$SAVE.gone"
  fi
  rm -f "$SAVE.gone"
}

restore_class() { # CLASS PATH
  case $1 in
    dir | del) restore_absence "$2" && { [ -z "$AGAIN" ] || exists "$ROOT$2" || say note "$2 is taken away now; restart what read it"; } ;;
    put) restore_one "$2" && { [ -z "$AGAIN" ] || say note "$2 is put back now; restart what reads it"; } ;;
    block) restore_block "$2" ;;
    other) leave_foreign "$2" ;;
    unread) printf '%s could not be read\n' "$2" >"$DIR/words"; return 1 ;;
  esac
}

clear_beside() { # PATH: a half-made copy does not stay
  beside "$1"
  ! exists "$BESIDE" || rm -f -- "$BESIDE"
}

restore_absence() { # PATH, which was not there, and is a directory or as this transaction put it
  if is_directory "$ROOT$1"; then
    ra_words=$(rmdir -- "$ROOT$1" 2>&1) && return 0
    case $ra_words in
      # A program put something into it meanwhile: that is not ours to delete.
      *'not empty'*) say note "directory $1 is not empty and stays" ;;
      *busy*) say note "directory $1 is in use and stays" ;;
      *) printf '%s\n' "$ra_words" >"$DIR/words"; return 1 ;;
    esac
  else
    rm -f -- "$ROOT$1" 2>"$DIR/words"
  fi
}

restore_one() { # PATH: from undo/<phase>.tree, by one rename where there is room for both
  ro_from=$SAVE.tree$1
  exists "$ro_from" || ro_from=$SAVE.late.tree$1
  if is_directory "$ro_from"; then
    is_directory "$ROOT$1" && return 0
    rm -f -- "$ROOT$1" 2>"$DIR/words" && mkdir -p -- "$ROOT$1" 2>"$DIR/words"
    return
  fi
  [ -d "$ROOT${1%/*}/" ] || mkdir -p -- "$ROOT${1%/*}" 2>"$DIR/words" || return 1
  if ! clear_directory "$1"; then
    grep -q 'not empty' "$DIR/words" || return 1
    leave_directory "$1" "$ro_from"
    return
  fi
  if cp -a -- "$ro_from" "$BESIDE" 2>"$DIR/words" && give_theirs "$1" "$BESIDE"; then
    mv -fT -- "$BESIDE" "$ROOT$1" 2>"$DIR/words" && return 0
    rm -f -- "$BESIDE"
    return 1
  fi
  rm -f -- "$BESIDE"
  # Only a lack of room is a reason to do without the copy beside.
  grep -q 'No space left\|quota exceeded' "$DIR/words" || return 1
  rm -f -- "$ROOT$1" 2>"$DIR/words" && cp -a -- "$ro_from" "$ROOT$1" 2>"$DIR/words" &&
    give_theirs "$1" "$ROOT$1"
}

# A directory of this transaction in the place of what it kept, into which others put something meanwhile.
leave_directory() { # PATH FROM
  keep_copy "$1" "$2" || return 1
  say note "directory $1 is not empty and stays; what was there before is kept in $KEPT$1"
}

leave_foreign() { # PATH: it was changed meanwhile, by a person or a program
  if is_cut_short "$1"; then
    restore_one "$1"
    return
  fi
  printf '%s\n' "$1" >>"$SAVE.foreign" || return 1
  lf_from=$SAVE.tree$1
  exists "$lf_from" || lf_from=$SAVE.late.tree$1
  if ! exists "$lf_from"; then
    say note "$1 was not there before, was written by others while this transaction ran, and stays"
    return 0
  fi
  keep_copy "$1" "$lf_from" || return 1
  say note "$1 was changed by others meanwhile and stays as it is; what was there before is kept in $KEPT$1"
}

is_cut_short() { # PATH: the first part of what was kept, and nothing else: a restore without room was interrupted
  [ -f "$SAVE.tree$1" ] && [ -f "$ROOT$1" ] && [ ! -L "$ROOT$1" ] &&
    cs_size=$(stat -c %s -- "$ROOT$1") && [ "$cs_size" -lt "$(stat -c %s -- "$SAVE.tree$1")" ] &&
    cmp -s -n "$cs_size" -- "$ROOT$1" "$SAVE.tree$1"
}

# Copies that an undo could not or would not put back outlive their transaction (see prune_kept).
keep_copy() { # PATH FROM: sets KEPT to the folder in which PATH is kept
  KEPT=$BASE/kept/$ID/tree
  mkdir -p -- "$KEPT${1%/*}" 2>"$DIR/words" && cp -a -- "$2" "$KEPT${1%/*}/" 2>"$DIR/words"
}

# Last, because each file that comes back moves the time of its directory.
restore_directories() {
  [ -s "$SAVE.dirs" ] || { restore_late_directories; return; }
  [ -z "$AGAIN" ] || differing_directories >"$SAVE.dirs.again"
  if ! differing_directories time | copy_named "$SAVE.tree"; then
    true >"$SAVE.dirs.left"
    # Of all that tar(1) said, what it said of each.
    mv -f -- "$DIR/words" "$SAVE.dirs.words"
    differing_directories | tr '\0' '\n' | while IFS= read -r rd_path; do
      grep -F -- ": $rd_path: " "$SAVE.dirs.words" >"$DIR/words"
      left path "${rd_path#.}" && printf '%s\0' "$rd_path" >>"$SAVE.dirs.left"
    done
    told_again
    if [ -s "$SAVE.dirs.left" ]; then
      mv -f -- "$SAVE.dirs.left" "$SAVE.dirs"
      return 1
    fi
  fi
  told_again
  give_directories || return 1
  restore_late_directories
  true >"$SAVE.dirs"
} 2>/dev/null

told_again() { # what could not be done to directories before, and is done now
  [ -s "$SAVE.dirs.again" ] || return 0
  differing_directories >"$SAVE.dirs.now"
  tr '\0' '\n' <"$SAVE.dirs.again" | while IFS= read -r ta_path; do
    tr '\0' '\n' <"$SAVE.dirs.now" | grep -qxF -- "$ta_path" ||
      say note "directory ${ta_path#.} has the owner and mode of before again; restart what uses it"
  done
  rm -f "$SAVE.dirs.again"
}

copy_named() { # FROM: paths on standard input, each ended by NUL
  cat >"$SAVE.named" || return 1
  [ ! -s "$SAVE.named" ] || copy_paths "$1" "$ROOT/" "$SAVE.named"
}

directory_facts() { # FOLDER FORMAT: of the directories that were kept
  (cd -- "$1/" && xargs -0 -r sh -c "find \"\$@\" -maxdepth 0 -type d -printf '%p\\037$2\\n'" sh) <"$SAVE.dirs" 2>/dev/null
}

differing_directories() { # [time]: those that are there, with another owner, mode or time than before
  dd_format=%m
  [ -z "$AM_ROOT" ] || dd_format=%m:%U:%G
  [ -z "${1-}" ] || dd_format=$dd_format:%T@
  {
    [ ! -s "$SAVE.foreign" ] || sed 's/^/./' "$SAVE.foreign"
    section before
    directory_facts "$SAVE.tree" "$dd_format"
    section now
    directory_facts "$ROOT" "$dd_format"
  } | awk -F "$US" '
    $1 == "" { part++; next }
    !part { foreign[$1] = 1; next }
    part == 1 { before[$1] = $2; next }
    before[$1] != $2 { for (p = $1; p != ""; sub(/\/?[^\/]*$/, "", p)) if (p in foreign) next; print $1 }' | tr '\n' '\0'
}

restore_late_directories() {
  [ -s "$SAVE.late" ] || return 0
  late_wanted | sed -n "s/^back$US/./p" | while IFS= read -r rl_path; do
    ! is_directory "$ROOT${rl_path#.}" || ! is_directory "$SAVE.late.tree${rl_path#.}" || printf '%s\0' "$rl_path"
  done | copy_named "$SAVE.late.tree"
}
