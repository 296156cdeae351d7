# The transaction. $1 root prefix, $2 what to do:
#   run ID        (in a unit of its own: neither the operator's connection nor its end matters)
#   recover [boot]
#   validate DIR LIST (inside the validators' mount namespace)

KEEP=20
ITEM=

take_lock() { # SECONDS to wait
  mkdir -p "$BASE" && exec 9>>"$BASE/lock" || return 1
  flock -w "$1" 9 || return 1
}

refuse() { # STEP [STATE]: nothing was touched
  cp "$DIR/words" "$DIR/words.refused" 2>/dev/null
  fail "$1" "$ITEM" "$DIR/words"
  close_transaction
  drop_payload
  finish "${2:-refused}"
}

compare() { # the host must still be as the plan saw it
  [ -s "$DIR/expect.request" ] || return 0
  ITEM=
  /bin/sh "$DIR/bin/expect.sh" "$ROOT" <"$DIR/expect.request" >"$DIR/expect.now" 2>"$DIR/words" || return 1
  cmp -s "$DIR/expect.records" "$DIR/expect.now" && return 0
  tr '\0' '\n' <"$DIR/expect.records" >"$DIR/expect.a"
  tr '\0' '\n' <"$DIR/expect.now" >"$DIR/expect.b"
  diff "$DIR/expect.a" "$DIR/expect.b" >"$DIR/words"
  return 1
}

switch_host() { # everything that touches the host; fails with ITEM and words set
  STEP=packages && install_packages || return 1
  STEP=validate && validate late || return 1
  STEP=accounts && add_groups && add_users || return 1
  STEP=switch && own_staged || return 1
  STEP=units && stop_leaving || return 1
  STEP=mounts && unmount_leaving || return 1
  STEP=switch && say step switch "$(wc -l <"$DIR/ops/paths-a")" && each_path a put_path || return 1
  sync_paths a
  STEP=units && enable_units && reload_manager || return 1
  STEP=mounts && mount_all || return 1
  if [ -s "$DIR/ops/paths-b" ]; then
    STEP=switch && save_paths b && each_path b put_path || return 1
    sync_paths b
  fi
  state switched
  for WAVE in $(meta waves); do
    STEP=units && run_wave "$WAVE" || return 1
    STEP=checks && run_checks "$WAVE" || return 1
  done
  STEP=accounts && remove_accounts || return 1
  STEP=packages && remove_packages || return 1
}

await_confirmation() { # a change that can cut the operator off counts only when a new connection says so
  ac_wait=$(meta confirm)
  [ "$ac_wait" != 0 ] && on_host || return 0
  state confirming
  ac_end=$(($(now) + ac_wait))
  say confirm "$(date -u -d "@$ac_end" +%H:%M:%S)" "$ac_wait"
  while [ "$(cat "$DIR/confirmed" 2>/dev/null)" != "$(meta nonce)" ]; do
    if [ "$(now)" -ge "$ac_end" ]; then
      STEP=confirm
      ITEM=
      printf 'no new connection confirmed the change within %s seconds\n' "$ac_wait" >"$DIR/words"
      return 1
    fi
    sleep 0.1
  done
}

# A second line of defence for the confirmation: it ends this process if it hangs, and what follows undoes.
arm_deadman() {
  [ "$(meta confirm)" != 0 ] && on_host || return 0
  systemd-run --quiet --collect --unit="citadel-iac-deadman-$ID" --on-active="$(meta deadline)" \
    --timer-property=AccuracySec=100ms systemctl kill --signal=KILL "citadel-iac-$ID.service" >"$DIR/words" 2>&1
}

disarm_deadman() {
  [ "$(meta confirm)" = 0 ] || ! on_host || systemctl stop "citadel-iac-deadman-$ID.timer" >/dev/null 2>&1
  return 0
}

open_transaction() { # from here on a crash leads to recover()
  ln -sfn "staging/$ID" "$BASE/open.new" && mv -T "$BASE/open.new" "$BASE/open"
}

begin() { # what an undo will need, complete and on disk
  rm -rf "$DIR/undo" && mkdir -p "$DIR/undo" || return 1
  save_paths a || return 1
  save_accounts || return 1
  save_units || return 1
  [ ! -s "$DIR/ops/packages-install" ] || installed_packages >"$DIR/undo/packages" || return 1
  write_ledger || return 1
  sync -f "$DIR"
}

run() {
  DIR=$BASE/staging/$ID
  printf '%s\n' "$$" >"$DIR/pid"
  trap 'exit 143' TERM INT HUP
  if ! take_lock "$(meta wait)"; then
    say locked "$(cat "$BASE/lock" 2>/dev/null)"
    drop_payload
    finish locked
    return
  fi
  rn_self=$DIR
  (recover) || { finish undo-failed; return; }
  DIR=$rn_self
  # An undo of somebody else's transaction may have changed DIR's neighbours, never DIR itself.
  printf '%s%s%s%s%s\n' "$(meta who)" "$US" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$US" "$ID" >"$BASE/lock"
  state begun
  say step compare ''
  : >"$DIR/words"
  compare || { refuse compare conflict; return; }
  validate early || { refuse validate; return; }
  [ ! -e "$DIR/cancel" ] || { fail_text cancelled '' 'cancelled by the operator'; refuse cancelled; return; }
  open_transaction && begin && arm_recovery && arm_deadman || { refuse prepare; return; }
  state switching
  if switch_host && await_confirmation; then
    state committed
    disarm_deadman
    commit
  else
    fail "$STEP" "$ITEM" "$DIR/words"
    give_up
    disarm_deadman
  fi
}

case ${2-} in
  run)
    ID=$3
    run
    ;;
  recover)
    # A boot, or the end of a transaction's unit: whoever holds the lock is alive and needs no help.
    take_lock 30 || exit 0
    recover "${3-}"
    ;;
  validate)
    DIR=$3
    validate_list "$4"
    ;;
esac
