# The way back, one code for every cause: a failed step, an unconfirmed change, a crash, a boot.

RECOVER_UNIT=/etc/systemd/system/citadel-iac-recover.service
RECOVER_LINK=/etc/systemd/system/sysinit.target.wants/citadel-iac-recover.service

# The unit exists only while a transaction is open, so a boot in the middle of it finds the way back: before anything
# else runs, and before the firewall's rules are read.
arm_recovery() {
  on_host || return 0
  # Under the lock: no one else's transaction is open, and one that is refused leaves the way back of another alone.
  cp "$DIR/bin/tx.sh" "$BASE/recover.sh.new" && mv -T "$BASE/recover.sh.new" "$BASE/recover.sh" || return 1
  (umask 022 && mkdir -p "${RECOVER_LINK%/*}") || return 1
  cat >"$RECOVER_UNIT.new" <<'UNIT'
[Unit]
Description=Return to a complete generation after an interrupted citadel-iac transaction
DefaultDependencies=no
RequiresMountsFor=/var/lib/citadel-iac
After=local-fs.target
Before=sysinit.target network-pre.target nftables.service shutdown.target
Conflicts=shutdown.target
IgnoreOnIsolate=yes
ConditionPathExists=/var/lib/citadel-iac/recover.sh

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

# A line of fstab, or a mount unit, that cannot be mounted fails local-fs.target, and the boot ends in emergency mode, where
# no one can log in from afar. What was undone may have been that: the boot is tried once more. It has to be after the mounts
# of before, on which the copies may lie.
resume_boot() {
  mkdir /run/citadel-iac-resumed 2>/dev/null || return 0
  systemctl reset-failed '*.mount' >/dev/null 2>&1
  # As long as emergency mode is being entered, nothing may replace that.
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    ! systemctl --no-block default >/dev/null 2>&1 || return 0
    sleep 1
  done
}

# What cannot be undone, item by item, with the reason of the tool: undo/left, KIND US ITEM US REASON. It is told at the end of
# the transaction and until it is settled (see resolve-show.sh and resolve-accept.sh).
left() { # KIND ITEM, with the reason in words
  le_words=$(tr -d '\000-\010\013-\037\177' <"$DIR/words" | grep . | tail -n 1)
  case $1 in path | mount) le_words=${le_words##*: } ;; esac
  [ "$1" != path ] || le_words=$le_words$(flags_of_either "$2")
  printf '%s%s%s%s%s\n' "$1" "$US" "$2" "$US" "${le_words:-no reason was given}" >>"$DIR/undo/left.new"
}

how_many_left() { if [ -e "$DIR/undo/left.new" ]; then wc -l <"$DIR/undo/left.new"; else echo 0; fi; }

# What cost no wait is tried twice: a command that fails once (no memory, a table of processes that is full) leaves no one with a
# host that is neither this nor that.
try_part() { # NAME COMMAND...
  tp_name=$1
  shift
  true >"$DIR/words"
  "$@" && return 0
  case $tp_name in packages | *mounts | units) return 1 ;; esac
  if [ -e "$DIR/undo/left.new" ]; then
    head -n "$ud_left" "$DIR/undo/left.new" >"$DIR/undo/left.cut" && mv -f -- "$DIR/undo/left.cut" "$DIR/undo/left.new" || return 1
  fi
  true >"$DIR/words"
  "$@"
}

# A part of the way back that is done is written down and never done again: what others change later stays. One that could
# not be done to its end is tried again by the next apply and the next boot.
undo_part() { # NAME COMMAND...
  if grep -qsx "$1" "$DIR/undo/done"; then return 0; fi
  ud_name=$1
  ud_left=$(how_many_left)
  if try_part "$@"; then
    printf '%s\n' "$ud_name" >>"$DIR/undo/done"
    return 0
  fi
  un_bad="$un_bad $ud_name"
  [ "$(how_many_left)" != "$ud_left" ] || left "$ud_name" ''
} 2>/dev/null

undo() { # [boot]: back to the generation before; safe to run again from any point of itself
  AGAIN=
  [ ! -s "$DIR/undo/left" ] || AGAIN=1
  state undoing
  say step undo ''
  un_bad=
  ITEM=
  rm -f "$DIR/undo/left.new"
  # Room first: on a full disk the way back needs some, and what was staged is not wanted any more.
  rm -rf "$DIR/tree"
  if on_host && [ -z "${1-}" ] && ! grep -qsx units "$DIR/undo/done"; then
    # What this transaction started must not run on while its files change under it.
    undo_stop_new
  fi
  undo_part packages undo_packages "${1-}"
  undo_part parents undo_parents
  undo_part files-in-mounts restore_below_mounts
  undo_part homes-in-mounts undo_homes_in_mounts
  undo_part new-mounts undo_mounted
  undo_part accounts undo_accounts
  # After accounts: what was put into a new home goes first, and the home with the files of the configuration.
  undo_part files restore_paths a
  undo_part links undo_links
  sync_paths a
  sync -f "$ROOT/etc"
  if on_host; then
    undo_part host-name undo_host_name
    undo_part runtime-masks undo_runtime_masks
    systemctl daemon-reload >"$DIR/words" 2>&1 || { un_bad="$un_bad daemon-reload" && left daemon-reload ''; }
    undo_part mounts undo_unmounted
    undo_part files-of-mounts-before restore_on_leaving_mounts
    if [ -z "${1-}" ]; then
      undo_part units undo_units
    else
      undo_part units undo_boot_units
    fi
  fi
  if [ -n "$un_bad" ]; then
    mv -f -- "$DIR/undo/left.new" "$DIR/undo/left" 2>/dev/null
    tell_left
    sync -f "$DIR"
    return 1
  fi
  state undone
  return 0
}

tell_left() {
  if [ ! -s "$DIR/undo/left" ]; then
    say note "the undo could not finish:$un_bad"
    return
  fi
  while IFS=$US read -r tl_kind tl_item tl_reason; do
    say left "$tl_kind" "$tl_item" "$tl_reason"
  done <"$DIR/undo/left"
}

# Why a later transaction is refused.
earlier_words() {
  printf 'an earlier transaction (%s, of %s) could not undo:\n' "$(readlink "$BASE/open" | sed 's|.*/||')" "$(head -n 1 "$BASE/open/who" 2>/dev/null)"
  if [ -s "$BASE/open/undo/left" ]; then
    sed "s/^path$US\([^$US]*\)$US/  \1: /;s/^\([^$US]*\)$US\([^$US]\)/  \1 \2/;s/$US$US/: /;s/$US/: /" "$BASE/open/undo/left"
  else
    printf '  what exactly is not known\n'
  fi
}

close_transaction() { # the open link goes last: as long as it stands, a crash leads back here
  disarm_deadman
  rm -f "$BASE/open" "$BASE/open.new"
  disarm_recovery
}

give_up() { # after a failure past the point where things were touched
  if undo "${1-}"; then
    [ -n "${1-}" ] || wait_for_units
    close_transaction
    drop_payload
    finish rolled-back
    return 0
  fi
  # The last deadline has nothing more to do: what is left needs a person, the next apply or a boot.
  disarm_deadman
  state undo-failed
  finish undo-failed
  return 1
}

# systemd tells a unit's ExecStopPost= how it ended.
how_interrupted() {
  if [ "${SERVICE_RESULT-}" = timeout ]; then
    printf 'it reached its time limit of %s seconds and was ended; what took so long is the last step above. Allow more in the inventory (ssh.timeouts.applySec) if it is right to take that long\n' "$(meta deadline)"
  else
    printf 'the transaction was interrupted on the host\n'
  fi
}

RECOVERED=
recover() { # [boot]: ends what dead transactions left; sets RECOVERED to the outcome of the one that was open, if one was
  re_status=0
  # What its validators were shown: no other one is at work, because the lock is ours.
  ! on_host || rm -rf "$CANDIDATE"
  if [ -L "$BASE/open" ]; then
    tell_open
    recover_open "${1-}" || re_status=1
    RECOVERED=$(cat "$DIR/outcome" 2>/dev/null || echo ended)
  fi
  # Of those others nothing is told aloud.
  re_aloud=$ALOUD
  ALOUD=
  end_dead
  ALOUD=$re_aloud
  # The way back of one that had not begun, where power was cut: nothing needs it.
  [ -L "$BASE/open" ] || { rm -f "$BASE"/*.new && disarm_recovery; }
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
  # Whoever follows it sees that someone is at work on it.
  true >>"$DIR/alive" && exec 7>>"$DIR/alive" && flock -s 7
  ro_state=$(cat "$DIR/state" 2>/dev/null)
  if [ "$ro_state" = undo-failed ]; then
    say note 'trying again what could not be undone'
  else
    say note "recovering: the transaction was interrupted while $ro_state"
  fi
  case $ro_state in
    committed) commit ;;
    '' | begun) # nothing had been touched, and what was kept may be incomplete: it must not be "brought back"
      fail_text interrupted '' 'the transaction was interrupted on the host before it changed anything'
      close_transaction
      drop_payload
      finish refused
      ;;
    undone | accepted) # its last words were not said
      close_transaction
      drop_payload
      if [ "$ro_state" = undone ]; then finish rolled-back; else finish accepted; fi
      ;;
    *)
      fail_text interrupted '' "$(how_interrupted)"
      give_up "${1-}"
      ;;
  esac
}

# Transactions that died before they had touched anything, or just before their last word: no one else would take their
# secrets away, and whoever follows them still waits.
end_dead() {
  for ed_dir in "$BASE"/staging/*; do
    case $ed_dir in *.partial) continue ;; esac
    if [ ! -e "$ed_dir/alive" ] || [ -e "$ed_dir/outcome" ]; then continue; fi
    # While this lock is held it cannot begin; when it begins later, it finds its outcome.
    { true >>"$ed_dir/alive" && exec 6>>"$ed_dir/alive"; } 2>/dev/null || continue
    if flock -n 6 && [ -d "$ed_dir" ] && [ ! -e "$ed_dir/outcome" ]; then
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
    fi
    exec 6>&-
  done
}
