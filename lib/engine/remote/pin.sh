# Marks a generation as one that is never dropped, or lets it go. Follows common.sh in the same program.
# Standard input: a line "pin N" or "unpin N". Standard output: "ok", or "none" when the host has no such generation.
IFS=' ' read -r p_what p_name
case $p_name in '' | *[!0-9]*) exit 64 ;; esac
p_dir=$BASE/generations/$p_name
[ -d "$p_dir" ] || { printf 'none\n' && exit 0; }
case $p_what in
  pin) : >"$p_dir/pinned" ;;
  unpin) rm -f -- "$p_dir/pinned" ;;
  *) exit 64 ;;
esac || exit 1
# A commit may have dropped it in the meantime.
if [ -d "$p_dir" ]; then printf 'ok\n'; else printf 'none\n'; fi
