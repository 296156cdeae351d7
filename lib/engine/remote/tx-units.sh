# Units: what they were, what is owed, what was done, and the proof.
# ops/units: VERB UNIT WAVE with VERB stop|disable|unmask|enable|start|restart|reload, in this order of kinds.

on_host() { [ -z "$ROOT" ]; }

unit_facts() { # UNIT...: a line "UNIT ACTIVE FILESTATE INVOCATION NEEDRELOAD RESULT" for each (units have no white space)
  systemctl show -p Id -p ActiveState -p UnitFileState -p InvocationID -p NeedDaemonReload -p Result -- "$@" 2>"$DIR/words" | {
    uf_id=
    while IFS= read -r uf_line; do
      case $uf_line in
        Id=*) uf_id=${uf_line#*=} ;;
        ActiveState=*) uf_active=${uf_line#*=} ;;
        UnitFileState=*) uf_file=${uf_line#*=} ;;
        InvocationID=*) uf_invocation=${uf_line#*=} ;;
        NeedDaemonReload=*) uf_need=${uf_line#*=} ;;
        Result=*) uf_result=${uf_line#*=} ;;
        '') uf_print ;;
      esac
    done
    uf_print
  }
}

uf_print() {
  [ -z "$uf_id" ] || printf '%s %s %s %s %s %s\n' "$uf_id" "${uf_active:--}" "${uf_file:--}" "${uf_invocation:--}" "${uf_need:--}" "${uf_result:--}"
  uf_id='' uf_active='' uf_file='' uf_invocation='' uf_need='' uf_result=''
}

units_named() { # VERB WAVE: units of ops/units, one a line
  while IFS=$US read -r un_verb un_unit un_wave; do
    if [ "$un_verb" = "$1" ] && [ "$un_wave" = "$2" ]; then printf '%s\n' "$un_unit"; fi
  done <"$DIR/ops/units"
}

unit_links() { # the enablement of all units, as links: exact, and the same for an offline root
  find "$ROOT/etc/systemd/system" -type l -printf '%P\037%l\n' 2>/dev/null | sort
}

save_units() {
  unit_links >"$DIR/undo/links" || return 1
  : >"$DIR/undo/units"
  on_host || return 0
  su_units=$(cat "$DIR/ops/units" "$DIR/ops/units-before" 2>/dev/null | cut -d "$US" -f 2 | sort -u)
  [ -n "$su_units" ] || return 0
  # shellcheck disable=SC2086 # unit names have no white space
  unit_facts $su_units >"$DIR/undo/units"
}

write_ledger() { # every debt is on record before the first file changes
  : >"$DIR/paid"
  {
    [ "$(meta daemon_reload)" != 1 ] || printf 'daemon-reload\n'
    [ ! -s "$DIR/ops/units" ] || while IFS=$US read -r wl_verb wl_unit _; do
      printf '%s %s\n' "$wl_verb" "$wl_unit"
    done <"$DIR/ops/units"
  } >"$DIR/ledger"
}

pay() { printf '%s\n' "$1" >>"$DIR/paid"; }

stop_leaving() { # units that leave the configuration stop before their files go
  [ -s "$DIR/ops/units-before" ] || return 0
  while IFS=$US read -r sl_verb sl_unit <&3; do
    ITEM=$sl_unit
    case $sl_verb in
      stop)
        on_host || continue
        printf '%s\n' "$sl_unit" >>"$DIR/touched"
        systemctl stop -- "$sl_unit" >"$DIR/words" 2>&1 || return 1
        ;;
      disable) switch_enablement disable "$sl_unit" || return 1 ;;
    esac
    pay "$sl_verb $sl_unit"
  done 3<"$DIR/ops/units-before"
}

switch_enablement() { # VERB UNIT: links only, no reload of the manager yet
  ITEM=$2
  if on_host; then
    systemctl --no-reload --quiet "$1" -- "$2" >"$DIR/words" 2>&1
  else
    systemctl --root="$ROOT" --quiet "$1" -- "$2" >"$DIR/words" 2>&1
  fi
}

enable_units() {
  [ -s "$DIR/ops/units" ] || return 0
  while IFS=$US read -r eu_verb eu_unit _ <&3; do
    case $eu_verb in
      unmask)
        switch_enablement unmask "$eu_unit" || return 1
        on_host && { systemctl --runtime --no-reload --quiet unmask -- "$eu_unit" >"$DIR/words" 2>&1 || return 1; }
        ;;
      enable | disable) switch_enablement "$eu_verb" "$eu_unit" || return 1 ;;
      *) continue ;;
    esac
    pay "$eu_verb $eu_unit"
  done 3<"$DIR/ops/units"
}

reload_manager() { # one daemon-reload for each transaction, after all files
  on_host && grep -qx daemon-reload "$DIR/ledger" || return 0
  ITEM=systemd
  systemctl daemon-reload >"$DIR/words" 2>&1 && pay daemon-reload
}

run_wave() { # WAVE
  on_host && [ -s "$DIR/ops/units" ] || return 0
  for rw_verb in stop restart start reload; do
    rw_units=$(units_named "$rw_verb" "$1" | sort -u | tr '\n' ' ')
    [ -n "$rw_units" ] || continue
    say step "$rw_verb" "$rw_units"
    printf '%s\n' "$rw_units" | tr ' ' '\n' | sed '/^$/d' >>"$DIR/touched"
    # shellcheck disable=SC2086 # unit names have no white space
    if ! systemctl "$rw_verb" -- $rw_units >"$DIR/words.all" 2>&1; then
      blame_unit "$rw_verb" $rw_units
      return 1
    fi
    # shellcheck disable=SC2086
    prove "$rw_verb" $rw_units || return 1
  done
}

blame_unit() { # VERB UNIT...: which one failed, and the end of its journal
  bu_verb=$1
  shift
  ITEM=$1
  for bu_unit in "$@"; do
    case $(systemctl is-active -- "$bu_unit") in
      failed | inactive) [ "$bu_verb" = stop ] || { ITEM=$bu_unit && break; } ;;
    esac
  done
  {
    cat "$DIR/words.all"
    journalctl -q --no-pager -o cat -n 15 -u "$ITEM" 2>/dev/null
  } >"$DIR/words"
}

prove() { # VERB UNIT...: an action counts when systemd's own facts show it
  pr_verb=$1
  shift
  unit_facts "$@" >"$DIR/facts" || return 1
  while read -r pr_id pr_active _ pr_invocation pr_need pr_result; do
    ITEM=$pr_id
    pr_before=$(grep -F "$pr_id " "$DIR/undo/units" | while read -r n _ _ v _; do [ "$n" = "$pr_id" ] && printf '%s' "$v"; done)
    pr_wrong=
    case $pr_verb in
      stop) [ "$pr_active" = inactive ] || [ "$pr_active" = failed ] || pr_wrong="is still $pr_active after stop" ;;
      *)
        case $pr_active:$pr_result in
          active:* | reloading:* | inactive:success) ;;
          *) pr_wrong="is $pr_active after $pr_verb" ;;
        esac
        [ "$pr_need" = no ] || pr_wrong="still needs a daemon-reload after $pr_verb"
        [ "$pr_verb" != restart ] || [ "$pr_invocation" != "$pr_before" ] || pr_wrong="was not restarted: its invocation is the old one"
        ;;
    esac
    if [ -n "$pr_wrong" ]; then
      { printf '%s %s\n' "$pr_id" "$pr_wrong"; journalctl -q --no-pager -o cat -n 15 -u "$pr_id" 2>/dev/null; } >"$DIR/words"
      return 1
    fi
    pay "$pr_verb $pr_id"
  done <"$DIR/facts"
}

undo_links() { # exact enablement of before
  [ -e "$DIR/undo/links" ] || return 0
  ul_status=0
  unit_links >"$DIR/undo/links.now"
  comm -13 "$DIR/undo/links" "$DIR/undo/links.now" | while IFS=$US read -r ul_path _; do
    rm -f -- "$ROOT/etc/systemd/system/$ul_path" || exit 1
    # A directory "x.target.wants" that only held our link.
    case $ul_path in */*) rmdir -- "$ROOT/etc/systemd/system/${ul_path%/*}" 2>/dev/null ;; esac
    true
  done || ul_status=1
  comm -23 "$DIR/undo/links" "$DIR/undo/links.now" | while IFS=$US read -r ul_path ul_target; do
    mkdir -p -- "$ROOT/etc/systemd/system/$(dirname -- "$ul_path")" &&
      ln -sfn -- "$ul_target" "$ROOT/etc/systemd/system/$ul_path" || exit 1
  done || ul_status=1
  return "$ul_status"
}

undo_units() { # each unit that was acted upon goes back to running its old configuration, or to rest
  on_host && [ -s "$DIR/touched" ] || return 0
  uu_status=0
  sort -u "$DIR/touched" >"$DIR/touched.units"
  while read -r uu_id uu_active _ <&3; do
    grep -qxF -- "$uu_id" "$DIR/touched.units" || continue
    case $uu_active in
      active | reloading | activating) systemctl restart -- "$uu_id" >"$DIR/words" 2>&1 || { uu_status=1; say note "could not restart $uu_id"; } ;;
      *) systemctl stop -- "$uu_id" >/dev/null 2>&1; systemctl reset-failed -- "$uu_id" >/dev/null 2>&1 ;;
    esac
  done 3<"$DIR/undo/units"
  return "$uu_status"
}
