# The way back of units.

undo_runtime_masks() {
  [ -s "$DIR/undo/runtime-masks" ] || return 0
  while IFS= read -r ur_unit; do
    mkdir -p /run/systemd/system && ln -sfn /dev/null "/run/systemd/system/$ur_unit"
  done <"$DIR/undo/runtime-masks"
}

touched_by() { # UNIT: sets TOUCH to "reload" when nothing but that was done to it, to "restart" otherwise, or to nothing
  TOUCH=
  while read -r tb_verb tb_unit; do
    [ "$tb_unit" = "$1" ] || continue
    if [ "$tb_verb" != reload ]; then TOUCH=restart; elif [ -z "$TOUCH" ]; then TOUCH=reload; fi
  done <"$DIR/touched"
}

undo_stop_new() { # units that did not run before, whatever started them
  if [ -s "$DIR/touched" ] && [ -e "$DIR/undo/units" ]; then
    while read -r us_id us_active _ <&4; do
      case $us_active in active | reloading | activating) continue ;; esac
      touched_by "$us_id"
      [ -z "$TOUCH" ] || systemctl stop -- "$us_id" >/dev/null 2>&1
    done 4<"$DIR/undo/units"
  fi
  # Again: one that was on its way may have started another.
  for _ in 1 2 3; do
    us_units=$(started_meanwhile)
    [ -n "$us_units" ] || break
    # shellcheck disable=SC2086 # unit names have no white space
    systemctl stop -- $us_units >/dev/null 2>&1
    # shellcheck disable=SC2086
    forget_starts $us_units
  done
}

# Each unit that runs by files of this transaction goes back to its old configuration, or to rest; one that fell with it
# runs again. That is asked for all of them at once and not waited for: wait_for_units does that when the way back is on
# record, so that whatever ends the waiting has nothing to repeat.
undo_units() {
  [ -s "$DIR/touched" ] && [ -e "$DIR/undo/units" ] || return 0
  true >"$DIR/undo/starting" || return 1
  # shellcheck disable=SC2046 # unit names have no white space
  unit_facts $(cut -d ' ' -f 1 "$DIR/undo/units") >"$DIR/facts.undo" || return 1
  uu_restart=
  uu_reload=
  uu_stop=
  while read -r uu_id uu_active _ uu_invocation _ <&4 && read -r _ uu_now _ uu_new _ <&5; do
    touched_by "$uu_id"
    case $uu_active in
      active | reloading)
        case $uu_now:$uu_invocation in
          # Its process is the one of before, which at most read its files again.
          active:"$uu_new" | reloading:"$uu_new") [ "$TOUCH" != reload ] || uu_reload="$uu_reload $uu_id" ;;
          active:* | reloading:*) case $uu_id in *.target) ;; *) uu_restart="$uu_restart $uu_id" ;; esac ;;
          *) uu_restart="$uu_restart $uu_id" ;;
        esac
        ;;
      activating) [ -z "$TOUCH" ] || [ "$uu_now:$uu_new" = "activating:$uu_invocation" ] || uu_restart="$uu_restart $uu_id" ;;
      *) [ -z "$TOUCH" ] || uu_stop="$uu_stop $uu_id" ;;
    esac
  done 4<"$DIR/undo/units" 5<"$DIR/facts.undo"
  # shellcheck disable=SC2086
  set -- $uu_restart
  uu_behind=$(services_of "$@" | sort -u | tr '\n' ' ')
  # shellcheck disable=SC2086
  set -- $uu_stop $uu_behind
  if [ "$#" != 0 ]; then
    systemctl stop -- "$@" >/dev/null 2>&1
    forget_starts "$@"
  fi
  for uu_id in $uu_behind; do
    case " $uu_restart $uu_stop " in
      *" $uu_id "*) ;;
      *) ! grep -q "^$(printf '%s' "$uu_id" | sed 's/[][\\.*^$]/\\&/g') active " "$DIR/undo/units" || uu_restart="$uu_restart $uu_id" ;;
    esac
  done
  # shellcheck disable=SC2046,SC2086
  set -- $(sockets_first $uu_restart)
  if [ "$#" != 0 ]; then
    printf '%s\n' "$@" >"$DIR/undo/starting"
    forget_starts "$@"
    systemctl --no-block restart -- "$@" >/dev/null 2>&1
  fi
  # shellcheck disable=SC2086
  set -- $uu_reload
  [ "$#" = 0 ] || systemctl --no-block reload-or-restart -- "$@" >/dev/null 2>&1
  return 0
}

# systemd ends a start that takes too long by the unit's own limit; a unit without one is waited for no longer than ten
# minutes, which is less than the time that the transaction's own unit has for its way back.
WAIT_FOR_UNITS=6000

# A unit that does not start with the files of before either is told of, and is no reason to undo again: the files are
# right.
wait_for_units() {
  on_host && [ -s "$DIR/undo/starting" ] || return 0
  # shellcheck disable=SC2046 # unit names have no white space
  set -- $(cat "$DIR/undo/starting")
  wu_left=$WAIT_FOR_UNITS
  wu_again=1
  while :; do
    wu_waiting=
    wu_idle=
    systemctl show -p Id -p ActiveState -p SubState -p Job -- "$@" >"$DIR/facts.raw" 2>/dev/null
    unit_waits "$@" >"$DIR/facts.wait"
    while read -r wu_unit wu_state; do
      case $wu_state in
        waits) wu_waiting="$wu_waiting $wu_unit" ;;
        idle) wu_idle="$wu_idle $wu_unit" ;;
      esac
    done <"$DIR/facts.wait"
    if [ -z "$wu_waiting" ]; then
      if [ -z "$wu_idle" ] || [ "$wu_again" = 0 ]; then break; fi
      # One may have fallen with another after its own start.
      wu_again=0
      # shellcheck disable=SC2086
      systemctl --no-block start -- $wu_idle >/dev/null 2>&1
      continue
    fi
    [ "$wu_left" -gt 0 ] || break
    sleep 0.2
    wu_left=$((wu_left - 2))
  done
  [ -z "$wu_idle" ] || say idle "${wu_idle# }"
  [ -z "$wu_waiting" ] || say note "still starting with the files of before:$wu_waiting"
  return 0
}

unit_waits() { # UNIT...: a line "UNIT waits|runs|idle" each, of facts.raw
  printf '\n' >>"$DIR/facts.raw"
  uw_active=
  uw_job=
  while IFS= read -r uw_line; do
    case $uw_line in
      ActiveState=*) uw_active=${uw_line#*=} ;;
      SubState=*auto-restart*) uw_active=failed ;; # again and again: no one can wait for its end
      Job=?*) uw_job=${uw_line#*=} ;;
      '')
        if [ -z "$uw_active" ] || [ "$#" = 0 ]; then continue; fi
        case $uw_active:$uw_job in
          activating:* | deactivating:* | *:[1-9]*) printf '%s waits\n' "$1" ;;
          active:* | reloading:* | refreshing:*) printf '%s runs\n' "$1" ;;
          *) printf '%s idle\n' "$1" ;;
        esac
        uw_active=
        uw_job=
        shift
        ;;
    esac
  done <"$DIR/facts.raw"
}

# At boot most units wait for this program, and what it waits for in turn would never start: jobs are only queued. The
# boot's own jobs were made from the links of the interrupted transaction.
undo_boot_units() {
  # Files that are gone again, whose units this boot may have started already; a pattern is for a template's instances.
  # shellcheck disable=SC2046 # unit names have no white space
  set -- $(sed -n 's|^.*/systemd/system/\([^/]*\.[^/.]*\)$|\1|p' "$DIR/undo/a.absent" | sed 's/@\./@*./')
  [ "$#" = 0 ] || systemctl --no-block stop -- "$@" >/dev/null 2>&1
  [ -s "$DIR/undo/units" ] || return 0
  while read -r ub_id ub_active ub_file _ <&4; do
    case $ub_active:$ub_file in
      active:* | reloading:* | activating:*)
        if systemctl is-active --quiet -- "$ub_id"; then ub_verb=restart; else ub_verb=start; fi
        systemctl --no-block "$ub_verb" -- "$ub_id" >/dev/null 2>&1
        ;;
      *:enabled) ;;
      *) systemctl --no-block stop -- "$ub_id" >/dev/null 2>&1 ;;
    esac
  done 4<"$DIR/undo/units"
  return 0
}
