# The transaction. $1 root prefix, $2 what to do:
#   run ID        (in a unit of its own: neither the operator's connection nor its end matters)
#   recover [boot]  (ends what a dead transaction left, and tells a person how)
#   accept ID     (ends what could not be undone, with what is there now)
#   ended ID      (its unit has ended, well or not)
#   deadman ID    (its last deadline has passed)
#   candidate DIR LIST, validate DIR LIST (inside the validators' mount namespace, and inside the root that is made in it)
#   unpacking ID  (called by its own apt-get, which tells it what it is about to change)

ITEM=

open_lock() { { mkdir -p "$BASE" && true >>"$BASE/lock"; } 2>"$DIR/words" && exec 9>>"$BASE/lock"; }

end_here() { # OUTCOME: before the lock is ours, nothing of the host may be touched
  drop_payload
  finish "$1"
}

refuse() { # STEP [OUTCOME]: nothing was touched
  fail "$1" "$ITEM" "$DIR/words"
  close_transaction
  drop_payload
  finish "${2:-refused}"
}

compare() { # the host must still be as the plan saw it
  ITEM=
  /bin/sh "$DIR/bin/expect.sh" "$ROOT" <"$DIR/expect.request" >"$DIR/expect.now" 2>"$DIR/words" || return 1
  cmp -s "$DIR/expect.records" "$DIR/expect.now" && return 0
  tr '\0\037' '\n ' <"$DIR/expect.records" >"$DIR/expect.a"
  tr '\0\037' '\n ' <"$DIR/expect.now" >"$DIR/expect.b"
  diff "$DIR/expect.a" "$DIR/expect.b" >"$DIR/words"
  return 1
}

put_phase() { # PHASE
  keep_changed "$1" && put_paths "$1" && look_at_old && note_access "$1" || return 1
  sync_paths "$1"
}

switch_host() { # everything that touches the host; fails with ITEM and words set
  # A package's script makes an account only if it is not there: the numbers of the configuration come first.
  STEP=packages && put_sources || return 1
  STEP=accounts && add_groups && add_users || return 1
  STEP=mounts && mount_early || return 1
  STEP=packages && install_packages && put_holds || return 1
  STEP=accounts && add_users_late && put_access && take_memberships && make_homes a || return 1
  STEP=validate && stage_blocks && validate late || return 1
  STEP=switch && own_staged && carry_attributes || return 1
  STEP=units && stop_started_by_packages && rest_brought stop && stop_leaving || return 1
  STEP=switch && say step switch "$(path_operations | wc -l)" && { [ ! -s "$DIR/ops/paths-c" ] || put_phase c; } || return 1
  STEP=mounts && unmount_leaving || return 1
  STEP=switch && keep_brought && put_phase a || return 1
  set_host_name || return 1
  STEP=units && enable_units && rest_brought disable && end_links && reload_manager || return 1
  STEP=mounts && mount_all || return 1
  STEP=accounts && make_homes b || return 1
  if [ -s "$DIR/ops/paths-b" ]; then
    STEP=switch && keep_originals b && save_paths b && sync -f "$DIR" && put_phase b || return 1
  fi
  STEP=validate && validate mounted || return 1
  STEP=units && state switched && confirm_way_in || return 1
  for WAVE in $(meta waves); do
    STEP=units && run_wave "$WAVE" || return 1
    STEP=checks && run_checks "$WAVE" || return 1
  done
  settle || return 1
  STEP=accounts && remove_accounts || return 1
  STEP=packages && begin_links && remove_packages && end_links || return 1
  sync -f "$ROOT/etc"
}

open_transaction() { # from here on a crash leads to recover()
  ln -sfn "staging/$ID" "$BASE/open.new" && mv -T "$BASE/open.new" "$BASE/open"
} 2>"$DIR/words"

begin() { # what an undo will need, complete and on disk
  rm -rf "$DIR/undo" && mkdir -p "$DIR/undo" && head -c 65536 /dev/zero >"$DIR/ballast" || return 1
  keep_originals a && save_paths a && { [ ! -s "$DIR/ops/paths-c" ] || save_paths c; } && save_accounts && save_units && save_packages && save_mounts || return 1
  write_ledger && prepare_record && sync -f "$DIR"
}

say_locked() { # who holds the lock, since when, and when the host ends that by itself
  sl_lock=$(cat "$BASE/lock" 2>/dev/null)
  sl_dir=$BASE/staging/${sl_lock##*"$US"}
  say locked "$sl_lock" "$(cat "$sl_dir/asked" 2>/dev/null || printf %s "$US")" "$(cat "$sl_dir/ends" 2>/dev/null)"
}

take_lock() { # waits as long as the operator said, and no longer than he wants to
  tl_left=$(meta wait)
  until flock -n 9; do
    if [ "$tl_left" -le 0 ] || [ -e "$DIR/cancel" ]; then return 1; fi
    tl_left=$((tl_left - 1))
    ! flock -w 1 9 || return 0
  done
}

# What the operator sent, whole: without it a transaction would change nothing and yet become a generation. Every plan asks
# about the current generation, so that the request is never empty.
is_whole() {
  [ -e "$DIR/complete" ] && [ -s "$DIR/expect.request" ] && [ -e "$DIR/expect.records" ] && [ -s "$DIR/digest" ] &&
    [ -s "$DIR/index.json" ] && [ -s "$DIR/manifest.json" ] && [ -s "$DIR/meta" ] || return 1
  for iw_part in paths-a paths-b own validate mounts umounts packages-install packages-remove groups users members-remove \
    users-remove groups-remove units-before units units-rest checks; do
    [ -e "$DIR/ops/$iw_part" ] || return 1
  done
}

run() {
  DIR=$BASE/staging/$ID
  # Where it was swept away nothing is made again, and where it was ended nothing more is said.
  if ! { true >>"$DIR/alive" && exec 8>>"$DIR/alive" && flock -s 8 && [ -d "$DIR" ]; } 2>/dev/null; then return 1; fi
  [ ! -e "$DIR/outcome" ] || return 1
  if ! is_whole; then
    fail_text prepare '' 'what was sent for this transaction is not on the host any more, and nothing was changed: apply again'
    end_here refused
    return
  fi
  printf '%s\n' "$$" >"$DIR/pid"
  # Its unit's time limit (see stage.sh): by then it has been undone if it has not ended.
  ! on_host || date -u -d "$(meta deadline) seconds" +%Y-%m-%dT%H:%M:%SZ >"$DIR/ends"
  trap 'exit 143' TERM INT HUP
  if ! open_lock; then
    fail prepare '' "$DIR/words"
    end_here refused
    return
  fi
  if ! take_lock; then
    if [ -e "$DIR/cancel" ]; then
      fail_text cancelled '' 'cancelled by the operator'
      end_here refused
      return
    fi
    say_locked
    end_here locked
    return
  fi
  printf '%s%s%s%s%s\n' "$(meta who)" "$US" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$US" "$ID" >"$BASE/lock"
  [ ! -L "$BASE/open" ] || say note 'an earlier transaction was interrupted and is ended first'
  if ! (recover); then
    earlier_words >"$DIR/words"
    fail recover '' "$DIR/words"
    end_here undo-failed
    return
  fi
  sweep
  say step compare ''
  state begun || { refuse prepare; return; }
  compare || { refuse compare conflict; return; }
  if ! { try_tools && split_phases && stage_blocks; }; then
    refuse prepare
    return
  fi
  validate early || { refuse validate; return; }
  foresee_packages || { refuse packages; return; }
  ask_checks_before || { refuse prepare; return; }
  [ ! -e "$DIR/cancel" ] || { fail_text cancelled '' 'cancelled by the operator'; refuse cancelled; return; }
  if ! { arm_recovery && open_transaction && begin && arm_deadman && state switching; }; then
    refuse prepare
    return
  fi
  if switch_host && await_confirmation && prove_host && STEP=commit && state committed; then
    commit
  else
    fail "$STEP" "$ITEM" "$DIR/words"
    give_up
  fi
}

# The way back of an open transaction is its own text, also where another version of this program asks for it: it knows what
# it kept.
own_text() { # WORD...
  [ -L "$BASE/open" ] && ot_text=$BASE/$(readlink "$BASE/open")/bin/tx.sh && [ -s "$ot_text" ] && ! cmp -s -- "$ot_text" "$0" || return 0
  exec /bin/sh "$ot_text" "${ROOT:--}" "$@"
}

recover_alone() { # whoever holds the lock is alive and needs no help
  DIR=$BASE
  open_lock && flock -w 30 9 || return 0
  recover
}

recover_aloud() { # [boot]: status 0 when nothing is open any more, 75 when another run is at work
  speak_up
  DIR=$BASE
  if ! open_lock; then
    tell "The lock of this host cannot be taken, nothing was done: $(cat "$BASE/words" 2>/dev/null || echo 'only root may do this')"
    return 1
  fi
  rm -f "$BASE/words"
  if ! flock -n 9; then
    tell "$(tr "$US" ' ' <"$BASE/lock") is at work on this host: waiting for its end, 30 seconds at most."
    if ! flock -w 30 9; then
      tell 'Nothing was done: it ends, or is undone, by itself. Look again later.'
      [ "${1-}" = boot ] || return 75
      return 0
    fi
  fi
  ra_resume=
  if [ -n "${1-}" ] && [ -L "$BASE/open" ] && ! systemctl -q is-active local-fs.target; then ra_resume=1; fi
  ra_status=0
  recover "${1-}" || ra_status=1
  [ -z "$ra_resume" ] || resume_boot
  tell_end "$ra_status"
  return "$ra_status"
}

has_ended() { # ID: it said its last word, or nothing of it is left to end
  if [ -d "$BASE/staging/$1" ]; then
    [ -e "$BASE/staging/$1/outcome" ]
  else
    [ "$(readlink "$BASE/open")" != "staging/$1" ]
  fi
}

case ${2-} in
  run)
    ID=$3
    run
    ;;
  deadman)
    # A later transaction that is open has deadlines of its own.
    if ! has_ended "$3"; then
      systemctl kill --signal=KILL "citadel-iac-$3.service" >/dev/null 2>&1
      SERVICE_RESULT=timeout
      export SERVICE_RESULT
      own_text recover
      recover_alone
    fi
    ;;
  unpacking)
    DIR=$BASE/staging/$3
    record_unpacking
    ;;
  recover)
    own_text recover ${3+"$3"}
    recover_aloud "${3-}"
    ;;
  accept)
    ID=$3
    accept_left
    ;;
  ended)
    if has_ended "$3"; then
      # Usually gone by now; unless it could not be stopped then.
      stop_deadman "$3"
    else
      own_text recover
      recover_alone
    fi
    ;;
  candidate)
    DIR=$3
    validate_candidate "$4"
    ;;
  validate)
    DIR=$3
    validate_list "$4"
    ;;
  *)
    printf 'usage: sh %s - recover   ends an interrupted transaction, as a boot does\n' "$0" >&2
    exit 2
    ;;
esac
