# Validators: the host's own tools read the host as it will be (tx-candidate.sh), before anything is replaced.
# ops/validate: VALIDATOR PATH [optional], or command PATH WORD... Optional: the path has a validator by itself, none was asked for,
# and a host without the tool goes without. The path may be one that goes: then what included it is read.

tool_of() { # VALIDATOR [WORDS]: the program it needs
  case $1 in
    command) printf '%s\n' "${2%%"$US"*}" ;;
    alertmanager-config) echo amtool ;;
    cron) echo tail ;;
    fstab) echo findmnt ;;
    json) echo jq ;;
    logrotate) echo logrotate ;;
    nftables) echo nft ;;
    prometheus-config | prometheus-rules) echo promtool ;;
    sshd-config) echo sshd ;;
    sudoers) echo visudo ;;
    sysctl) echo sysctl ;;
    systemd-unit) echo systemd-analyze ;;
  esac
}

validate_one() { # VALIDATOR PATH WORDS [TREE]
  case $1 in
    command) judge_command "$2" "$3" "${4-}" ;;
    logrotate) judge_logrotate_alone "$2" ;;
    sshd-config) judge_sshd "$2" ;;
    sysctl) judge_sysctl "$2" ;;
    *) run_tool "$1" "$2" >"$DIR/words.all" 2>&1 </dev/null ;;
  esac
}

run_tool() { # VALIDATOR PATH: the tool's exit status is the verdict
  case $1 in
    alertmanager-config) amtool check-config -- "$2" ;;
    cron) # cron(8) ignores a file whose last line has no newline
      [ -z "$(tail -c 1 -- "$2")" ] || { echo "$2: the last line has no newline, so cron would ignore it"; false; } ;;
    fstab) findmnt --verify --tab-file "$2" ;;
    json) jq empty -- "$2" ;;
    nftables) nft -c -f "$2" ;;
    prometheus-config) promtool check config "$2" ;;
    prometheus-rules) promtool check rules "$2" ;;
    sudoers) visudo -c -f /etc/sudoers && { [ ! -e "$2" ] || visudo -c -f "$2"; } ;;
    *) echo "no validator is called $1"; false ;;
  esac
}

# A drop-in is read with the unit that it belongs to: prints the file for systemd-analyze, or nothing.
unit_file() { # PATH
  case $1 in
    *.d/*.conf)
      uf_name=${1%.d/*}
      uf_name=${uf_name##*/}
      for uf_dir in /etc/systemd/system /run/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
        [ ! -e "$uf_dir/$uf_name" ] || { printf '%s\n' "$uf_dir/$uf_name"; return 0; }
      done
      ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# Inside the candidate: ends at the first refusal, with its path in the file "bad". Units are verified in one call, and logrotate
# reads all of its files in one.
validate_list() { # LIST [TREE]: without a candidate, each file is read where it was staged
  vl_at=${2-}
  JUDGED=
  while IFS=$US read -r vl_kind vl_path vl_rest <&3; do
    case $vl_kind in
      systemd-unit) continue ;;
      logrotate) [ -n "$vl_at" ] || continue ;;
    esac
    if [ ! -e "$vl_at$vl_path" ] && { [ -n "$vl_at" ] || ! reads_without "$vl_kind"; }; then continue; fi
    validate_one "$vl_kind" "$vl_at$vl_path" "$vl_rest" "$vl_at" || { bad "$vl_path"; return 1; }
  done 3<"$1"
  [ -n "$vl_at" ] || { validate_logrotate "$1" && validate_units "$1"; }
}

bad() { printf '%s\n' "$1" >"$DIR/bad"; }

validate_logrotate() { # LIST
  vg_list=$1
  set --
  while IFS=$US read -r vg_kind vg_path _ <&3; do
    [ "$vg_kind" != logrotate ] || set -- "$@" "$vg_path"
  done 3<"$vg_list"
  [ "$#" = 0 ] || judge_logrotate "$@" || { bad "$BAD"; return 1; }
}

validate_units() { # LIST
  vu_list=$1
  set --
  while IFS=$US read -r vu_kind vu_path _ <&3; do
    [ "$vu_kind" = systemd-unit ] || continue
    vu_unit=$(unit_file "$vu_path")
    case $vu_unit in
      '') ;;
      # systemd-analyze(1) takes what follows a colon for another name of the unit.
      *:*) say note "systemd-analyze cannot check a unit with a colon in its name: $vu_unit" ;;
      # An empty file, and a link to /dev/null, mask a unit.
      *) [ ! -s "$vu_unit" ] || set -- "$@" "$vu_unit" ;;
    esac
  done 3<"$vu_list"
  [ "$#" -gt 0 ] || return 0
  judge_units staged "$@" && return 0
  for vu_path in "$@"; do
    judge_units staged "$vu_path" || { bad "$vu_path"; return 1; }
  done
  # Only together do they not stand: name the first, show all words.
  bad "$1"
  judge_units staged "$@"
}

# Whether the tool reads more than the one file, so that a path that goes matters to it.
reads_without() { # VALIDATOR
  case $1 in sshd-config | sudoers) ;; *) false ;; esac
}

# Whether what a file speaks of comes with this very transaction: programs that units start, accounts of rotated files.
speaks_of_new() { # VALIDATOR
  case $1 in
    systemd-unit) [ -s "$DIR/ops/packages-install" ] ;;
    command | logrotate) [ -s "$DIR/ops/packages-install" ] || [ -s "$DIR/ops/users" ] || [ -s "$DIR/ops/groups" ] ;;
    *) false ;;
  esac
}

sort_validators() { # LIST WHEN: into "now", and "later": what needs the packages and accounts of this transaction
  true >"$DIR/validate.now" && true >"$DIR/validate.later" || return 1
  while IFS=$US read -r sv_kind sv_path sv_optional; do
    if command -v "$(tool_of "$sv_kind" "$sv_optional")" >/dev/null; then
      sv_to=now
      [ "$2" = late ] || ! speaks_of_new "$sv_kind" || sv_to=later
    elif [ "$2" = late ] && [ -n "$sv_optional" ]; then
      continue
    else
      sv_to=later
    fi
    printf '%s%s%s%s%s\n' "$sv_kind" "$US" "$sv_path" "$US" "$sv_optional" >>"$DIR/validate.$sv_to"
  done <"$1"
}

validate() { # early|late|mounted: late runs after packages and accounts, when every tool must be there
  on_host && [ -s "$DIR/ops/validate" ] || return 0
  case $1 in
    early)
      say step validate "$(wc -l <"$DIR/ops/validate")"
      rm -f "$DIR/validate.mounts" "$DIR/validate.warnings"
      sort_validators "$DIR/ops/validate" early || return 1
      ;;
    late)
      [ -s "$DIR/validate.later" ] || return 0
      cp "$DIR/validate.later" "$DIR/validate.wanted" && sort_validators "$DIR/validate.wanted" late || return 1
      if [ -s "$DIR/validate.later" ]; then
        IFS=$US read -r va_kind ITEM va_rest <"$DIR/validate.later"
        printf 'the host has no %s to check this file with: add the package that brings it\n' "$(tool_of "$va_kind" "$va_rest")" >"$DIR/words"
        return 1
      fi
      ;;
    mounted)
      validate_mounted
      return
      ;;
  esac
  va_list=$DIR/validate.now
  [ -s "$va_list" ] || return 0
  logrotate_before "$va_list" && build_candidate || return 1
  unshare -m --propagation private /bin/sh "$DIR/bin/tx.sh" "$ROOT" candidate "$DIR" "$va_list"
  va_status=$?
  rm -rf "$CANDIDATE"
  rmdir "$CANDIDATE_ROOT"
  if [ "$va_status" -eq 0 ]; then
    show_warnings
    return 0
  fi
  show_words
  ITEM=$(cat "$DIR/bad" 2>/dev/null)
  return 1
}

# Units whose program lies on a disk of this transaction: now it must be there. All else is in place and was judged.
validate_mounted() {
  [ -s "$DIR/validate.mounts" ] || return 0
  sort -u "$DIR/validate.mounts" >"$DIR/validate.now"
  while IFS= read -r vm_unit <&3; do
    judge_units mounted "$vm_unit" || { show_words; ITEM=$vm_unit; return 1; }
  done 3<"$DIR/validate.now"
}

show_words() { # some tools end their lines as terminals want them
  tr -d '\r' <"$DIR/words.all" >"$DIR/words"
}

show_warnings() { # once each, whatever number of calls said them
  [ -s "$DIR/validate.warnings" ] || return 0
  sort -u "$DIR/validate.warnings" | tr -d '\r' | while IFS= read -r sw_line; do say note "$sw_line"; done
  rm -f "$DIR/validate.warnings"
}
