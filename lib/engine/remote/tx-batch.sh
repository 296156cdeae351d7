# Many paths at once: a process for each would take most of a transaction's time. What is not the plain case, and what fails,
# goes through put_one by itself, which also finds the path to blame.

BATCH_KIND=

put_paths() { # PHASE
  each_path "$1" put_path && flush_batch && drop_parents
}

put_path() { # OP PATH P1 P2 P3
  case $1 in
    file) pq_kind="file ${2%/*}" ;;
    dir) pq_kind="dir $3 $4 $5" ;;
    del) pq_kind=del ;;
    *) pq_kind=none ;;
  esac
  if [ "$BATCH_KIND" != "$pq_kind" ]; then flush_batch || return 1; fi
  if [ "$pq_kind" != none ] && can_queue "$1" "$2"; then
    [ -n "$BATCH_KIND" ] || true >"$SAVE.batch" || return 1
    BATCH_KIND=$pq_kind
    printf '.%s\n' "$2" >>"$SAVE.batch"
    return
  fi
  flush_batch && put_one "$@"
}

can_queue() { # OP PATH: where no more than one command is to be done
  cq_parent=$ROOT${2%/*}
  case $1 in
    file) [ -d "$cq_parent" ] && same_mount "$cq_parent" && ! is_directory "$ROOT$2" && { ! exists "$ROOT$2" || exists "$SAVE.tree$2"; } ;;
    # One that is made by the same command is not there yet.
    dir) [ -d "$cq_parent" ] && ! exists "$ROOT$2" ;;
    del) ! is_directory "$ROOT$2" && exists "$SAVE.tree$2" ;;
  esac
}

flush_batch() {
  [ -n "$BATCH_KIND" ] || return 0
  fb_kind=$BATCH_KIND
  BATCH_KIND=
  case $fb_kind in 'file '* | del) hold_old <"$SAVE.batch" ;; esac
  case $fb_kind in
    'file '*) batch_in "$DIR/tree" mv -f -t "$ROOT${fb_kind#file }/" -- ;;
    'dir '*) make_directories "${fb_kind#dir }" ;;
    del) batch_in "$ROOT" rm -f -- ;;
  esac 2>/dev/null && return 0
  while IFS= read -r fb_path <&4; do
    fb_path=${fb_path#.}
    case $fb_kind in
      'file '*) ! exists "$DIR/tree$fb_path" || put_one file "$fb_path" '' '' '' || return 1 ;;
      'dir '*)
        fb_access=${fb_kind#dir }
        fb_mode=${fb_access##* }
        fb_access=${fb_access% *}
        put_one dir "$fb_path" "${fb_access%% *}" "${fb_access#* }" "$fb_mode" || return 1
        ;;
      del) put_one del "$fb_path" '' '' '' || return 1 ;;
    esac
  done 4<"$SAVE.batch"
}

batch_in() { # FOLDER COMMAND...: with the paths, relative to FOLDER
  (cd -- "$1/" && shift && xargs -d '\n' "$@") <"$SAVE.batch"
}

make_directories() { # "OWNER GROUP MODE": names of accounts hold no space
  md_mode=${1##* }
  md_access=${1% *}
  sed 's/^\.//' "$SAVE.batch" >>"$DIR/undo/made" && batch_in "$ROOT" mkdir -m "$md_mode" -- || return 1
  owner_spec "${md_access%% *}" "${md_access#* }" || return 1
  [ -z "$OWNER_SPEC" ] || batch_in "$ROOT" chown -h -- "$OWNER_SPEC" || return 1
  batch_in "$ROOT" chmod -- "00$md_mode"
}
