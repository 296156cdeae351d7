# Units: what they were, what is owed, what was done, and the proof.
# ops/units: VERB UNIT WAVE with VERB stop|disable|unmask|enable|start|restart|reload, in this order of kinds.
# ops/units-before: VERB UNIT of those that leave the configuration. ops/units-known: UNIT of all that stay in it.

# A unit that also has an init script: its links in /etc/rc?.d play no part under systemd, and no undo would know them.
export SYSTEMCTL_SKIP_SYSV=1

on_host() { [ -z "$ROOT" ]; }

# A line "UNIT ACTIVE FILESTATE INVOCATION NEEDRELOAD RESULT" for each, by the name that was asked for (systemd's own Id
# of an alias is another). Units have no white space. Fails when systemd does not answer for each of them.
unit_facts() { # UNIT...
  [ "$#" -gt 0 ] || return 0
  systemctl show -p Id -p ActiveState -p UnitFileState -p InvocationID -p NeedDaemonReload -p Result -- "$@" \
    >"$DIR/facts.raw" 2>"$DIR/words" || return 1
  printf '\n' >>"$DIR/facts.raw"
  uf_id='' uf_active=- uf_file=- uf_invocation=- uf_need=- uf_result=-
  while IFS= read -r uf_line; do
    case $uf_line in
      Id=*) uf_id=${uf_line#*=} ;;
      ActiveState=?*) uf_active=${uf_line#*=} ;;
      UnitFileState=?*) uf_file=${uf_line#*=} ;;
      InvocationID=?*) uf_invocation=${uf_line#*=} ;;
      NeedDaemonReload=?*) uf_need=${uf_line#*=} ;;
      Result=?*) uf_result=${uf_line#*=} ;;
      '')
        if [ -z "$uf_id" ] || [ "$#" = 0 ]; then continue; fi
        printf '%s %s %s %s %s %s\n' "$1" "$uf_active" "$uf_file" "$uf_invocation" "$uf_need" "$uf_result"
        uf_id='' uf_active=- uf_file=- uf_invocation=- uf_need=- uf_result=-
        shift
        ;;
    esac
  done <"$DIR/facts.raw"
  [ "$#" = 0 ] && return 0
  printf 'systemd says nothing of %s\n' "$1" >>"$DIR/words"
  return 1
}

units_named() { # VERB [WAVE]: units of ops/units, one a line
  while IFS=$US read -r un_verb un_unit un_wave; do
    if [ "$un_verb" = "$1" ] && [ "$un_wave" = "${2-$un_wave}" ]; then printf '%s\n' "$un_unit"; fi
  done <"$DIR/ops/units"
}

# What systemd stops and restarts with them, as far as it runs: it starts as often, and an undo must know of it.
units_along() { # UNIT...
  ua_units=$({
    systemctl show -p ConsistsOf -p RequiredBy -p BoundBy --value -- "$@" 2>/dev/null | tr ' ' '\n' | grep -v '\.target$'
    services_of "$@"
  } | sort -u)
  # shellcheck disable=SC2086 # unit names have no white space
  unit_facts $ua_units >"$DIR/facts" || return 1
  while read -r ua_unit ua_active _; do
    case $ua_active in active | reloading) printf '%s\n' "$ua_unit" ;; esac
  done <"$DIR/facts"
}

# The services that run behind sockets: a socket cannot be opened while its service has it.
services_of() { # UNIT...
  for so_unit in "$@"; do
    case $so_unit in
      *.socket)
        [ "$(systemctl show -p Accept --value -- "$so_unit" 2>/dev/null)" = no ] || continue
        for so_service in $(systemctl show -p Triggers --value -- "$so_unit" 2>/dev/null); do
          case $(systemctl is-active -- "$so_service" 2>/dev/null) in
            active | activating | reloading) printf '%s\n' "$so_service" ;;
          esac
        done
        ;;
    esac
  done
}

# systemd begins with each job as it is asked for: a service that comes first would take the socket that is to be opened.
sockets_first() { # UNIT...
  for sf_unit in "$@"; do case $sf_unit in *.socket) printf '%s ' "$sf_unit" ;; esac; done
  for sf_unit in "$@"; do case $sf_unit in *.socket) ;; *) printf '%s ' "$sf_unit" ;; esac; done
}

running_units() { # sorted
  systemctl list-units --plain --no-legend --no-pager --full --state=active,reloading,activating 2>"$DIR/words" | cut -d ' ' -f 1 | sort -u
}

# What a start can bring up although no step of this transaction names it (by Wants=, a socket, a timer): units of the
# document, and those whose files this transaction puts on the host. A template stands for its instances.
known_units() {
  cat "$DIR/ops/units-known"
  path_operations | while IFS=$US read -r ku_op ku_path _; do
    case $ku_op:$ku_path in
      file:*/systemd/system/*/* | link:*/systemd/system/*/*) ;;
      file:*/systemd/system/?*.?* | link:*/systemd/system/?*.?*) printf '%s\n' "${ku_path##*/}" ;;
    esac
  done
}

started_meanwhile() { # those of them that run now and did not before this transaction
  [ -e "$DIR/undo/running" ] || return 0
  running_units >"$DIR/facts.running"
  comm -13 "$DIR/undo/running" "$DIR/facts.running" >"$DIR/facts.new"
  known_units | sort -u | while IFS= read -r sm_known; do
    case $sm_known in
      *@.*)
        while IFS= read -r sm_unit; do
          case $sm_unit in "${sm_known%%@.*}@"*".${sm_known##*@.}") printf '%s\n' "$sm_unit" ;; esac
        done <"$DIR/facts.new"
        ;;
      *) grep -xF -- "$sm_known" "$DIR/facts.new" ;;
    esac
  done
}

save_units() {
  link_directories && unit_links "$DIR/undo/links" && cp "$DIR/undo/links" "$DIR/undo/links.from" || return 1
  true >"$DIR/undo/units" || return 1
  on_host || return 0
  running_units >"$DIR/undo/running" && [ -s "$DIR/undo/running" ] || return 1
  # A template has no state of its own, and systemd does not answer for it.
  leaving_units >"$DIR/undo/leaving" || return 1
  su_units=$({ cat "$DIR/ops/units" "$DIR/ops/units-before" 2>/dev/null | cut -d "$US" -f 2 && cat "$DIR/undo/leaving"; } |
    grep -v '@\.' | sort -u)
  [ -n "$su_units" ] || return 0
  # shellcheck disable=SC2086 # unit names have no white space
  units_along $su_units >"$DIR/undo/along" && see_along_well || return 1
  su_units=$({ printf '%s\n' "$su_units" && cat "$DIR/undo/along"; } | sort -u)
  # shellcheck disable=SC2086
  unit_facts $su_units >"$DIR/undo/units"
}

# systemd counts the starts of a unit and refuses what looks like a loop: also what several applies, or this one and its
# way back, ask for, and what a service that fails with a change's files has used up. A start that is asked for is no loop.
forget_starts() { # UNIT...: none is not all of them
  [ "$#" = 0 ] || systemctl reset-failed -- "$@" >/dev/null 2>&1
  return 0
}

write_ledger() { # every debt is on record before the first file changes
  true >"$DIR/paid" || return 1
  {
    [ "$(meta daemon_reload)" != 1 ] || printf 'daemon-reload\n'
    [ ! -s "$DIR/ops/units" ] || while IFS=$US read -r wl_verb wl_unit _; do
      printf '%s %s\n' "$wl_verb" "$wl_unit"
    done <"$DIR/ops/units"
  } >"$DIR/ledger"
}

pay() { printf '%s\n' "$1" >>"$DIR/paid"; }

touch_units() { # VERB UNIT...: an undo must know of it even when the action does not return
  tu_verb=$1
  shift
  for tu_unit in "$@"; do printf '%s %s\n' "$tu_verb" "$tu_unit"; done >>"$DIR/touched"
}

# A package starts its service as it is installed, with the package's own files. What this transaction is to start did not
# run before it: it rests until its files are there, because a running process would keep what it has read.
stop_started_by_packages() {
  on_host && [ -s "$DIR/ops/packages-install" ] && [ -s "$DIR/ops/units" ] || return 0
  for ITEM in $(units_named start | grep -v '@\.' | sort -u); do
    systemctl is-active --quiet -- "$ITEM" || continue
    touch_units stop "$ITEM" && systemctl stop -- "$ITEM" >"$DIR/words" 2>&1 || return 1
  done
}

enablement() { # VERB UNIT...: links only, no reload of the manager yet
  en_verb=$1
  shift
  if on_host; then
    systemctl --no-reload --quiet "$en_verb" -- "$@" >"$DIR/words" 2>&1
  else
    systemctl --root="$ROOT" --quiet "$en_verb" -- "$@" >"$DIR/words" 2>&1
  fi
}

switch_enablement() { # VERB UNIT...: in one call; if it fails, one by one, so that the unit to blame is known
  se_verb=$1
  shift
  enablement "$se_verb" "$@" && return 0
  for ITEM in "$@"; do
    enablement "$se_verb" "$ITEM" || return 1
  done
}

unmask_units() { # UNIT...: in /etc, and until the next boot in /run
  switch_enablement unmask "$@" || return 1
  on_host || return 0
  for um_unit in "$@"; do
    [ "$(readlink "/run/systemd/system/$um_unit")" = /dev/null ] || continue
    ITEM=$um_unit
    printf '%s\n' "$um_unit" >>"$DIR/undo/runtime-masks" || return 1
    systemctl --runtime --no-reload --quiet unmask -- "$um_unit" >"$DIR/words" 2>&1 || return 1
  done
}

enable_units() {
  [ -s "$DIR/ops/units" ] || return 0
  for eu_verb in unmask disable enable; do
    eu_units=$(units_named "$eu_verb")
    [ -n "$eu_units" ] || continue
    # shellcheck disable=SC2086 # unit names have no white space
    if [ "$eu_verb" = unmask ]; then unmask_units $eu_units; else switch_enablement "$eu_verb" $eu_units; fi || return 1
    for eu_unit in $eu_units; do pay "$eu_verb $eu_unit"; done
  done
}

reload_manager() { # one daemon-reload for each transaction, after all files
  on_host && [ "$(meta daemon_reload)" = 1 ] || return 0
  ITEM=systemd
  systemctl daemon-reload >"$DIR/words" 2>&1 && pay daemon-reload
}

run_wave() { # WAVE
  on_host && [ -s "$DIR/ops/units" ] || return 0
  for rw_verb in stop restart start reload; do
    rw_units=$(units_named "$rw_verb" "$1" | sort -u | tr '\n' ' ')
    [ -n "$rw_units" ] || continue
    say step "$rw_verb" "$rw_units"
    # shellcheck disable=SC2086 # unit names have no white space
    touch_units "$rw_verb" $rw_units || return 1
    # shellcheck disable=SC2046,SC2086
    case $rw_verb in
      start) forget_starts $rw_units ;;
      restart) forget_starts $rw_units $(cat "$DIR/undo/along" 2>/dev/null) ;;
    esac
    rw_behind=
    if [ "$rw_verb" = restart ]; then
      # shellcheck disable=SC2086
      rw_units=$(sockets_first $rw_units)
      # shellcheck disable=SC2086
      rw_behind=$(services_of $rw_units | sort -u | tr '\n' ' ')
      # shellcheck disable=SC2086
      if [ -n "$rw_behind" ] && ! { touch_units restart $rw_behind && systemctl stop -- $rw_behind >"$DIR/words.all" 2>&1; }; then
        blame_unit restart $rw_behind
        return 1
      fi
    fi
    # shellcheck disable=SC2086
    if ! systemctl "$rw_verb" -- $rw_units $rw_behind >"$DIR/words.all" 2>&1; then
      blame_unit "$rw_verb" $rw_units
      return 1
    fi
    # shellcheck disable=SC2086
    prove "$rw_verb" $rw_units || return 1
    # shellcheck disable=SC2086
    [ "$rw_verb" = stop ] || settling $rw_units $rw_behind || return 1
    [ "$rw_verb" != restart ] || settling_along || return 1
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
    unit_journal "$ITEM"
  } >"$DIR/words"
}

invocation_before() { # UNIT: sets INVOCATION
  INVOCATION=
  while read -r ib_unit _ _ ib_invocation _; do
    [ "$ib_unit" != "$1" ] || INVOCATION=$ib_invocation
  done <"$DIR/undo/units"
}

prove() { # VERB UNIT...: an action counts when systemd's own facts show it
  pr_verb=$1
  shift
  ITEM=$1
  unit_facts "$@" >"$DIR/facts" || return 1
  while read -r pr_id pr_active _ pr_invocation pr_need pr_result; do
    ITEM=$pr_id
    pr_wrong=
    case $pr_verb in
      stop) [ "$pr_active" = inactive ] || [ "$pr_active" = failed ] || pr_wrong="is still $pr_active after stop" ;;
      *)
        invocation_before "$pr_id"
        case $pr_active:$pr_result in
          active:* | reloading:* | inactive:success) ;;
          *) pr_wrong="is $pr_active after $pr_verb" ;;
        esac
        [ "$pr_need" = no ] || pr_wrong="still needs a daemon-reload after $pr_verb"
        [ "$pr_verb" != restart ] || [ "$pr_invocation" != "$INVOCATION" ] || pr_wrong="was not restarted: its invocation is the old one"
        ;;
    esac
    if [ -n "$pr_wrong" ]; then
      { printf '%s %s\n' "$pr_id" "$pr_wrong" && unit_journal "$pr_id"; } >"$DIR/words"
      return 1
    fi
    pay "$pr_verb $pr_id"
  done <"$DIR/facts"
}
