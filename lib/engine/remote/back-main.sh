# Goes to a generation by what was prepared for it, and looks whether the host is as it was left. $1 root prefix, $2 what:
#   list [--json] | to N [--old-secrets] [--dry-run] [--yes] [--json] [--wait SEC] | pin N | unpin N [--dry-run] [--json]
#   drift [--json] [--textfiles DIRECTORY] | resolve [--retry | --accept] [--dry-run] [--yes] [--json]
# Exit status: 0 done, 1 not done (drift: differences; resolve: something is left), 2 usage, 75 another run holds the lock.

PROGRAM=/usr/local/bin/citadel-rollback
W=

usage() { # WHAT
  stop "$1" "${2:-citadel-rollback --help}" 2
}

scratch() { # PARENT: a folder for root alone, which may hold values of secrets
  W=$(mktemp -d "$1/back-XXXXXXXX.partial") || stop "no scratch folder can be made in $1" 'Nothing was changed.'
  # Held as long as we live: after a kill or a reboot, the next transaction sweeps this folder away, as a dead upload.
  exec 7>"$W/alive" && flock -s 7
  trap 'rm -rf "$W"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  : >"$W/hand" && : >"$W/stays" && : >"$W/lost" && : >"$W/returning" && : >"$W/returning.access" && : >"$W/holds" && : >"$W/touched"
}

number() { # WORD: sets NUMBER
  case $1 in
    '' | *[!0-9]* | 0*) usage "'$1' is not a generation; \`citadel-rollback list\` shows them" ;;
  esac
  NUMBER=$1
  [ -d "$GENERATIONS/$1" ] ||
    stop "there is no generation $1 on this host; kept are: $(numbers | paste -s -d ' ' | sed 's/ /, /g')" 'citadel-rollback list'
}

options() { # WORD...: sets JSON_OUT, DRY, YES, WAIT, TEXTFILES, HOW, OLD_SECRETS and WORD, the one that is no option
  JSON_OUT='' DRY='' YES='' WAIT=0 TEXTFILES='' HOW='' OLD_SECRETS='' WORD=''
  while [ $# -gt 0 ]; do
    case $1 in
      --json) JSON_OUT=1 ;;
      --dry-run) DRY=1 ;;
      --yes) YES=1 ;;
      --old-secrets) OLD_SECRETS=1 ;;
      --retry | --accept)
        [ -z "$HOW" ] || usage 'either --retry or --accept'
        HOW=${1#--}
        ;;
      --wait | --textfiles)
        [ $# -gt 1 ] || usage "$1 needs a value"
        case $1 in --wait) WAIT=$2 ;; *) TEXTFILES=$2 ;; esac
        shift
        ;;
      --wait=*) WAIT=${1#*=} ;;
      -*) usage "unknown option $1" ;;
      *)
        [ -z "$WORD" ] || usage "one word too many: $1"
        WORD=$1
        ;;
    esac
    shift
  done
  case $WAIT in '' | *[!0-9]*) usage "--wait needs seconds, not '$WAIT'" ;; esac
}

tell() { # TEXT: next to JSON, for people only
  if [ -n "$JSON_OUT" ]; then printf '%s\n' "$1" | clean >&2; else printf '%s\n' "$1" | clean; fi
}

examine() { cat "$FROM/way/want" "$TO/way/want" >"$W/wanted" && look && look_blocks && compare_items; }

compare() { # N: sets FROM and TO; what differs is in $W/changes
  co_current=$(current_generation)
  [ -n "$co_current" ] || stop 'nothing was ever applied to this host' 'Deploy it from the operator'"'"'s machine.'
  FROM=$GENERATIONS/$co_current
  TO=$GENERATIONS/$1
  has_way "$co_current" ||
    stop "generation $co_current was made by an older citadel-iac, which prepared no way from it" \
      "Nothing was changed. From the operator's machine: citadel-iac rollback HOST --to $1. After the next apply this host can go by itself."
  lacks "$1" >"$W/missing"
  [ ! -s "$W/missing" ] || stop "generation $1 cannot be had from what this host keeps. Missing: $(paste -s -d ';' "$W/missing" | sed 's/;/; /g')" \
    "Nothing was changed. From the operator's machine: citadel-iac rollback HOST --to $1"
  renew_secrets || stop 'the newest values of its secrets could not be put in' 'Nothing was changed. Is the disk full?'
  examine || stop 'the host could not be looked at' 'Nothing was changed.'
}

person() { # agent0@ai-node: the account that called sudo, if one did
  printf '%s@%s' "${SUDO_USER:-$(id -un)}" "$(uname -n)"
}

confirm() { # QUESTION
  [ -t 0 ] || usage 'there is no terminal to ask at' 'Say --yes, or --dry-run to look first.'
  printf '%s [y/N] ' "$1" >&2
  IFS= read -r cf_answer
  case $cf_answer in y | Y | yes | Yes) ;; *) stop 'nothing was changed' ;; esac
}

go_to() {
  [ -n "$WORD" ] || usage 'to what generation?'
  number "$WORD"
  mkdir -p "$BASE/staging" && scratch "$BASE/staging"
  compare "$NUMBER"
  build "$(person)" "$WAIT" || stop 'the transaction could not be prepared' 'Nothing was changed. Is the disk full?'
  unit_actions >"$W/actions"
  cat "$FROM/way/limits" "$TO/way/limits" >"$W/limits"
  said >"$W/said"
  if [ -n "$DRY" ] || ! is_needed; then
    if [ -n "$JSON_OUT" ]; then plan_json; else plan_text | clean; fi
    return 0
  fi
  if [ -z "$JSON_OUT" ] || [ -z "$YES" ]; then tell "$(plan_text)"; fi
  [ -n "$YES" ] || confirm "Go to generation $NUMBER?"
  # It goes on without us, whatever becomes of us: Ctrl-C here does not stop what is at work.
  {
    printf '%s\n' "$ID"
    cd -- "$W/stage" && { find . -mindepth 1 -maxdepth 1 ! -name complete -printf '%f\n' && echo complete; } | tar --create --file=- --files-from=-
  } >"$W/archive" || stop 'the transaction could not be prepared' 'Nothing was changed. Is the disk full?'
  mkfifo "$W/records"
  setsid /bin/sh "$BASE/current/bin/apply.sh" "$ROOT" <"$W/archive" >"$W/records" 7>&- &
  follow_run <"$W/records"
  wait
  if [ -n "$JSON_OUT" ]; then outcome_json; else outcome_text | clean; fi
  case $OUTCOME in committed) return 0 ;; locked) return 75 ;; *) return 1 ;; esac
}

list() {
  scratch "${TMPDIR:-/tmp}"
  for li_number in $(numbers); do generation_line "$li_number"; done >"$W/list"
  if [ -n "$JSON_OUT" ]; then list_json <"$W/list"; else list_text <"$W/list" | clean; fi
}

pin() { # true or false
  [ -n "$WORD" ] || usage 'which generation?'
  number "$WORD"
  if [ -z "$DRY" ]; then
    if [ "$1" = true ]; then true >>"$GENERATIONS/$NUMBER/pinned"; else rm -f -- "$GENERATIONS/$NUMBER/pinned"; fi || return 1
  fi
  if [ -n "$JSON_OUT" ]; then
    pi_said="{\"generation\": $NUMBER, \"pinned\": $1}"
    if [ -n "$DRY" ]; then printf '{"would": %s}\n' "$pi_said"; else printf '%s\n' "$pi_said"; fi
    return
  fi
  pi_what='goes when its time comes'
  [ "$1" = false ] || pi_what='is kept for good'
  if [ -n "$DRY" ]; then printf 'Would be so: generation'; else printf 'Generation'; fi
  printf ' %s %s.\n' "$NUMBER" "$pi_what"
}

metric() { # NAME HELP VALUE
  printf '# HELP %s %s\n# TYPE %s gauge\n%s %s\n' "$1" "$2" "$1" "$1" "$3"
}

drift() {
  dr_current=$(current_generation)
  if [ -z "$dr_current" ] || [ -L "$BASE/open" ] || ! has_way "$dr_current"; then
    printf 'nothing to compare with: nothing was deployed here, or by an older citadel-iac, or a deployment is at work\n' >&2
    return 0
  fi
  scratch "${TMPDIR:-/tmp}"
  FROM=$GENERATIONS/$dr_current
  TO=$FROM
  examine || stop 'the host could not be looked at'
  if [ -L "$BASE/open" ] || [ "$(current_generation)" != "$dr_current" ]; then
    printf 'a deployment is at work\n' >&2
    return 0
  fi
  if [ -n "$TEXTFILES" ]; then
    {
      metric citadel_config_drift_items 'Managed items that differ from the current generation.' "$(wc -l <"$W/changes")"
      metric citadel_config_drift_last_check_timestamp_seconds 'When the host last compared itself with it, Unix time.' "$(date +%s)"
      metric citadel_config_generation 'Number of the current generation.' "$dr_current"
      metric citadel_reboot_owed 'Whether the host should be rebooted: a package asks for it, or a newer kernel is installed than runs.' "$(reboot_owed)"
    } >"$TEXTFILES/.citadel-drift.prom.new" && chmod 0644 "$TEXTFILES/.citadel-drift.prom.new" &&
      mv -fT -- "$TEXTFILES/.citadel-drift.prom.new" "$TEXTFILES/citadel-drift.prom" || return 1
  fi
  if [ -n "$JSON_OUT" ]; then
    awk -F "$US" -v generation="$dr_current" "$JSON"'
      { all = all (NR > 1 ? ", " : "") "{\"section\": " text($2) ", \"key\": " text($3) ", \"action\": " text($1) "}" }
      END { printf "{\"generation\": %s, \"changes\": [%s]}\n", generation, all }' "$W/changes"
  elif [ -s "$W/changes" ]; then
    awk -F "$US" 'BEGIN { printf "%-10s  %-11s  %s\n", "to heal it", "section", "item" } { printf "%-10s  %-11s  %s\n", $1, $2, $3 }' "$W/changes" | clean
  else
    printf 'as generation %s wants it\n' "$dr_current"
  fi
  [ ! -s "$W/changes" ] || [ -n "$TEXTFILES" ] || return 1
}

[ $# -ge 2 ] || usage 'what is to be done?'
BACK_VERB=$2
shift 2
options "$@"
case $BACK_VERB in
  to) go_to ;;
  list) list ;;
  pin) pin true ;;
  unpin) pin false ;;
  drift) drift ;;
  resolve) resolve ;;
  *) usage "unknown command $BACK_VERB" ;;
esac
