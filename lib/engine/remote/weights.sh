# Runs the host's own program that brings models back. Follows common.sh, and a line that says what to ask of it
# (weights-plan.sh or weights-restore.sh).
#
# Standard input: one line, the type of archives: daily, weekly, monthly or any.
# Standard output: lines of words as they come, then "citadel-weights/1 STATUS", then what the program printed (JSON).
# Exit status 66 where the host has no such program.
W_PROGRAM=/opt/citadel/scripts/backup_manager.py
IFS= read -r w_type
case $w_type in
  any) ;;
  daily | weekly | monthly) set -- "$@" --type "$w_type" ;;
  *) exit 64 ;;
esac
[ -x "$W_PROGRAM" ] || exit 66
w_result=$(mktemp) || exit 1
trap 'rm -f -- "$w_result"' EXIT
"$W_PROGRAM" "$@" 2>&1 >"$w_result" </dev/null
w_status=$?
printf 'citadel-weights/1 %s\n' "$w_status"
cat -- "$w_result"
