# Prints what a host remembers of its generations; writes nothing. Follows common.sh in the same program.
#
# Standard input: one line, "list" or "manifest N" (N a number, or "current").
# Standard output of "list": "citadel-history/4", the name of the current generation (or nothing), then for each
# generation its name, digest, time, who, summary, commit, tool and 1 if it is pinned (else 0), then "end"; fields ended by NUL.
# Of "manifest": its JSON.
GENERATIONS=$BASE/generations

line() { # FILE: its first line, as a field; empty when there is none
  li_text=
  if [ -e "$1" ]; then li_text=$(head -n 1 -- "$1") || exit 1; fi
  printf '%s\0' "$li_text"
}

IFS=' ' read -r h_what h_name
if [ -d "$BASE" ] && [ ! -x "$BASE" ]; then
  printf '%s: Permission denied\n' "$BASE" >&2
  exit 1
fi
h_current=
if [ -L "$BASE/current" ]; then h_current=$(readlink -- "$BASE/current"); fi
h_current=${h_current##*/}

case $h_what in
  list)
    printf '%s\0' citadel-history/4 "$h_current"
    for h_dir in "$GENERATIONS"/*; do
      [ -d "$h_dir" ] || continue
      printf '%s\0' "${h_dir##*/}"
      line "$h_dir/digest"
      line "$h_dir/time"
      line "$h_dir/who"
      line "$h_dir/summary"
      line "$h_dir/commit"
      line "$h_dir/tool"
      if [ -e "$h_dir/pinned" ]; then printf '1\0'; else printf '0\0'; fi
    done
    printf 'end\0'
    ;;
  manifest)
    if [ "$h_name" = current ]; then h_name=$h_current; fi
    case $h_name in
      '') exit 66 ;;
      *[!0-9]*)
        printf 'not a generation: %s\n' "$h_name" >&2
        exit 64
        ;;
    esac
    h_file=$GENERATIONS/$h_name/manifest.json
    if [ -e "$h_file" ]; then
      cat -- "$h_file"
    elif [ -e "$h_file.gz" ]; then
      gzip -dc -- "$h_file.gz"
    else
      exit 66
    fi
    ;;
  *)
    printf 'unknown request\n' >&2
    exit 64
    ;;
esac
