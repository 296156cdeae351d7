# A service that dies a moment after its health check held is not deployed. What this transaction started, restarted or
# reloaded is looked at again after the last check: it may neither fail nor be restarted by systemd for a while.
# ops/units-settle: UNIT TENTHS (of a second) for units with a time of their own; TENTHS of all others is "settle" in meta.

# A line "UNIT INVOCATION RESTARTS" each, of services that run.
running_services() { # UNIT...
  rs_services=
  for rs_unit in "$@"; do
    case $rs_unit in *.service) rs_services="$rs_services $rs_unit" ;; esac
  done
  [ -n "$rs_services" ] || return 0
  # shellcheck disable=SC2086 # unit names have no white space
  systemctl show -p Id -p InvocationID -p NRestarts -p SubState -- $rs_services >"$DIR/facts.raw" 2>"$DIR/words" || return 1
  printf '\n' >>"$DIR/facts.raw"
  # shellcheck disable=SC2086
  set -- $rs_services
  rs_invocation=- rs_restarts=0 rs_sub=
  while IFS= read -r rs_line; do
    case $rs_line in
      InvocationID=?*) rs_invocation=${rs_line#*=} ;;
      NRestarts=?*) rs_restarts=${rs_line#*=} ;;
      SubState=?*) rs_sub=${rs_line#*=} ;;
      '')
        [ -n "$rs_sub" ] || continue
        printf '%s %s %s %s\n' "$1" "$rs_invocation" "$rs_restarts" "$rs_sub"
        rs_invocation=- rs_restarts=0 rs_sub=
        shift
        ;;
    esac
  done <"$DIR/facts.raw"
}

# Of undo/along the services that are to settle as well, into undo/along.well: one that systemd has had to start again within the
# last minute was sick before this change.
see_along_well() {
  # shellcheck disable=SC2046 # unit names have no white space
  set -- $(grep '\.service$' "$DIR/undo/along")
  [ "$#" != 0 ] || return 0
  { systemctl show -p Id -p NRestarts -p ActiveEnterTimestampMonotonic -- "$@" 2>"$DIR/words" && printf '\n'; } |
    awk -F = -v now="$(now)" '
      { value[$1] = $2 }
      $0 == "" { if (!(value["NRestarts"] > 0 && now - value["ActiveEnterTimestampMonotonic"] / 1000000 < 60)) print value["Id"]; delete value }' \
      >"$DIR/undo/along.well"
}

# What systemd restarted with them ran before, and has to go on as they do.
settling_along() {
  [ -s "$DIR/undo/along.well" ] || return 0
  # shellcheck disable=SC2046 # unit names have no white space
  running_services $(cat "$DIR/undo/along.well") >"$DIR/facts.settling" || return 1
  while read -r sg_unit sg_invocation sg_restarts sg_sub; do
    case $sg_sub in exited | dead | stop*) ;; *) printf '%s %s %s\n' "$sg_unit" "$sg_invocation" "$sg_restarts" ;; esac
  done <"$DIR/facts.settling" >>"$DIR/settling"
}

settling() { # UNIT...: they were just acted on
  running_services "$@" >"$DIR/facts.settling" || return 1
  while read -r sg_unit sg_invocation sg_restarts sg_sub; do
    # One that has ended well ("exited", "dead") has nothing more to prove.
    case $sg_sub in running | reload* | start* | *restart*) printf '%s %s %s\n' "$sg_unit" "$sg_invocation" "$sg_restarts" ;; esac
  done <"$DIR/facts.settling" >>"$DIR/settling"
}

settle_tenths() { # UNIT: sets TENTHS
  TENTHS=$SETTLE
  [ -s "$DIR/ops/units-settle" ] || return 0
  while IFS=$US read -r st_unit st_tenths; do
    [ "$st_unit" != "$1" ] || TENTHS=$st_tenths
  done <"$DIR/ops/units-settle"
}

settle() {
  SETTLE=$(meta settle)
  on_host && [ -n "$SETTLE" ] && [ -s "$DIR/settling" ] || return 0
  STEP=settle
  se_left=0
  # What came last counts: a later wave may have restarted a unit of an earlier one.
  while read -r se_unit _; do
    settle_tenths "$se_unit"
    [ "$TENTHS" -le "$se_left" ] || se_left=$TENTHS
  done <"$DIR/settling"
  [ "$se_left" -gt 0 ] || return 0
  say step settle "$((se_left / 10)).$((se_left % 10)) s"
  se_past=0
  settled_units start || return 1
  while [ "$se_left" -gt 0 ]; do
    se_step=5
    [ "$se_left" -ge "$se_step" ] || se_step=$se_left
    sleep "0.$se_step"
    se_left=$((se_left - se_step))
    se_past=$((se_past + se_step))
    settled_units again || return 1
  done
}

# At first only restarts by systemd count, since an action on another unit may have restarted one; then any.
settled_units() { # start|again
  se_units=$(cut -d ' ' -f 1 "$DIR/settling" | sort -u)
  # shellcheck disable=SC2086 # unit names have no white space
  running_services $se_units >"$DIR/facts.now" || return 1
  while read -r sd_unit sd_invocation sd_restarts sd_sub <&4; do
    settle_tenths "$sd_unit"
    if [ "$TENTHS" -le 0 ] || [ "$TENTHS" -lt "$((se_past))" ]; then continue; fi
    sd_was=$(grep -F -- "$sd_unit " "$DIR/settling" | grep "^$(printf '%s' "$sd_unit" | sed 's/[][\\.*^$]/\\&/g') " | tail -n 1)
    sd_old=${sd_was#* }
    sd_wrong=
    case $sd_sub in
      running | reload* | start* | exited) ;;
      dead)
        # It ended well; a document that wants it to run says so in the next plan.
        continue
        ;;
      *) sd_wrong="is $(systemctl is-active -- "$sd_unit") ($sd_sub) after it had started" ;;
    esac
    [ "$sd_restarts" -le "${sd_old#* }" ] || sd_wrong="ended by itself after it had started, and systemd has restarted it"
    [ "$1" = start ] || [ "$sd_invocation" = "${sd_old%% *}" ] || [ -n "$sd_wrong" ] ||
      sd_wrong="did not go on running: its invocation is another one"
    if [ -n "$sd_wrong" ]; then
      ITEM=$sd_unit
      { printf '%s %s\n' "$sd_unit" "$sd_wrong" && unit_journal "$sd_unit"; } >"$DIR/words"
      return 1
    fi
  done 4<"$DIR/facts.now"
  [ "$1" != start ] || grep -v ' dead$' "$DIR/facts.now" | cut -d ' ' -f 1-3 >"$DIR/settling"
}
