# What systemd-analyze's messages mean. Its exit status is not the verdict: it fails for what still works.

# LINES of $DIR/words.all about units, sorted: class, unit and message. Only what concerns the named units counts.
#   refuse   it would not load, or would not do what it says
#   missing  a program is not there; the fourth field is its path
#   warn     it works, and its author should know
# shellcheck disable=SC2016 # awk's own variables
UNIT_MESSAGES='
  function base(path) { sub(/^.*\//, "", path); return path }
  # Of a template and its instances, the template.
  function plain(name) { sub(/@[^@]*\./, "@.", name); return name }
  FILENAME == names { ours[plain($0)] = 1; next }
  /Proceeding anyway/ { next }
  {
    unit = ""
    text = $0
    if (match($0, /^\/[^ ]*:[0-9]+: /)) {
      unit = substr($0, 1, RLENGTH - 2)
      sub(/:[0-9]+$/, "", unit)
      if (unit ~ /\.d\/[^\/]*\.conf$/) sub(/\.d\/[^\/]*$/, "", unit)
      unit = base(unit)
    } else if (match($0, /^[^ \/]+\.[a-z]+: /)) {
      unit = substr($0, 1, RLENGTH - 2)
    } else if (match($0, /^Unit [^ ]+ /)) {
      unit = substr($0, 6, RLENGTH - 6)
    }
    if (unit != "" && !(plain(unit) in ours)) next
    if (text ~ /obsolete|deprecated|[Pp]lease use [^ ]+ instead|is unsafe|will be removed|has been removed|and it is ignored/) print "warn" s unit s text
    else if (match(text, /Command .* is not executable: No such file or directory/)) {
      program = substr(text, RSTART + 8, RLENGTH - 8)
      sub(/ is not executable: No such file or directory$/, "", program)
      print "missing" s unit s text s program
    } else print "refuse" s unit s text
  }'

judge_units() { # WHEN UNIT-FILE...: in one call; WHEN is "mounted" once the mounts of this transaction are there
  ju_when=$1
  shift
  ju_status=0
  systemd-analyze verify --man=no --recursive-errors=no "$@" >"$DIR/words.all" 2>&1 </dev/null || ju_status=1
  if [ "$ju_status" = 1 ] && grep -q "unrecognized option '--recursive-errors" "$DIR/words.all"; then
    # systemd before 250. It does not count lines that it ignores.
    ju_status=0
    systemd-analyze verify --man=no "$@" >"$DIR/words.all" 2>&1 </dev/null || ju_status=1
  elif [ "$ju_status" = 0 ]; then
    return 0
  fi
  printf '%s\n' "$@" | sed 's|.*/||' >"$DIR/words.units"
  awk -v s="$US" -v names="$DIR/words.units" "$UNIT_MESSAGES" "$DIR/words.units" "$DIR/words.all" | sort -u >"$DIR/words.judged"
  # A failure without a reason is one.
  [ "$ju_status" = 0 ] || [ -s "$DIR/words.judged" ] || return 1
  ju_bad=
  while IFS=$US read -r ju_class ju_unit ju_text ju_program <&4; do
    case $ju_class in
      warn) ;;
      missing) may_come_later "$ju_when" "$ju_unit" "$ju_program" "$@" || ju_bad=1 ;;
      *) ju_bad=1 ;;
    esac
  done 4<"$DIR/words.judged"
  if [ -n "$ju_bad" ]; then
    ! grep -q "^missing${US}" "$DIR/words.judged" || cat >>"$DIR/words.all" <<'ADVICE'
If the program comes later than this apply, say so in the unit: ConditionPathExists= with its path.
ADVICE
    return 1
  fi
  [ "$ju_when" = mounted ] || sed -n "s/^warn${US}[^$US]*${US}//p" "$DIR/words.judged" >>"$DIR/validate.warnings"
}

# A program that is not there yet is no mistake where the unit says that it looks elsewhere or waits, or where a mount of
# this transaction brings it: then the unit is judged again after the mounts.
may_come_later() { # WHEN UNIT PROGRAM UNIT-FILE...
  mc_when=$1 mc_unit=$2 mc_program=$3
  shift 3
  if [ "$mc_when" != mounted ] && below_mount "$mc_program"; then
    printf '%s\n' "$@" >>"$DIR/validate.mounts"
    return 0
  fi
  mc_why=
  case $mc_program in /run/* | /var/run/*) mc_why="what is in /run is made at each boot" ;; esac
  mc_mount=$(mount_unit_above "$mc_program")
  [ -z "$mc_mount" ] || mc_why="$mc_mount mounts what it lies on"
  unit_text "$mc_unit" "$@" >"$DIR/words.unit"
  for mc_key in RootDirectory RootImage ExecSearchPath; do
    ! grep -q "^[[:blank:]]*${mc_key}[[:blank:]]*=[[:blank:]]*[^[:blank:]]" "$DIR/words.unit" || mc_why="the unit has $mc_key="
  done
  while IFS= read -r mc_path <&5; do
    case $mc_path in /*) [ -e "$mc_path" ] || mc_why="the unit waits for $mc_path" ;; esac
  done 5<<CONDITIONS
$(sed -n 's/^[[:blank:]]*Condition\(PathExists\|PathIsDirectory\|PathIsMountPoint\|FileIsExecutable\|FileNotEmpty\|DirectoryNotEmpty\)[[:blank:]]*=[[:blank:]]*\(\/.*[^[:blank:]]\)[[:blank:]]*$/\2/p' "$DIR/words.unit")
CONDITIONS
  [ -n "$mc_why" ] || return 1
  [ "$mc_when" = mounted ] || printf '%s: %s is not there now (%s)\n' "$mc_unit" "$mc_program" "$mc_why" >>"$DIR/validate.warnings"
}

below_mount() { # PATH: whether it lies on what this transaction mounts
  while IFS= read -r bm_mount <&5; do
    case $1 in "$bm_mount"/*) return 0 ;; esac
  done 5<"$DIR/ops/mounts"
  return 1
}

mount_unit_above() { # PATH: a mount unit that is not active, a line of /etc/fstab among them, below whose place it lies
  for mu_file in /etc/systemd/system/*.mount /run/systemd/system/*.mount /run/systemd/generator/*.mount \
    /usr/local/lib/systemd/system/*.mount /usr/lib/systemd/system/*.mount; do
    [ -f "$mu_file" ] || continue
    mu_where=$(sed -n 's/^[[:blank:]]*Where[[:blank:]]*=[[:blank:]]*\(\/[^[:blank:]]*\)[[:blank:]]*$/\1/p' "$mu_file" | tail -n 1)
    case $1 in
      "${mu_where:-/nowhere}"/*) mountpoint -q -- "$mu_where" || { printf '%s' "${mu_file##*/}" && return; } ;;
    esac
  done
}

unit_text() { # UNIT UNIT-FILE...: what systemd reads of it, or of its template
  ut_unit=$1
  case $ut_unit in *@*.*) ut_unit=${ut_unit%%@*}@.${ut_unit##*.} ;; esac
  shift
  for ut_file in "$@"; do
    case $ut_file in */"$ut_unit") [ ! -f "$ut_file" ] || cat -- "$ut_file" ;; esac
  done
  for ut_dir in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    for ut_file in "$ut_dir/$ut_unit" "$ut_dir/$ut_unit".d/*.conf; do
      [ ! -f "$ut_file" ] || cat -- "$ut_file"
    done
  done
}
