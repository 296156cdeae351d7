# Ends what a dead transaction left open, so that the next plan sees a host at one generation. Standard output: "recovered",
# or "running" while a transaction is at work, or "undo-failed". Standard input is not read.
[ -L "$BASE/open" ] || { printf 'recovered\n' && exit 0; }
re_open=$(readlink "$BASE/open")
re_script=$BASE/$re_open/bin/tx.sh
# The last steps of a commit: its folder has moved to its generation.
[ -e "$re_script" ] || re_script=$BASE/recover.sh
if [ ! -e "$re_script" ]; then
  for re_script in "$BASE"/generations/*/bin/tx.sh; do :; done
fi
if ! flock -n "$BASE/lock" true; then
  printf 'running\n'
else
  /bin/sh "$re_script" "$ROOT" recover </dev/null >/dev/null 2>&1
  case $? in
    0) printf 'recovered\n' ;;
    # Since we looked.
    75) printf 'running\n' ;;
    *) printf 'undo-failed\n' ;;
  esac
fi
