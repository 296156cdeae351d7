# What citadel-rollback says: text, or JSON where that is asked for.
# shellcheck disable=SC2016 # awk's own variables

clean() { tr -d '\000-\010\013-\037\177'; } # nothing that a terminal would obey

stop() { # WHAT ADVICE [STATUS]: nothing was touched
  printf 'citadel-rollback: %s\n' "$1" | clean >&2
  [ -z "${2-}" ] || printf '  %s\n' "$2" | clean >&2
  exit "${3:-1}"
}

# For awk: text(VALUE) is VALUE as a JSON string, list(TAG) the collected values of a tag.
JSON='
  function text(value,  out, i, c) {
    gsub(/\\/, "\\\\", value); gsub(/"/, "\\\"", value); gsub(/\t/, "\\t", value); gsub(/[\001-\037\177]/, "?", value)
    return "\"" value "\""
  }
  function orNull(value) { return value == "" ? "null" : value }'

unit_actions() { # VERB US UNIT US WAVE, in order
  sed "s/\$/${US}0/" "$W/stage/ops/units-before"
  cat "$W/stage/ops/units"
}

said() { # what going there cannot take back
  {
    sed "s/^/limit$US/" "$W/limits"
    sed "s/^/risky$US/" "$FROM/way/risky" "$TO/way/risky"
    sed "s/^/hand$US/" "$W/hand"
    sed "s/^/change$US/" "$W/changes"
  } | awk -F "$US" '
    $1 == "limit" { limit[$2, $3, $4] = $5; next }
    $1 == "risky" { risky[$2, $3]; next }
    $1 == "hand" { hand[$2] = hand[$2] (hand[$2] == "" ? "" : ", ") $3; next }
    { if (($2, $3, $4) in limit) print limit[$2, $3, $4]
      # Accounts that are only created take nothing from anybody.
      if ((($3, $4) in risky) && !($2 == "create" && $3 ~ /^(users|groups)$/)) way = way (way == "" ? "" : ", ") ($3 ~ /^(users|groups|packages)$/ ? substr($3, 1, length($3) - 1) " " : "") $4 }
    END {
      if (hand["path"] != "") print "changed by hand since the last apply, and overwritten: " hand["path"]
      if (hand["unit"] != "") print "started, stopped, enabled or disabled by hand since, and put right: " hand["unit"]
      if (way != "") print "the way in changes (" way "), and no one confirms it from outside as an apply would: stay logged in until a new connection works"
    }'
  grep -q "^files$US$PROGRAM$US" "$TO/way/want" ||
    printf 'generation %s has no citadel-rollback: from there only the operator'"'"'s machine can go elsewhere\n' "${TO##*/}"
  awk -F "$US" '{ printf "the secret %s has its newest value, of generation %s; --old-secrets takes the one of then\n", $1, $2 }' "$W/renewed"
  printf 'what programs have written since stays as it is: models, backups, databases, logs, files in home directories\n'
}

is_needed() { [ -s "$W/changes" ] || [ -s "$W/actions" ] || [ "$FROM" != "$TO" ]; }

plan_text() {
  if ! is_needed; then
    printf 'This host is at generation %s, as it should be. Nothing to do.\n' "${TO##*/}"
    return
  fi
  printf 'From generation %s to generation %s, as a new generation:\n' "${FROM##*/}" "${TO##*/}"
  awk -F "$US" '{ sign = $1 == "create" ? "+" : $1 == "delete" ? "-" : "~"
    printf "  %s %-11s %s%s\n", sign, $2, $3, $5 == "" ? "" : "  (" $5 ")" }' "$W/changes"
  [ -s "$W/changes" ] || printf '  nothing on the host differs; only the record moves\n'
  awk -F "$US" '{ printf "  ! %-11s %s\n", $1, $2 }' "$W/actions"
  sed 's/^/  = stays: /' "$W/stays"
  [ -s "$W/changes" ] || return 0
  printf 'What this cannot take back:\n'
  sed 's/^/  · /' "$W/said"
}

plan_json() {
  {
    sed "s/^/change$US/" "$W/changes"
    sed "s/^/action$US/" "$W/actions"
    sed "s/^/stays$US/" "$W/stays"
    [ ! -s "$W/changes" ] || sed "s/^/said$US/" "$W/said"
  } | awk -F "$US" -v from="${FROM##*/}" -v to="${TO##*/}" "$JSON"'
    function add(list, one) { return list == "" ? one : list ", " one }
    $1 == "change" { changes = add(changes, "{\"section\": " text($3) ", \"key\": " text($4) ", \"action\": " text($2) ", \"note\": " ($6 == "" ? "null" : text($6)) "}") }
    $1 == "action" { actions = add(actions, "{\"unit\": " text($3) ", \"verb\": " text($2) ", \"wave\": " $4 "}") }
    $1 == "stays" { stays = add(stays, text($2)) }
    $1 == "said" { said = add(said, text($2)) }
    END { printf "{\"from\": %s, \"to\": %s, \"changes\": [%s], \"unit_actions\": [%s], \"stays\": [%s], \"cannot_be_undone\": [%s]}\n", from, to, changes, actions, stays, said }'
}

generation_line() { # N: NUMBER US DIGEST US TIME US WHO US SUMMARY US CURRENT US PINNED US COMMIT US TOOL US MISSING...
  gl_dir=$GENERATIONS/$1
  gl_current=
  [ "$1" != "$(current_generation)" ] || gl_current=1
  gl_pinned=
  [ ! -e "$gl_dir/pinned" ] || gl_pinned=1
  printf '%s' "$1"
  for gl_text in "$(first_line "$gl_dir/digest")" "$(first_line "$gl_dir/time")" "$(first_line "$gl_dir/who")" \
    "$(first_line "$gl_dir/summary")" "$gl_current" "$gl_pinned" "$(first_line "$gl_dir/commit")" "$(first_line "$gl_dir/tool")"; do printf '%s%s' "$US" "$gl_text"; done
  lacks "$1" | sed "s/^/$US/" | tr -d '\n'
  printf '\n'
}

list_json() {
  awk -F "$US" "$JSON"'
    { missing = ""; for (i = 10; i <= NF; i++) missing = missing (i > 10 ? ", " : "") text($i)
      all = all (NR > 1 ? ", " : "") "{\"number\": " $1 ", \"digest\": " text($2) ", \"time\": " text($3) ", \"who\": " text($4) ", \"summary\": " text($5) \
        ", \"commit\": " ($8 == "" ? "null" : text($8)) ", \"tool\": " ($9 == "" ? "null" : text($9)) \
        ", \"current\": " ($6 ? "true" : "false") ", \"pinned\": " ($7 ? "true" : "false") ", \"missing\": [" missing "]}" }
    END { printf "[%s]\n", all }'
}

list_text() { # newest first; the current one has a star; a column that would be empty is left out
  sort -rn | awk -F "$US" '
    function wide(at, value) { cell[NR, at] = value; if (length(value) > width[at]) width[at] = length(value) }
    function short(commit,  dirty) { dirty = sub(/-dirty$/, "", commit) ? "-dirty" : ""; return substr(commit, 1, 12) dirty }
    BEGIN { split("  generation,,time,who,commit,version,changes", head, ",") }
    { wide(1, ($6 ? "* " : "  ") $1); wide(2, $7 ? "pinned" : ""); wide(3, $3); wide(4, $4); wide(5, short($8)); wide(6, $9)
      cell[NR, 7] = $5 (NF > 9 ? "; cannot be gone back to: " $10 : "") }
    END {
      if (!NR) { print "No generation yet: nothing was ever applied to this host."; exit }
      for (i = 1; i <= 7; i++) { cell[0, i] = head[i]; if (i < 5 || width[i]) if (length(head[i]) > width[i]) width[i] = length(head[i]) }
      for (r = 0; r <= NR; r++) { line = ""
        for (i = 1; i <= 6; i++) if (width[i] || i < 5) line = line sprintf("%-" (width[i] + 0) "s  ", cell[r, i])
        print line cell[r, 7] }
    }'
}

decoded() { printf '%s' "$1" | base64 -d 2>/dev/null | tr -s '\n' '\n'; }

follow_run() { # reads the records of tx-journal.sh; sets OUTCOME, AT, FAILURE; notes go to $W/notes
  OUTCOME=interrupted AT='' FAILURE=''
  : >"$W/notes"
  while IFS=$US read -r fr_kind fr_a fr_b fr_c; do
    fr_note=
    case $fr_kind in
      step) tell "  $fr_a${fr_b:+ $fr_b}" ;;
      note) fr_note=$fr_a ;;
      idle) fr_note="did not start again with the files of before: $fr_a" ;;
      left) fr_note="could not be undone: $([ "$fr_a" = path ] || printf '%s ' "$fr_a")$fr_b: $fr_c" ;;
      failure) FAILURE="$fr_a${fr_b:+ $fr_b}: $(decoded "$fr_c")" ;;
      locked) FAILURE="$fr_a is at work on this host since ${fr_b:-?}" ;;
      unstaged) OUTCOME=refused FAILURE=$(decoded "$fr_a") ;;
      end) OUTCOME=$fr_a AT=$fr_b ;;
    esac
    [ -z "$fr_note" ] || { printf '%s\n' "$fr_note" >>"$W/notes" && tell "  $fr_note"; }
  done
  printf '%s\n%s\n%s\n' "$OUTCOME" "$AT" "$FAILURE" >"$W/outcome"
}

outcome_text() {
  ot_at='as it was'
  [ -z "$AT" ] || ot_at="at generation $AT"
  case $OUTCOME in
    committed) printf 'Done: the host is %s, which equals generation %s.\n' "$ot_at" "${TO##*/}" ;;
    rolled-back) printf 'It failed:%s\nThe host undid everything and is %s.\n' "${FAILURE:+ $FAILURE}" "$ot_at" ;;
    locked) printf 'Nothing was changed:%s. Try again later, or with --wait SEC.\n' "${FAILURE:+ $FAILURE}" ;;
    undo-failed | interrupted)
      printf 'It was not brought to its end:%s\nWhat is left, and how to end it: citadel-rollback resolve\n' "${FAILURE:+ $FAILURE}"
      ;;
    *) printf 'Nothing was changed:%s\nThe host is %s.\n' "${FAILURE:+ $FAILURE}" "$ot_at" ;;
  esac
}

outcome_json() {
  awk -v word="$OUTCOME" -v at="$AT" "$JSON"'
    FILENAME == ARGV[1] { if (FNR > 2) failure = failure (FNR > 3 ? "\\n" : "") $0; next }
    { notes = notes (FNR > 1 ? ", " : "") text($0) }
    END { printf "{\"word\": %s, \"generation\": %s, \"failure\": %s, \"notes\": [%s]}\n", text(word), orNull(at), text(failure), notes }' \
    "$W/outcome" "$W/notes"
}
