# Receives a transaction and starts it. Standard input: a line with its id, then a tar archive whose last entry is
# "complete". Standard output: the records of tx-journal.sh, or "unstaged WORDS" when nothing was started.
IFS= read -r ID
valid_id "$ID" || exit 64
STAGING=$BASE/staging
DIR=$STAGING/$ID

unstaged() {
  printf 'unstaged%s%s\n' "$US" "$(printf '%s' "$1" | base64 -w0)"
  rm -rf "$DIR.partial" "$DIR"
  exit 0
}

sweep() { # what ended, or was never complete, an hour ago
  find "$STAGING" -mindepth 2 -maxdepth 2 -name outcome -mmin +60 -printf '%h\0' | xargs -0 -r rm -rf --
  find "$STAGING" -mindepth 1 -maxdepth 1 -name '*.partial' -mmin +60 -print0 | xargs -0 -r rm -rf --
}

start() {
  if [ -n "$ROOT" ]; then
    setsid /bin/sh "$DIR/bin/tx.sh" "$ROOT" run "$ID" </dev/null >/dev/null 2>&1 &
    return 0
  fi
  # If the transaction dies or takes too long, ExecStopPost= is the way back; a reboot finds the recovery unit.
  systemd-run --quiet --collect --no-block --unit="citadel-iac-$ID" --service-type=exec \
    --description="citadel-iac transaction" \
    -p RuntimeMaxSec="$(sed -n 's/^deadline=\([0-9]*\)$/\1/p' "$DIR/meta")" -p TimeoutStopSec=900 \
    -p ExecStopPost='-/bin/sh -c "[ ! -e /var/lib/citadel-iac/recover.sh ] || exec /bin/sh /var/lib/citadel-iac/recover.sh \\"\\" recover"' \
    /bin/sh "$DIR/bin/tx.sh" '' run "$ID" 2>&1
}

if [ -e "$DIR" ]; then
  cat >/dev/null
else
  words=$(mkdir -p "$STAGING" 2>&1 && sweep 2>&1 && mkdir "$DIR.partial" 2>&1) || unstaged "$words"
  words=$(tar -xmf - --no-same-owner -C "$DIR.partial" 2>&1) || unstaged "$words"
  [ -e "$DIR.partial/complete" ] || unstaged 'the connection ended before the whole transaction had arrived'
  : >"$DIR.partial/progress"
  mv -T "$DIR.partial" "$DIR" || unstaged 'staging failed'
  words=$(start) || unstaged "$words"
fi
follow "$DIR"
