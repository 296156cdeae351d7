# Reads everything a plan needs to know of a host, in one go, and writes nothing.
# Follows common.sh, digests.sh, acls.sh, reboot.sh and observe-before.sh in the same program.
#
# Standard input: one line "citadel-observe 1 DIGEST N N N N N N PACKAGES MOUNTS N N", then eight lists of names, each
# name ended by NUL, each list as long as its N says (bytes): paths, directories, blocks, units, users, groups, paths that
# leave, and those of them that the index does not mark (no N is 0: an older reader on the host asks for neither). Paths
# are relative to the root ("./etc/fstab"). DIGEST is that of the manifest whose index the reader has already, or "-".
# PACKAGES and MOUNTS are 1 or 0. head(1) takes no more than it is told from a pipe, so the lists need no files.
#
# Standard output: fields ended by NUL (no path, name or text below may hold one). Each section is its name, its
# records (a tag, then a fixed number of fields) and "."; the last field is "end". A record "error" WHAT WORDS may
# stand anywhere a tag may. Nothing that fails is passed over in silence: see observe/parse.ts.

IFS=' ' read -r o_name o_version o_digest o_paths o_directories o_blocks o_units o_users o_groups o_packages o_mounts o_before o_unmarked
if [ "$o_name $o_version" != 'citadel-observe 1' ]; then
  printf 'unknown request\n' >&2
  exit 64
fi
exec 3>&1
FILES=1

field() {
  printf '%s\0' "$@"
}

need() { # COMMAND PACKAGE: false, and on record, when the host lacks it
  command -v "$1" >/dev/null 2>&1 || {
    field missing "$1" "$2"
    return 1
  }
}

whole() { # TAG FILE: the text of a small file of ours
  printf '%s\0' "$1"
  w_words=$(cat -- "$2" 2>&1 >&3)
  w_status=$?
  printf '\0'
  [ "$w_status" = 0 ] || field error "$2" "$w_words"
}

debts() { # DIR: what a transaction owed, and what it proved
  if [ -e "$1/ledger" ]; then whole ledger "$1/ledger"; fi
  if [ -e "$1/paid" ]; then whole paid "$1/paid"; fi
}

record() {
  field record
  if [ -r "$ROOT/etc/os-release" ]; then
    field os "$(sed -n 's/^\(ID\|VERSION_ID\)="\{0,1\}\([^"]*\)"\{0,1\}$/\1=\2/p' "$ROOT/etc/os-release")"
  fi
  printf 'reboot\0'
  reboot_facts
  if [ -d "$BASE" ] && [ ! -x "$BASE" ]; then
    field error "$BASE" 'Permission denied'
  fi
  if [ -L "$BASE/current" ]; then
    r_current=$(readlink -- "$BASE/current")
    r_dir=$BASE/generations/${r_current##*/}
    field generation "${r_current##*/}"
    whole digest "$r_dir/digest"
    if [ "$(cat -- "$r_dir/digest" 2>/dev/null)" != "$o_digest" ]; then
      whole index "$r_dir/index.json"
    fi
    # What another version of this tool made is not for everyone to go on from: its version, and that of its document, which is
    # the last member of canonical JSON.
    if [ -e "$r_dir/tool" ]; then whole tool "$r_dir/tool"; fi
    field document "$(tail -c 64 -- "$r_dir/manifest.json" 2>/dev/null | sed -n 's/.*"version":\([0-9]*\)}$/\1/p')"
    debts "$r_dir"
  fi
  if [ -L "$BASE/open" ]; then
    r_open=$(readlink -- "$BASE/open")
    r_dir=$BASE/staging/${r_open##*/}
    r_running=0
    # A shared lock, let go at once: it fails exactly while a transaction holds its own.
    if [ -e "$BASE/lock" ] && need flock util-linux && ! flock --shared --nonblock "$BASE/lock" true; then
      r_running=1
    fi
    field open "${r_open##*/}" "$r_running"
    if [ -e "$BASE/lock" ]; then whole lock "$BASE/lock"; fi
    if [ -e "$r_dir/state" ]; then whole state "$r_dir/state"; fi
    # The lock tells of whoever had it last; these of the transaction itself.
    if [ -e "$r_dir/who" ]; then whole who "$r_dir/who"; fi
    if [ -e "$r_dir/time" ]; then whole time "$r_dir/time"; fi
    if [ -e "$r_dir/asked" ]; then whole asked "$r_dir/asked"; fi
    if [ -e "$r_dir/ends" ]; then whole ends "$r_dir/ends"; fi
    if [ -e "$r_dir/undo/left" ]; then whole left "$r_dir/undo/left"; fi
    debts "$r_dir"
  fi
  if [ -e "$BASE/key" ]; then
    printf 'key\0'
    r_words=$(base64 -w 0 -- "$BASE/key" 2>&1 >&3)
    r_status=$?
    printf '\0'
    [ "$r_status" = 0 ] || field error "$BASE/key" "$r_words"
  fi
  field .
}

# The programs below are given to xargs; "$0" of each is the root prefix and the names of the request are its arguments.

# What stands at each path, without following links; digests of files, also where a directory is wanted; how full a
# directory is that should be none.
# A path that does not exist leaves no record; whatever else find(1) or sha256sum(1) says is an error.
# shellcheck disable=SC2016
LOOK=$FILE_DIGESTS$FILES_WITH_ACL'
words=$({ find "$@" -maxdepth 0 -printf "path\0%y\0%U\0%G\0%u\0%g\0%m\0%s\0%p\0%l\0" 2>&1 >&3; } |
  sed -e "/: No such file or directory\$/d" -e "/: Not a directory\$/d")
[ -z "$words" ] || printf "error\0find\0%s\0" "$words"
words=$(file_digests "$@" 2>&1 >&3)
[ -z "$words" ] || printf "error\0sha256sum\0%s\0" "$words"
[ "$FILES" = 1 ] || exit 0
files_with_acl "$@" | xargs -0 -r printf "acl\0%s\0"
find "$@" -maxdepth 0 -type d -print0 2>/dev/null | xargs -0 -r -n 1 sh -c '\''
  printf "entries\0%s\0%s\0" "$1" "$(find "$1" -mindepth 1 -maxdepth 1 ! -name ".citadel-iac.[0-9a-f]*-[0-9a-f]*" -printf . | head -c 1000 | wc -c)"
'\'' sh
exit 0'

# The same, for an offline root. An absolute link in it leads out of it: what is below such a link is not the root's.
# shellcheck disable=SC2016
INSIDE='
real=$(realpath -- "$0/") || exit 1
if [ "$real" != / ]; then
  printf "%s\0" "$@" | xargs -0 dirname -z -- | sort -z -u | xargs -0 realpath -z -m -- | tr "\0" "\n" |
    while IFS= read -r parent; do
      case $parent/ in "$real"/*) ;; *) printf "outside\0%s\0" "$parent" ;; esac
    done
fi
'
if [ -n "$ROOT" ]; then LOOK=$INSIDE$LOOK; fi

# Whole files that are shared with others.
# shellcheck disable=SC2016
CONTENTS='
for file in "$@"; do
  if [ -f "$file" ] && [ ! -L "$file" ]; then
    if [ -z "$(find "$file" -size -47000000c)" ]; then
      printf "error\0%s\0%s\0" "$file" "it is too large: of files with blocks of ours at most 47 MB are read"
      continue
    fi
    printf "content\0%s\0" "$file"
    words=$(base64 -w 0 -- "$file" 2>&1 >&3)
    status=$?
    printf "\0"
    [ "$status" = 0 ] || printf "error\0%s\0%s\0" "$file" "$words"
  fi
done'

# Whether the links of an offline root enable each unit.
# shellcheck disable=SC2016
ENABLED='
for unit in "$@"; do
  printf "enabled\0%s\0%s\0" "$unit" "$(systemctl --root="$0" is-enabled -- "$unit" 2>/dev/null | head -n 1)"
done'

each() { # BYTES PROGRAM: gives it the next names of the request, from the root
  export FILES
  head -c "$1" | (cd -- "$ROOT/" && xargs -0 -r sh -c "$2" "$ROOT") || field error "$SECTION" 'could not be read to its end'
}

section() { # NAME
  SECTION=$1
  field "$1"
}

account_file() { # NAME
  if [ -e "$ROOT/etc/$1" ]; then whole "$1" "$ROOT/etc/$1"; fi
}

# Entries by name; status 2 of getent(1) says that a name is unknown.
# shellcheck disable=SC2016
NAMED='
getent "$0" "$@"
status=$?
[ "$status" = 0 ] || [ "$status" = 2 ]'

database() { # DATABASE BYTES
  d_words=$(head -c "$2" | xargs -0 -r sh -c "$NAMED" "$1" 2>&1 >&3) || D_WORDS="getent $1: $d_words"
}

# What systemd says of each unit: one paragraph each, in the order of the request. It has no state for a template, only
# whether links start an instance of it.
# shellcheck disable=SC2016
SHOWN='
show() {
  [ "$#" = 0 ] || systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState -p NeedDaemonReload -p SubState -p Result \
    -p Type -p RemainAfterExit -p DropInPaths -- "$@"
}
# Where systemd looks for the files of a unit; as diff/unit-files.ts.
folders="/etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system"
[ -L /lib ] || folders="$folders /lib/systemd/system"
files() {
  found=
  template=$1
  case $1 in *@*.*) template=${1%%@*}@.${1##*.} ;; esac
  for folder in $folders; do
    for file in "$folder/$1" "$folder/$template"; do
      if [ -e "$file" ] || [ -L "$file" ]; then found="$found $file"; fi
      [ "$1" != "$template" ] || break
    done
  done
  [ -z "$found" ] || printf "Files=%s\n" "${found# }"
}
# An inactive unit is soon forgotten by systemd, and with it why it was not started; a job that does not remain active is inactive most
# of the time.
conditions() {
  inactive= loaded= id= job= remains=
  while IFS= read -r line; do
    case $line in
      Id=*) id=${line#*=} ;;
      ActiveState=inactive) inactive=1 ;;
      LoadState=loaded) loaded=1 ;;
      Type=oneshot) job=1 ;;
      RemainAfterExit=yes) remains=1 ;;
      "")
        [ -z "$remains" ] || job=
        if [ "$inactive$loaded$job" = 11 ]; then
          case $(systemd-analyze condition --unit="$id" 2>&1) in *"Conditions failed."*) printf "Conditions=no\n" ;; esac
        fi
        [ -z "$id" ] || files "$id"
        inactive= loaded= id= job= remains=
        ;;
    esac
    printf "%s\n" "$line"
  done
}
shown() {
  [ "$#" != 0 ] || return 0
  text=$(show "$@")
  code=$?
  printf "%s\n\n" "$text" | conditions
  return "$code"
}
set -f
units=
status=0
for unit in "$@"; do
  case $unit in
    *@.*)
      shown $units || status=1
      units=
      file=$(systemctl is-enabled -- "$unit" 2>/dev/null)
      case $file in "" | not-found) load=not-found file= ;; *) load=loaded ;; esac
      printf "\nId=%s\nLoadState=%s\nActiveState=inactive\nUnitFileState=%s\nNeedDaemonReload=no\n\n" "$unit" "$load" "$file"
      ;;
    *) units="$units $unit" ;;
  esac
done
shown $units && [ "$status" = 0 ]'

unit_states() { # BYTES
  need systemctl systemd || {
    head -c "$1" >/dev/null
    return
  }
  if [ -n "$ROOT" ]; then
    each "$1" "$ENABLED"
    return
  fi
  printf 'show\0'
  u_words=$(head -c "$1" | xargs -0 sh -c "$SHOWN" sh 2>&1 >&3)
  u_status=$?
  printf '\0'
  [ "$u_status$u_words" = 0 ] || field error 'systemctl show' "$u_words"
}

field citadel-observe/1 "$(id -u)"
record

section paths
if [ "$o_paths" != 0 ]; then FILES=1 each "$o_paths" "$LOOK"; fi
field .
section directories
if [ "$o_directories" != 0 ]; then FILES=0 each "$o_directories" "$LOOK"; fi
field .
section blocks
if [ "$o_blocks" != 0 ]; then each "$o_blocks" "$CONTENTS"; fi
field .
section units
if [ "$o_units" != 0 ]; then unit_states "$o_units"; fi
field .

# NAME:LOCKED:DAY of each user: of a password no more than whether it is locked.
access_of() { # FILE
  [ -r "$1" ] || return 0
  printf 'access\0'
  awk -F : '$1 != "" { print $1 ":" (substr($2, 1, 1) == "!") ":" $8 }' "$1"
  printf '\0'
}

section accounts
if [ -n "$ROOT" ]; then
  head -c "$((o_users + o_groups))" >/dev/null
  account_file passwd
  account_file group
  access_of "$ROOT/etc/shadow"
elif [ "$((o_users + o_groups))" != 0 ]; then
  D_WORDS=
  printf 'passwd\0'
  database passwd "$o_users"
  printf '\0group\0'
  getent group
  database group "$o_groups"
  printf '\0'
  [ "$o_users" = 0 ] || access_of /etc/shadow
  [ -z "$D_WORDS" ] || field error getent "$D_WORDS"
fi
field .

section packages
if [ "$o_packages" = 1 ] && need dpkg-query dpkg; then
  printf 'status\0'
  # shellcheck disable=SC2016
  p_words=$(dpkg-query -W -f '${Package}\t${Architecture}\t${db:Status-Status}\t${Version}\t${db:Status-Want}\t${db:Status-Eflag}\n' 2>&1 >&3)
  p_status=$?
  printf '\0'
  [ "$p_status" = 0 ] || field error dpkg-query "$p_words"
fi
field .

section mounts
if [ "$o_mounts" = 1 ] && need findmnt util-linux; then
  printf 'findmnt\0'
  m_words=$(findmnt --json --list --kernel -o TARGET,SOURCE,FSTYPE,OPTIONS,LABEL,UUID,PARTLABEL,PARTUUID,FSROOT 2>&1 >&3)
  m_status=$?
  printf '\0'
  [ "$m_status" = 0 ] || field error findmnt "$m_words"
fi
field .
if [ "${o_before:-0}" != 0 ]; then
  section before
  before "$o_before" "$o_unmarked"
  field .
fi
field end
