# Units that leave the configuration stop before their files go: what runs without a file is managed by no one.

# Those of the plan, and what runs by a unit file that goes and that no item of "units" names: instances of a template.
leaving_units() {
  while IFS=$US read -r lu_verb lu_unit; do
    [ "$lu_verb" != stop ] || printf '%s\n' "$lu_unit"
  done <"$DIR/ops/units-before"
  path_operations | while IFS=$US read -r lu_op lu_path _; do
    case $lu_op:$lu_path in
      del:*/systemd/system/*/*) ;;
      del:/*/systemd/system/?*.?*) has_other_file "$lu_path" || running_by "${lu_path##*/}" ;;
    esac
  done
}

# Whether systemd finds the unit at another place once this file is gone: ours may have covered that of a package. All paths
# at which it looks are those of diff/unit-files.ts.
has_other_file() { # PATH
  ho_own=$1
  # There /lib is another name of /usr/lib.
  case $1 in /lib/*) [ ! -L /lib ] || ho_own=/usr$1 ;; esac
  for ho_folder in /etc /run /usr/local/lib /usr/lib /lib; do
    ho_path=$ho_folder/systemd/system/${1##*/}
    if [ "$ho_path" = "$ho_own" ] || ! exists "$ho_path" || { [ "$ho_folder" = /lib ] && [ -L /lib ]; }; then continue; fi
    path_operations | grep -qxF -- "del$US$ho_path" || return 0
  done
  return 1
}

running_by() { # UNIT or TEMPLATE, of those that ran before this transaction
  case $1 in
    *@.*)
      while IFS= read -r rb_unit; do
        case $rb_unit in "${1%%@.*}@"*".${1##*@.}") printf '%s\n' "$rb_unit" ;; esac
      done <"$DIR/undo/running"
      ;;
    *) grep -xF -- "$1" "$DIR/undo/running" ;;
  esac
  return 0
}

# A socket, timer or path unit would start its service again at once, so those are the first to stop.
stop_leaving() {
  if on_host && [ -s "$DIR/undo/leaving" ]; then
    stop_leaving_units "$(sort -u "$DIR/undo/leaving" | grep -e '\.socket$' -e '\.timer$' -e '\.path$')" &&
      stop_leaving_units "$(sort -u "$DIR/undo/leaving" | grep -v -e '\.socket$' -e '\.timer$' -e '\.path$')" || return 1
  fi
  [ -s "$DIR/ops/units-before" ] || return 0
  while IFS=$US read -r sl_verb sl_unit <&3; do
    ITEM=$sl_unit
    [ "$sl_verb" != disable ] || switch_enablement disable "$sl_unit" || return 1
    pay "$sl_verb $sl_unit"
  done 3<"$DIR/ops/units-before"
}

stop_leaving_units() { # UNITS, separated by white space
  [ -n "$1" ] || return 0
  # shellcheck disable=SC2086 # unit names have no white space
  set -- $1
  ITEM=$1
  touch_units stop "$@" || return 1
  systemctl stop -- "$@" >"$DIR/words" 2>&1 && return 0
  for ITEM in "$@"; do
    systemctl stop -- "$ITEM" >"$DIR/words" 2>&1 || return 1
  done
}
