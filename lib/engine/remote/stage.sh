# Receives a transaction and starts it. Standard input: a line with its id, then a tar archive whose last entry is
# "complete". Standard output: the records of tx-journal.sh, or "unstaged WORDS" when nothing was started.
IFS= read -r ID
valid_id "$ID" || exit 64
STAGING=$BASE/staging
DIR=$STAGING/$ID

unstaged() { # WORDS: first of all, nothing secret stays
  rm -rf "$DIR.partial" "$DIR"
  cat >/dev/null
  printf 'unstaged%s%s\n' "$US" "$(printf '%s' "$1" | base64 -w0)"
  exit 0
}

# Of those that began and were undone the newest few tell what happened.
KEEP_ENDED=3

kept_ended() { # their folders
  find "$STAGING" -mindepth 2 -maxdepth 2 -name outcome ! -exec grep -qxE 'locked|refused|conflict' {} \; -printf '%T@ %h\n' |
    sort -rn | sed -n "1,${KEEP_ENDED}s/^[^ ]* //p"
}

sweep() { # uploads and transactions that died, and what has ended: whoever lost the connection to it has heard that by then
  sw_open=$(readlink "$BASE/open")
  sw_keep=$(kept_ended)
  for sw_dir in "$STAGING"/*; do
    if [ ! -d "$sw_dir" ] || [ "$sw_dir" = "$BASE/$sw_open" ]; then continue; fi
    if [ -e "$sw_dir/outcome" ]; then
      case $NL$sw_keep$NL in *"$NL$sw_dir$NL"*) continue ;; esac
      [ -n "$(find "$sw_dir/outcome" -mmin +10)" ] || continue
    elif [ -e "$sw_dir/alive" ]; then
      case $sw_dir in
        *.partial) flock -n "$sw_dir/alive" true || continue ;;
        # By one rename, and while it cannot begin: it is there whole, or not at all.
        *) flock -n "$sw_dir/alive" mv -T "$sw_dir" "$sw_dir.partial" || continue ;;
      esac
      sw_dir=${sw_dir%.partial}.partial
    else
      [ -n "$(find "$sw_dir" -maxdepth 0 -mmin +60)" ] || continue
    fi
    rm -rf "$sw_dir"
  done
}

receive() {
  mkdir -p "$STAGING" && sweep && mkdir "$DIR.partial" && true >"$DIR.partial/alive" && true >"$DIR.partial/progress"
}

start() {
  if [ -n "$ROOT" ]; then
    setsid /bin/sh "$DIR/bin/tx.sh" "$ROOT" run "$ID" </dev/null >/dev/null 2>&1 &
    return 0
  fi
  # If the transaction dies or takes too long, ExecStopPost= is the way back, by its own text: where it lies now, or, once its
  # folder has become its generation, as arm_recovery kept it. A reboot finds the recovery unit. Plain words only: a
  # daemon-reload reads them again from a file, and Debian 12's systemd does not quote all it wrote.
  systemd-run --quiet --collect --unit="citadel-iac-$ID" --service-type=exec \
    --description="citadel-iac transaction" \
    -p RuntimeMaxSec="$(sed -n 's/^deadline=\([0-9]*\)$/\1/p' "$DIR/meta")" -p TimeoutStopSec=900 \
    -p ExecStopPost="-/bin/sh $DIR/bin/tx.sh - ended $ID" \
    -p ExecStopPost="-/bin/sh $BASE/recover.sh - ended $ID" \
    /bin/sh "$DIR/bin/tx.sh" - run "$ID" 2>&1
}

if [ -e "$DIR" ]; then
  cat >/dev/null
  open_progress "$DIR" || { printf 'gone\n' && exit 0; }
else
  words=$(receive 2>&1) || unstaged "$words"
  # Until the transaction's own process holds this lock, ours says that the folder is not a leftover.
  exec 8>>"$DIR.partial/alive"
  flock -s 8
  trap 'rm -rf "$DIR.partial"; exit 1' HUP INT TERM
  words=$(tar -xmf - --no-same-owner -C "$DIR.partial" 2>&1) || unstaged "$words"
  [ -e "$DIR.partial/complete" ] || unstaged 'the connection ended before the whole transaction had arrived'
  mv -T "$DIR.partial" "$DIR" || unstaged 'staging failed'
  open_progress "$DIR" || unstaged 'staging failed'
  words=$(start) || unstaged "$words"
  # Soon, usually: a sixth of a second in small steps, then two seconds in longer ones.
  for nap in 0.01 0.02 0.03 0.05 0.05 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1 0.1; do
    if [ -e "$DIR/pid" ] || [ ! -d "$DIR" ]; then break; fi
    sleep "$nap"
  done
  exec 8>&-
fi
follow "$DIR"
