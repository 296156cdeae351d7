# What was broken before a change is no reason to refuse it. Checks that the change does not concern (ops/checks-before:
# their names) are asked once before the switch, all at the same time and for two seconds at most; one that fails then
# fails the transaction no more. Whether one that takes longer held is not known, so it counts as ever.

ask_checks_before() {
  on_host && [ -s "$DIR/ops/checks-before" ] && [ -s "$DIR/ops/checks" ] || return 0
  mkdir -p "$DIR/checks-before" || return 1
  cb_asked=0
  while IFS= read -r cb_line <&3; do
    cb_old=$IFS
    IFS=$US
    set -f
    # shellcheck disable=SC2086 # split at US, on purpose
    set -- $cb_line
    IFS=$cb_old
    set +f
    grep -qxF -- "$2" "$DIR/ops/checks-before" || continue
    cb_asked=$((cb_asked + 1))
    mkdir "$DIR/checks-before/$cb_asked" && printf '%s\n' "$2" >"$DIR/checks-before/$cb_asked/name" || return 1
    without_locks ask_before "$DIR/checks-before/$cb_asked" "$@" 3<&- &
  done 3<"$DIR/ops/checks"
  cb_left=20
  while [ "$cb_left" -gt 0 ] && [ "$(find "$DIR/checks-before" -name ended | wc -l)" -lt "$cb_asked" ]; do
    sleep 0.1
    cb_left=$((cb_left - 1))
  done
  for cb_dir in "$DIR/checks-before"/*; do
    [ "$(cat "$cb_dir/ended" 2>/dev/null)" = failed ] || continue
    cat "$cb_dir/name" >>"$DIR/checks-failed"
    say note "check $(cat "$cb_dir/name") fails already, before this change: $(tail -n 1 "$cb_dir/words" 2>/dev/null | tr -d '\000-\037\177')"
  done
  return 0
}

ask_before() { # FOLDER KIND NAME WAVE TIMEOUT ARGUMENT...: a process of its own
  ab_kind=$2
  DIR=$1
  shift 5
  CHECK_LEFT=2
  : >"$DIR/words"
  if check_once "$ab_kind" "$@"; then printf 'held\n'; else printf 'failed\n'; fi >"$DIR/ended.new"
  mv -T "$DIR/ended.new" "$DIR/ended"
} 2>/dev/null

failed_before() { grep -qsxF -- "$1" "$DIR/checks-failed"; } # CHECK
