# Every change of a host counts only when a new connection says so: no list of what locks an operator out is complete.
# It is asked for as soon as network, firewall and sshd run with their new files (the units of the wave "first"), before
# other units start and before health checks, so that a lock-out lasts no longer than that; and once more at the end if
# accounts or packages went since.

CONFIRM_ROUND=0

confirms() { [ "$(meta confirm)" != 0 ] && on_host; }

confirm_way_in() {
  confirms || return 0
  STEP=units && run_wave first && ask_confirmation && state switched
}

await_confirmation() {
  confirms || return 0
  if [ -s "$DIR/ops/users-remove" ] || [ -s "$DIR/ops/groups-remove" ] || [ -s "$DIR/ops/packages-remove" ]; then
    ask_confirmation
  fi
}

ask_confirmation() {
  STEP=confirm
  ITEM=
  CONFIRM_ROUND=$((CONFIRM_ROUND + 1))
  state confirming || return 1
  ac_wait=$(meta confirm)
  ac_nonce=$(meta nonce)
  [ "$CONFIRM_ROUND" = 1 ] || ac_nonce=$ac_nonce-$CONFIRM_ROUND
  ac_end=$(($(now) + ac_wait))
  say confirm "$(date -u -d "$ac_wait seconds" +%H:%M:%S)" "$ac_wait"
  # For others, who may wonder whether anyone still answers.
  printf '%s%s%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$US" "$(date -u -d "$ac_wait seconds" +%Y-%m-%dT%H:%M:%SZ)" >"$DIR/asked"
  while [ "$(cat "$DIR/confirmed" 2>/dev/null)" != "$ac_nonce" ]; do
    if [ "$(now)" -ge "$ac_end" ]; then
      printf 'no new connection confirmed the change within %s seconds\n' "$ac_wait" >"$DIR/words"
      return 1
    fi
    sleep 0.05
  done
  rm -f "$DIR/asked"
}

# A second line of defence for the confirmation, in a unit of its own: it ends this process if it hangs, and undoes if
# nothing else did.
arm_deadman() {
  confirms || return 0
  systemd-run --quiet --collect --unit="citadel-iac-deadman-$ID" --description="citadel-iac dead man's switch" \
    --on-active="$(meta deadline)" --timer-property=AccuracySec=100ms \
    /bin/sh "$BASE/recover.sh" - deadman "$ID" >"$DIR/words" 2>&1
}

disarm_deadman() {
  on_host || return 0
  case $(meta confirm 2>/dev/null) in '' | 0) return 0 ;; esac
  stop_deadman "$ID"
  return 0
}

stop_deadman() { # ID
  systemctl stop "citadel-iac-deadman-$1.timer" >/dev/null 2>&1
}
