# Part of citadel-offsite, which reads it: brings back what a new machine lacks.
#
#   citadel-offsite restore             data of services in the place of what is there, and paths that are not there
#   citadel-offsite restore --if-new    the same; nothing on a host that has kept or restored something before
#
# Standard output, fields with a tab between them, for people and for citadel-iac:
#   already                             the host is not new
#   restored PATH BYTES TIME            TIME: when the snapshot was made, Unix time
#   damaged PATH BYTES TIME PART...     the same, without the parts that the store no longer has whole
#   lost PATH WHY                       nothing of it came back; what is there stays
#   kept PATH                           it is there, and was not touched
#   end
# shellcheck shell=sh disable=SC2154 # root, state, host and scratch are citadel-offsite's

tab=$(printf '\t')

say() {
  printf 'citadel-offsite: %s\n' "$1" >&2
}

# newest TAG: sets snapshot and made (Unix time); both empty where this host has no snapshot of the tag.
newest() {
  run_restic snapshots --host "$host" --tag "$1" --json >"$scratch/snapshots" 2>"$scratch/said" ||
    fail "the repository cannot be opened: $(tail -n 3 "$scratch/said")"
  snapshot='' made=
  grep -o '"time":"[^"]*"\|"short_id":"[^"]*"' "$scratch/snapshots" | cut -d '"' -f 4 | paste - - >"$scratch/list" || :
  while read -r time id; do
    time=$(date -d "$time" +%s)
    if [ -z "$made" ] || [ "$time" -ge "$made" ]; then made=$time snapshot=$id; fi
  done <"$scratch/list"
}

# fetch PATH FOLDER: of the snapshot, below the folder. What is not whole is removed there, and listed by its path in $scratch/bad.
# Fails where nothing of the snapshot can be read.
fetch() {
  pattern=$(printf '%s\n' "$1" | sed 's/[][\\*?]/\\&/g')
  : >"$scratch/bad"
  run_restic restore "$snapshot" --target "$2" --include "$pattern" >/dev/null 2>"$scratch/said" && return 0
  sed -n 's/^ignoring error for //p' "$scratch/said" >"$scratch/errors"
  [ -s "$scratch/errors" ] || return 1
  while IFS= read -r error; do
    # "PATH: why", where a path may have ": " too: the shortest that is there.
    path='' rest=$error
    while :; do
      path=$path${rest%%: *}
      case $rest in *': '*) rest=${rest#*: } ;; *) rest= ;; esac
      if [ -z "$rest" ] || [ -e "$2$path" ]; then break; fi
      path="$path: "
    done
    [ -e "$2$path" ] || path=${error%%: *}
    [ -d "$2$path" ] || rm -f -- "$2$path"
    printf '%s\n' "$path"
  done <"$scratch/errors" | sort -u >"$scratch/bad"
}

# result PATH FOLDER: what came back; parts that did not are in $scratch/parts.
result() {
  bytes=$(du -sb -- "$2" | cut -f 1)
  if [ -s "$scratch/parts" ]; then
    damaged=1
    printf 'damaged\t%s\t%s\t%s\t%s\n' "$1" "$bytes" "$made" "$(paste -s - <"$scratch/parts")"
  else
    printf 'restored\t%s\t%s\t%s\n' "$1" "$bytes" "$made"
  fi
}

lose() {
  damaged=1
  printf 'lost\t%s\t%s\n' "$1" "$(printf '%s' "$2" | tr '\t\n' '  ')"
}

# come_back PATH COPY: fetches what the snapshot has as COPY, below $aside. Fails where nothing of it comes back, which is said of PATH.
come_back() {
  if ! fetch "$2" "$aside"; then
    lose "$1" "$(tail -n 2 "$scratch/said")"
  elif [ ! -e "$aside$2" ]; then
    lose "$1" "$([ -s "$scratch/bad" ] && echo 'the store no longer has it whole' || echo 'it is not in the snapshot')"
  else
    return 0
  fi
  return 1
}

# A service that has its data open does not see them replaced; it is started again at the end.
close_service() {
  if [ -z "$root" ] && systemctl --quiet is-active "$1"; then
    systemctl stop "$1"
    stopped="$stopped $1"
  fi
}

open_services() {
  for unit in $stopped; do systemctl start "$unit" || say "$unit does not start: journalctl -u $unit"; done
}

# What a service owns is written by its own account: it may have put a link where root would follow.
# shellcheck disable=SC2016 # constant; their arguments are the copy and its place
REPLACE='
set -eu
mkdir -p -- "$2"
find "$2" -mindepth 1 -maxdepth 1 -exec rm -rf -- {} +
find "$1" -mindepth 1 -maxdepth 1 -exec mv -t "$2" -- {} +
'
# shellcheck disable=SC2016 # as above
REPLACE_FILE='
set -eu
rm -f -- "$2-wal" "$2-shm"
mv -f -- "$1" "$2"
'

# A block of samples is used whole or not at all, and the log of the newest ones up to its first hole: Prometheus starts with nothing else.
sound_blocks() { # FOLDER, PREFIX of paths in $scratch/bad
  : >"$scratch/parts"
  while IFS= read -r path; do
    part=${path#"$2"/}
    case $part in
      wal/checkpoint.*) rm -rf -- "$1/wal/checkpoint."* && echo wal/checkpoint >>"$scratch/parts" ;;
      wal/*)
        for segment in "$1"/wal/[0-9]*; do
          name=${segment##*/}
          # Numbers of one length.
          if [ "$(printf '%s\n%s\n' "${part#wal/}" "$name" | sort | head -n 1)" = "${part#wal/}" ]; then rm -f -- "$segment"; fi
        done
        echo "the log of the newest samples from ${part#wal/} on" >>"$scratch/parts"
        ;;
      */*)
        rm -rf -- "${1:?}/${part%%/*}"
        echo "the block ${part%%/*}" >>"$scratch/parts"
        ;;
    esac
  done <"$scratch/bad"
  # New segments would come before the checkpoint's number.
  set -- "$1" "$1"/wal/[0-9]*
  [ -e "$2" ] || rm -rf -- "$1/wal"
  sort -u -o "$scratch/parts" "$scratch/parts"
}

# restore_state HOW OWNER UNIT PATH
restore_state() {
  how=$1 owner=$2 unit=$3 place=$root$4
  case $how in
    prometheus) copy=$place/snapshots/citadel-offsite ;;
    sqlite) copy=${place%/*}/citadel-offsite.db ;;
    files) copy=$place ;;
  esac
  say "$4: restoring"
  aside=$(mktemp -d "$state/restore.XXXXXX")
  if come_back "$4" "$copy"; then
    case $how in
      prometheus) sound_blocks "$aside$copy" "$copy" ;;
      *) sed "s|^.*/||" "$scratch/bad" >"$scratch/parts" ;;
    esac
    if [ "$how" = sqlite ] && [ "$(sqlite3 -readonly "$aside$copy" 'PRAGMA quick_check' 2>&1)" != ok ]; then
      lose "$4" 'the database that came back is damaged'
    else
      result "$4" "$aside$copy"
      close_service "$unit"
      chmod 0755 "$state"
      chown -R "$owner:$owner" -- "$aside"
      if [ "$how" = sqlite ]; then program=$REPLACE_FILE; else program=$REPLACE; fi
      as "$owner" sh -c "$program" replace "$aside$copy" "$place"
    fi
  fi
  rm -rf -- "$aside"
}

# A path that someone asked to be kept comes back where nothing is; it may be the root of a disk.
restore_path() {
  place=$root$1
  if [ -d "$place" ] && [ -z "$(find "$place" -mindepth 1 ! -name lost+found -print -quit)" ]; then
    folder=$place
  elif [ -e "$place" ]; then
    printf 'kept\t%s\n' "$1"
    return
  else
    folder=${place%/*}
    (umask 022 && mkdir -p -- "$folder")
  fi
  say "$1: restoring"
  aside=$(mktemp -d "$folder/.citadel-restore.XXXXXX")
  if come_back "$1" "$place"; then
    cp -- "$scratch/bad" "$scratch/parts"
    result "$1" "$aside$place"
    if [ -d "$place" ]; then
      find "$aside$place" -mindepth 1 -maxdepth 1 -exec mv -t "$place" -- {} +
    else
      mv -- "$aside$place" "$place"
    fi
  fi
  rm -rf -- "$aside"
}

restore() {
  open_store
  if [ "${1-}" = --if-new ] && { [ -e "$state/begun" ] || [ -e "$state/restored" ]; }; then
    printf 'already\nend\n'
    return
  fi
  begin
  stopped='' damaged=
  trap 'open_services; rm -rf "$scratch"' EXIT
  newest data
  for how in prometheus files sqlite; do
    settings "$how" | while read -r owner unit path; do printf '%s\n' "$how$tab$owner$tab$unit$tab$path"; done
  done >"$scratch/state"
  while IFS=$tab read -r how owner unit path <&8; do
    if [ -n "$snapshot" ]; then restore_state "$how" "$owner" "$unit" "$path"; else lose "$path" 'the store has no snapshot of it'; fi
  done 8<"$scratch/state"
  newest configuration
  settings path | grep -vx /etc >"$scratch/paths" || :
  while IFS= read -r path <&8; do
    if [ -n "$snapshot" ]; then restore_path "$path"; else lose "$path" 'the store has no snapshot of it'; fi
  done 8<"$scratch/paths"
  : >"$state/restored"
  echo end
  [ -z "$damaged" ] || fail 'not all of it came back: look above'
}
