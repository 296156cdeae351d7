# What the messages of the other tools mean. For logrotate and sysctl the exit status is not the verdict: both succeed with lines
# that they skip. Messages that count stand in $DIR/words.all.

# Prints what logrotate passes over. Of the whole configuration: two files may name one log, and the one that is read last
# is skipped, which need not be ours.
logrotate_faults() { # FILE
  logrotate -d -s /dev/null -- "$1" >"$DIR/words.logrotate" 2>&1 </dev/null
  lf_status=$?
  grep -e '^error: ' -e ' unknown option ' "$DIR/words.logrotate"
  return "$lf_status"
}

logrotate_before() { # LIST: what is wrong on the live host is not for this transaction to refuse
  true >"$DIR/validate.logrotate"
  ! grep -q "^logrotate$US" "$1" || logrotate_faults /etc/logrotate.conf >"$DIR/validate.logrotate" || return 0
}

# shellcheck disable=SC2016 # awk's own variables
NEW_FAULTS='
  FILENAME == names { ours[$0] = 1; next }
  FILENAME == before { known[$0] = 1; next }
  {
    for (name in ours)
      if (index($0, " " name ":") || index($0, "/" name ":") || index($0, " " name " because ") || index($0, " file " name ",")) { print; next }
    if (!($0 in known)) print
  }'

judge_logrotate() { # PATH...: all in one reading; sets BAD to the one that is refused
  logrotate_faults /etc/logrotate.conf >"$DIR/words.faults"
  printf '%s\n' "$@" | sed 's|.*/||' >"$DIR/words.names"
  awk -v names="$DIR/words.names" -v before="$DIR/validate.logrotate" "$NEW_FAULTS" \
    "$DIR/words.names" "$DIR/validate.logrotate" "$DIR/words.faults" >"$DIR/words.all"
  if [ -s "$DIR/words.all" ]; then
    sed -n 's/.* \(for\|of\) \(\/[^ ]*\).*/\2/p' "$DIR/words.all" >"$DIR/words.logs"
    BAD=$1
    for jl_path in "$@"; do
      [ -e "$jl_path" ] || continue
      if grep -qF -e "${jl_path##*/}:" -e "${jl_path##*/} because" "$DIR/words.all" || grep -qF -f "$DIR/words.logs" -- "$jl_path"; then
        BAD=$jl_path
        break
      fi
    done
    return 1
  fi
  mv "$DIR/words.logrotate" "$DIR/words.read"
  for jl_path in "$@"; do
    if [ ! -e "$jl_path" ] || grep -qxF -e "reading config file $jl_path" -e "reading config file ${jl_path##*/}" "$DIR/words.read"; then continue; fi
    judge_logrotate_alone "$jl_path" || { BAD=$jl_path; return 1; }
  done
}

judge_logrotate_alone() { # FILE: the configuration does not include it, or cannot be seen whole
  if logrotate_faults "$1" >"$DIR/words.all" && [ ! -s "$DIR/words.all" ]; then return 0; fi
  [ -s "$DIR/words.all" ] || cp "$DIR/words.logrotate" "$DIR/words.all"
  return 1
}

# sysctl.d(5): a line that begins with "-" may fail, or excludes a key. A key may be one of a module that is loaded at boot.
judge_sysctl() { # FILE
  js_status=0
  sed 's/^[[:blank:]]*-.*//' "$1" | sysctl --dry-run -p - >"$DIR/words.sysctl" 2>&1 || js_status=1
  grep '^sysctl: ' "$DIR/words.sysctl" >"$DIR/words.all"
  if [ ! -s "$DIR/words.all" ]; then
    [ "$js_status" = 0 ] || cp "$DIR/words.sysctl" "$DIR/words.all"
    return "$js_status"
  fi
  js_modules=$(modules_to_come)
  [ -n "$js_modules" ] && ! grep -qv '^sysctl: cannot stat .*: No such file or directory$' "$DIR/words.all" || return 1
  sed "s|\$| (a module that is loaded at boot may bring it: $js_modules)|" "$DIR/words.all" >>"$DIR/validate.warnings"
}

modules_to_come() { # those that are configured and not there now, on one line
  cat /etc/modules /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf /usr/local/lib/modules-load.d/*.conf 2>/dev/null |
    sed -n 's/^[[:blank:]]*\([A-Za-z0-9_-]\{1,\}\)[[:blank:]]*$/\1/p' | tr - _ | sort -u | while IFS= read -r mt_module; do
    [ -e "/sys/module/$mt_module" ] || printf ' %s' "$mt_module"
  done | sed 's/^ //'
}

# sshd reads what follows a "Match" as part of it, to the next "Match" or the end of the file: sshd -t has nothing against it.
# shellcheck disable=SC2016 # awk's own variables
MATCHED_BLOCK='
  /^# BEGIN citadel-iac / { inside = 1; fresh = 1; name = substr($0, 21); next }
  /^# END citadel-iac / { inside = 0; next }
  /^[ \t\r]*(#|$)/ { next }
  {
    line = $0
    sub(/^[ \t]+/, "", line)
    split(tolower(line), word, /[ \t\r="]+/)
    if (word[1] == "match") { within = word[2] == "all" ? "" : line; owner = inside ? name : ""; fresh = 0; next }
    if (within == "") { fresh = 0; next }
    if (inside && fresh) {
      print "line " NR ": the block \"" name "\" stands below \"" within "\" and would hold for that alone. " \
        "Put its lines into a file of their own: /etc/ssh/sshd_config.d/NAME.conf"
      exit 1
    }
    if (!inside && owner != "") {
      print "line " NR ": what follows the block \"" owner "\" would belong to its \"" within "\". " \
        "Put the block into a file of its own, /etc/ssh/sshd_config.d/NAME.conf, or end it with \"Match all\""
      exit 1
    }
  }'

judge_sshd() { # FILE, which may be gone
  mkdir -p /run/sshd && sshd -t >"$DIR/words.all" 2>&1 </dev/null || return 1
  [ ! -f "$1" ] || awk "$MATCHED_BLOCK" "$1" >"$DIR/words.all" 2>&1
}
