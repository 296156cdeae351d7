# Says how far a host is with weights that it fetches by itself; writes nothing. Follows common.sh.
#
# Standard input: names of models, a line each. Standard output: "citadel-fetched/1", then for each of them, ended by NUL: name, state of what
# fetches (systemd's ActiveState), 1 if it has ended since the host booted, its result, its status, the last line of its log where it
# failed, and the state of the model's own unit; then "end".
printf 'citadel-fetched/1\0'
while IFS= read -r f_name; do
  f_unit=citadel-weights-$f_name.service
  f_state=$(systemctl show -p ActiveState --value -- "$f_unit")
  f_result=$(systemctl show -p Result --value -- "$f_unit")
  f_ended=1
  [ "$(systemctl show -p ExecMainExitTimestampMonotonic --value -- "$f_unit")" != 0 ] || f_ended=0
  f_said=
  [ "$f_result" = success ] || f_said=$(journalctl -q -b -o cat -n 20 -u "$f_unit" _SYSTEMD_UNIT="$f_unit" </dev/null | tail -n 1)
  printf '%s\0' "$f_name" "$f_state" "$f_ended" "$f_result" "$(systemctl show -p StatusText --value -- "$f_unit")" "$f_said" \
    "$(systemctl show -p ActiveState --value -- "citadel-$f_name.service")"
done
printf 'end\0'
