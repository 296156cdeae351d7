# Runs the host's own program that brings back what is kept off-site. Follows common.sh; no input.
#
# Standard output: lines for people as they come, then "citadel-data/1 STATUS", then what the program printed.
# Exit status 66 where the host has no such program.
D_PROGRAM=/usr/local/sbin/citadel-offsite
[ -x "$D_PROGRAM" ] || exit 66
d_result=$(mktemp) || exit 1
trap 'rm -f -- "$d_result"' EXIT
"$D_PROGRAM" restore --if-new 2>&1 >"$d_result" </dev/null
d_status=$?
printf 'citadel-data/1 %s\n' "$d_status"
cat -- "$d_result"
