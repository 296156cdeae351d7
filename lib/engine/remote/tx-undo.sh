# The way back, one code for every cause: a failed step, an unconfirmed change, a crash, a boot.

RECOVER_UNIT=/etc/systemd/system/citadel-iac-recover.service
RECOVER_LINK=/etc/systemd/system/sysinit.target.wants/citadel-iac-recover.service

# The unit exists only while a transaction is open, so a boot in the middle of it finds the way back.
arm_recovery() {
  on_host || return 0
  cp "$DIR/bin/tx.sh" "$BASE/recover.sh.new" && mv -T "$BASE/recover.sh.new" "$BASE/recover.sh" || return 1
  mkdir -p "${RECOVER_LINK%/*}" || return 1
  cat >"$RECOVER_UNIT.new" <<'UNIT'
[Unit]
Description=Return to a complete generation after an interrupted citadel-iac transaction
DefaultDependencies=no
RequiresMountsFor=/var/lib/citadel-iac
After=local-fs.target
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
ConditionPathExists=/var/lib/citadel-iac/open

[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/citadel-iac/recover.sh "" recover boot
TimeoutStartSec=infinity
UNIT
  chmod 0644 "$RECOVER_UNIT.new" && mv -T "$RECOVER_UNIT.new" "$RECOVER_UNIT" && ln -sfn ../citadel-iac-recover.service "$RECOVER_LINK" &&
    sync -f "$RECOVER_UNIT"
}

disarm_recovery() {
  on_host || return 0
  rm -f "$RECOVER_LINK" "$RECOVER_UNIT" "$RECOVER_UNIT.new" "$BASE/recover.sh"
  rmdir "${RECOVER_LINK%/*}" 2>/dev/null
  return 0
}

undo() { # [boot]: back to the generation before; safe to run again from any point of itself
  state undoing
  say step undo ''
  un_bad=
  ITEM=
  if on_host && [ -z "${1-}" ]; then
    # What this transaction started must not run on while its files change under it.
    undo_stop_new
  fi
  undo_packages || un_bad="$un_bad packages"
  restore_paths b || un_bad="$un_bad files"
  undo_mounted || un_bad="$un_bad mounts"
  undo_accounts || un_bad="$un_bad accounts"
  restore_paths a || un_bad="$un_bad files"
  undo_links || un_bad="$un_bad links"
  sync_paths b
  sync_paths a
  if on_host; then
    systemctl daemon-reload >/dev/null 2>&1 || un_bad="$un_bad daemon-reload"
    undo_unmounted || un_bad="$un_bad mounts"
    if [ -z "${1-}" ]; then
      undo_units || un_bad="$un_bad units"
    else
      undo_boot_units
    fi
  fi
  if [ -n "$un_bad" ]; then
    say note "the undo could not finish:$un_bad"
    return 1
  fi
  state undone
}

close_transaction() { # the open link goes last: as long as it stands, a crash leads back here
  rm -f "$BASE/open"
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

recover() { # [boot]: ends what a dead transaction left open
  [ -L "$BASE/open" ] || return 0
  DIR=$BASE/$(readlink "$BASE/open")
  ID=${DIR##*/}
  if [ ! -d "$DIR" ]; then
    # It had moved to its generation already: the last steps of a commit.
    rc_last=$(last_generation)
    ln -sfn "generations/$rc_last" "$BASE/current.new" && mv -T "$BASE/current.new" "$BASE/current"
    close_transaction
    return 0
  fi
  say note "recovering: the transaction was interrupted while $(cat "$DIR/state" 2>/dev/null)"
  case $(cat "$DIR/state" 2>/dev/null) in
    committed) commit ;;
    begun) # nothing had been touched, and what was kept may be incomplete: it must not be "brought back"
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

last_generation() { # the highest number there is, or nothing
  find "$BASE/generations" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n | tail -n 1
}

commit() { # generation N+1 is complete; "current" is the last thing that moves
  # What stays: the document, the way back, the records. Contents that may be secret, and scratch, go.
  rm -rf "$DIR/tree" "$DIR/own"
  rm -f "$DIR"/words* "$DIR"/validate.* "$DIR"/expect.* "$DIR/facts" "$DIR/pid" "$DIR/complete" "$DIR"/touched*
  co_last=$(last_generation)
  co_next=$((${co_last:-0} + 1))
  mkdir -p "$BASE/generations" && date -u +%Y-%m-%dT%H:%M:%SZ >"$DIR/time" && : >"$DIR/ledger" || return 1
  # The key of the digests that stand for secrets in diffs: made once, never leaves root's files.
  [ -s "$BASE/key" ] || { head -c 32 /dev/urandom >"$BASE/key.new" && mv -T "$BASE/key.new" "$BASE/key"; } || return 1
  mv -T "$DIR" "$BASE/generations/$co_next" || return 1
  DIR=$BASE/generations/$co_next
  ln -sfn "generations/$co_next" "$BASE/current.new" && mv -T "$BASE/current.new" "$BASE/current" && sync -f "$BASE/current"
  close_transaction
  finish committed
  prune_generations "$co_next"
}

prune_generations() { # CURRENT: the last ${KEEP} stay, and those that hold a file "pinned"
  for pg_old in "$BASE"/generations/*; do
    pg_n=${pg_old##*/}
    [ "$pg_n" -le $(($1 - KEEP)) ] && [ ! -e "$pg_old/pinned" ] && rm -rf "$pg_old"
  done
  return 0
}
