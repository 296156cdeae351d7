# What an undo left, and what stands there now; writes nothing. Follows common.sh in the same program.
#
# Of a path: NOW is "TYPE MODE OWNER GROUP SIZE" or empty, WHOSE is "before" (it is as it was before the transaction),
# "transaction" (as the transaction put it), "other" or "absent", KEPT is where the copy of before is, or empty.

field() { printf '%s\0' "$@"; }

digest() { sha256sum <"$1" 2>/dev/null | cut -d ' ' -f 1; }

kind_of() { find "$1" -maxdepth 0 -printf '%y %l' 2>/dev/null; }

look_left() { # PATH: prints NOW WHOSE KEPT
  lo_kept=
  lo_put=
  for lo_phase in a b c; do
    lo_tree=$LEFT_DIR/undo/$lo_phase.tree$1
    if [ -e "$lo_tree" ] || [ -L "$lo_tree" ]; then lo_kept=$lo_tree; fi
    lo_put=$lo_put$(grep -sF -- ".$1$US" "$LEFT_DIR/undo/$lo_phase.after")$NL
  done
  lo_now=$(kind_of "$ROOT$1")
  case $lo_now in
    '') lo_whose=absent ;;
    f*)
      lo_digest=$(digest "$ROOT$1")
      if [ -n "$lo_kept" ] && [ -f "$lo_kept" ] && [ "$(digest "$lo_kept")" = "$lo_digest" ]; then
        lo_whose=before
      else
        case $NL$lo_put in *"$NL.$1${US}s$US$lo_digest$NL"*) lo_whose=transaction ;; *) lo_whose=other ;; esac
      fi
      ;;
    *)
      if [ -n "$lo_kept" ] && [ "$(kind_of "$lo_kept")" = "$lo_now" ]; then
        lo_whose=before
      else
        case $NL$lo_put in *"$NL.$1${US}k$US${lo_now%% *}$US${lo_now#* }$NL"*) lo_whose=transaction ;; *) lo_whose=other ;; esac
      fi
      ;;
  esac
  field "$(find "$ROOT$1" -maxdepth 0 -printf '%y %m %u %g %s' 2>/dev/null)" "$lo_whose" "$lo_kept"
}

left_places() { # for each item of undo/left a record "left" KIND ITEM REASON NOW WHOSE KEPT; fields ended by NUL
  LEFT_DIR=$BASE/$(readlink -- "$BASE/open")
  [ -L "$BASE/open" ] && [ -s "$LEFT_DIR/undo/left" ] || return 0
  while IFS=$US read -r l_kind l_item l_reason; do
    field left "$l_kind" "$l_item" "$l_reason"
    if [ "$l_kind" = path ]; then look_left "$l_item"; else field '' '' ''; fi
  done <"$LEFT_DIR/undo/left"
}
