# Prints the commands that "citadel-iac run" ran on this host, oldest first; writes nothing. Follows common.sh in the same program.
# Standard output: "citadel-runs/1", then for each its name, time, who, account, exit status (empty: it has not ended, or died), how many
# arguments it has with the command itself, and these, then "end"; fields ended by NUL.
line() { # FILE: its first line, as a field; empty when there is none
  l_text=
  [ ! -e "$1" ] || IFS= read -r l_text <"$1" || :
  printf '%s\0' "$l_text"
}

printf 'citadel-runs/1\0'
for r_dir in "$BASE"/runs/[0-9]*; do
  [ -s "$r_dir/command" ] || continue
  printf '%s\0' "${r_dir##*/}"
  line "$r_dir/time"
  line "$r_dir/who"
  line "$r_dir/account"
  line "$r_dir/status"
  printf '%s\0' "$(tr -cd '\0' <"$r_dir/command" | wc -c)"
  cat -- "$r_dir/command"
done
printf 'end\0'
