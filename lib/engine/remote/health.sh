# Prints what the host's own program says of its health, and ends as it does; 66 where there is no such program.
# Writes nothing. Follows common.sh in the same program; no input.
H_PROGRAM=/usr/local/bin/citadel
[ -x "$H_PROGRAM" ] || exit 66
NO_COLOR=1 "$H_PROGRAM" health 2>&1 </dev/null
