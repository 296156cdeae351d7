# The record of a host: generations, what is kept of each, and how long.
#
# generations/N: manifest.json (secrets by name only), index.json, digest, time, who, summary, meta, bin/ and secrets/
# (their values), so that the host can go back by itself. Equal files of two generations are one file on the disk; the
# documents of all but the current generation are compressed.

KEEP=20
MAX_AGE_DAYS=365
# Whatever their age: these newest stay.
KEEP_YOUNG=3

last_generation() { # the highest number there is, or nothing
  find "$BASE/generations" -mindepth 1 -maxdepth 1 -name '[0-9]*' -printf '%f\n' 2>/dev/null | sort -n | tail -n 1
}

generation_of() { # ID: the number of the generation that it became, or nothing
  for go_dir in "$BASE"/generations/*; do
    if grep -qsx "id=$1" "$go_dir/meta"; then printf '%s' "${go_dir##*/}"; fi
  done
}

# Renames that end a transaction whose work is done: where one fails once, that is no reason to leave it open.
twice() { "$@" || "$@"; }

point_current() { # NUMBER
  ln -sfn "generations/$1" "$BASE/current.new" && mv -T "$BASE/current.new" "$BASE/current" && sync -f "$BASE"
}

prepare_record() { # what a commit will need, so that it has nothing to do but to rename
  mkdir -p "$BASE/generations" && date -u +%Y-%m-%dT%H:%M:%SZ >"$DIR/time" || return 1
  # The key of the digests that stand for secrets in diffs: made once, never leaves root's files.
  [ -s "$BASE/key" ] || { head -c 32 /dev/urandom >"$BASE/key.new" && mv -T "$BASE/key.new" "$BASE/key"; } || return 1
  share_with_current bin && share_with_current secrets && prepare_way
} 2>"$DIR/words"

share_with_current() { # FOLDER: what the current generation has byte for byte needs no second place
  for sh_file in "$DIR/$1"/*; do
    sh_old=$BASE/current/$1/${sh_file##*/}
    if [ ! -f "$sh_old" ] || ! cmp -s -- "$sh_old" "$sh_file"; then continue; fi
    # By a new name and a rename: this very program may be read from the old file.
    ln -f -- "$sh_old" "$sh_file.shared" && mv -fT -- "$sh_file.shared" "$sh_file" || return 1
  done
}

commit() { # generation N+1 is complete; "current" is the last thing that moves
  # What stays: the document, the way back, the records. Contents that may be secret, and scratch, go.
  # Nor hashes of passwords, which generations of earlier versions have as well.
  rm -rf "$DIR/tree" "$DIR/own" "$DIR/ops/after" "$DIR/undo/accounts" "$BASE"/generations/*/undo/accounts
  drop_held
  leave_way
  install_originals || say note 'not all of what stood here before could be kept: it would be left alone, not put back'
  keep_parents || say note 'directories that were made on the way to files could not be written down, and stay when those go'
  keep_groups_before || say note 'groups that were there before users of their names could not be written down, and go with those'
  keep_block_files || say note 'files that were made for blocks could not be written down, and stay when those go'
  keep_leaving || say note 'who is locked and still has to go could not be written down: delete those users by hand'
  drop_scratch
  rm -f "$DIR/ledger"
  co_next=$(last_generation)
  co_next=$((${co_next:-0} + 1))
  # Whatever the listing missed: a generation is never written over another.
  while exists "$BASE/generations/$co_next"; do co_next=$((co_next + 1)); done
  if ! twice mv -T "$DIR" "$BASE/generations/$co_next"; then
    say note 'the change is complete but could not be recorded as a generation: the next apply does that'
    finish undo-failed
    return 1
  fi
  DIR=$BASE/generations/$co_next
  if ! twice point_current "$co_next"; then
    # The one before stays current: nothing of it may be compressed or pruned, or no one could read the host.
    say note 'the change is complete but could not be made the current generation: the next apply does that'
    finish undo-failed
    return 1
  fi
  prune_generations "$co_next"
  prune_kept "$co_next"
  close_transaction
  finish committed
}

# The newest so many stay if they are not too old, the newest few in any case, and those that hold a file "pinned".
prune_generations() { # CURRENT
  pg_keep=$(meta keep)
  pg_days=$(meta max_age_days)
  pg_oldest=$(date -u -d "${pg_days:-$MAX_AGE_DAYS} days ago" +%Y%m%d)
  # Older than any there is: nothing goes by its age.
  knows_the_time "$1" || pg_oldest=0
  for pg_old in "$BASE"/generations/*; do
    case ${pg_old##*/} in '' | *[!0-9]* | "$1") continue ;; esac
    if [ -e "$pg_old/pinned" ]; then
      compress_documents "$pg_old"
    elif [ "${pg_old##*/}" -le $(($1 - ${pg_keep:-$KEEP})) ]; then
      rm -rf "$pg_old"
    elif [ "${pg_old##*/}" -le $(($1 - KEEP_YOUNG)) ] && is_older "$pg_old" "$pg_oldest"; then
      rm -rf "$pg_old"
    else
      compress_documents "$pg_old"
    fi
  done
}

# Copies that an undo did not put back stay as long as a generation may.
prune_kept() { # CURRENT
  knows_the_time "$1" || return 0
  pk_days=$(meta max_age_days)
  for pk_folder in kept accepted; do
    [ ! -d "$BASE/$pk_folder" ] || find "$BASE/$pk_folder" -mindepth 1 -maxdepth 1 -mtime "+${pk_days:-$MAX_AGE_DAYS}" -exec rm -rf {} +
  done
}

is_older() { # GENERATION YYYYMMDD; one without a time is of unknown age
  io_day=$(day_of "$1") && [ "$io_day" -lt "$2" ]
}

day_of() { # GENERATION: YYYYMMDD
  [ -s "$1/time" ] && IFS=-T read -r do_year do_month do_day _ <"$1/time" || return 1
  case $do_year$do_month$do_day in
    [0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]) printf '%s' "$do_year$do_month$do_day" ;;
    *) return 1 ;;
  esac
}

# What goes by its age is gone for good, so the clock must be set by a time server and fit the records: not before the newest
# generation, nor more than so many days after it.
CLOCK_DAYS=60
knows_the_time() { # CURRENT: the generation that is being made, whose time is of the same clock
  if on_host && [ "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)" != yes ]; then return 1; fi
  kt_newest=0
  for kt_dir in "$BASE"/generations/*; do
    if [ "${kt_dir##*/}" = "$1" ]; then continue; fi
    kt_day=$(day_of "$kt_dir") || continue
    [ "$kt_day" -le "$kt_newest" ] || kt_newest=$kt_day
  done
  [ "$kt_newest" != 0 ] || return 1
  kt_last=$(date -u -d "$kt_newest $CLOCK_DAYS days" +%Y%m%d 2>/dev/null) || return 1
  kt_today=$(date -u +%Y%m%d)
  [ "$kt_today" -ge "$kt_newest" ] && [ "$kt_today" -le "$kt_last" ]
}

compress_documents() { # GENERATION: a reader takes the plain file where there are both
  for cd_file in manifest.json index.json; do
    [ ! -e "$1/$cd_file" ] || gzip -nqf -- "$1/$cd_file" 2>/dev/null || return 0
  done
}
