# The way back, one code for every cause: a failed step, an unconfirmed change, a crash, a boot.

RECOVER_UNIT=/etc/systemd/system/citadel-iac-recover.service
RECOVER_LINK=/etc/systemd/system/sysinit.target.wants/citadel-iac-recover.service

# The unit exists only while a transaction is open, so a boot in the middle of it finds the way back: before anything
# else runs, and before the firewall's rules are read.
arm_recovery() {
  on_host || return 0
  (umask 022 && mkdir -p "${RECOVER_LINK%/*}") || return 1
  cat >"$RECOVER_UNIT.new" <<'UNIT'
[Unit]
Description=Return to a complete generation after an interrupted citadel-iac transaction
DefaultDependencies=no
RequiresMountsFor=/var/lib/citadel-iac
After=local-fs.target
Before=sysinit.target network-pre.target nftables.service shutdown.target
Conflicts=shutdown.target
ConditionPathIsSymbolicLink=/var/lib/citadel-iac/open

[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/citadel-iac/recover.sh - recover boot
TimeoutStartSec=15min
UNIT
  chmod 0644 "$RECOVER_UNIT.new" && mv -T "$RECOVER_UNIT.new" "$RECOVER_UNIT" && ln -sfn ../citadel-iac-recover.service "$RECOVER_LINK" &&
    sync -f "$RECOVER_UNIT"
} 2>"$DIR/words"

disarm_recovery() {
  on_host || return 0
  rm -f "$RECOVER_LINK" "$RECOVER_UNIT" "$RECOVER_UNIT.new"
  rmdir "${RECOVER_LINK%/*}" 2>/dev/null
  return 0
}

undo() { # [boot]: back to the generation before; safe to run again from any point of itself
  state undoing
  say step undo ''
  un_bad=
  ITEM=
  # Room first: on a full disk the way back needs some, and what was staged is not wanted any more.
  rm -rf "$DIR/tree"
  if on_host && [ -z "${1-}" ]; then
    # What this transaction started must not run on while its files change under it.
    undo_stop_new
  fi
  undo_packages "${1-}" || un_bad="$un_bad packages"
  restore_below_mounts || un_bad="$un_bad files"
  undo_mounted || un_bad="$un_bad mounts"
  undo_accounts || un_bad="$un_bad accounts"
  restore_paths a || un_bad="$un_bad files"
  undo_links || un_bad="$un_bad links"
  sync_paths a
  sync -f "$ROOT/etc"
  if on_host; then
    undo_runtime_masks
    systemctl daemon-reload >/dev/null 2>&1 || un_bad="$un_bad daemon-reload"
    undo_unmounted || un_bad="$un_bad mounts"
    if [ -z "${1-}" ]; then
      undo_units
    else
      undo_boot_units
    fi
  fi
  if [ -n "$un_bad" ]; then
    say note "the undo could not finish:$un_bad"
    return 1
  fi
  state undone
  return 0
}

close_transaction() { # the open link goes last: as long as it stands, a crash leads back here
  disarm_deadman
  rm -f "$BASE/open" "$BASE/open.new"
  disarm_recovery
}

give_up() { # after a failure past the point where things were touched
  if undo "${1-}"; then
    close_transaction
    drop_payload
    finish rolled-back
    return 0
  fi
  finish undo-failed
  return 1
}

recover() { # [boot]: ends what dead transactions left
  re_status=0
  # What its validators were shown: no other one is at work, because the lock is ours.
  ! on_host || rm -rf "$CANDIDATE"
  if [ -L "$BASE/open" ]; then recover_open "${1-}" || re_status=1; fi
  end_dead
  [ -L "$BASE/open" ] || rm -f "$BASE/open.new"
  return "$re_status"
}

recover_open() { # [boot]
  DIR=$BASE/$(readlink "$BASE/open")
  ID=${DIR##*/}
  if [ ! -d "$DIR" ]; then
    # It had moved to its generation already: the last steps of a commit.
    ro_last=$(generation_of "$ID")
    if [ -z "$ro_last" ]; then
      close_transaction
      return 0
    fi
    DIR=$BASE/generations/$ro_last
    point_current "$ro_last" || return 1
    close_transaction
    finish committed
    return 0
  fi
  # Whoever follows it sees that somebody is at work on it.
  true >>"$DIR/alive" && exec 7>>"$DIR/alive" && flock -s 7
  ro_state=$(cat "$DIR/state" 2>/dev/null)
  say note "recovering: the transaction was interrupted while $ro_state"
  case $ro_state in
    committed) commit ;;
    '' | begun) # nothing had been touched, and what was kept may be incomplete: it must not be "brought back"
      fail_text interrupted '' 'the transaction was interrupted on the host before it changed anything'
      close_transaction
      drop_payload
      finish refused
      ;;
    undone)
      close_transaction
      drop_payload
      finish rolled-back
      ;;
    *)
      fail_text interrupted '' 'the transaction was interrupted on the host'
      give_up "${1-}"
      ;;
  esac
}

# Transactions that died before they had touched anything, or just before their last word: nobody else would take their
# secrets away, and whoever follows them still waits.
end_dead() {
  for ed_dir in "$BASE"/staging/*; do
    case $ed_dir in *.partial) continue ;; esac
    if [ ! -e "$ed_dir/alive" ] || [ -e "$ed_dir/outcome" ]; then continue; fi
    flock -n "$ed_dir/alive" true || continue
    DIR=$ed_dir
    FAILED=
    ed_state=$(cat "$DIR/state" 2>/dev/null)
    drop_payload
    if [ "$ed_state" = undone ]; then
      finish rolled-back
    else
      fail_text interrupted '' 'the transaction was interrupted on the host before it changed anything'
      finish refused
    fi
    rm -f "$DIR/words"
  done
}
