# Validators: the host's own tools read the host as it will be, before anything is replaced.
# ops/validate: VALIDATOR PATH [original]; what is put back from before us needs no tool that the host lacks. The candidate is the staged tree laid over the live directories by read-only overlays in
# a mount namespace that only the validators see; so includes, globs and unit dependencies resolve as they will.

CANDIDATE=/run/citadel-iac-candidate

tool_of() { # VALIDATOR: the program it needs
  case $1 in
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

# Files come all at once, and a process is started only for what is not there: there may be many paths.
# Three layers, from below: the live directories, the staged files, and what is made here: directories, links and the
# marks that hide what goes. Staged files of /var are copied: layers must not lie within one another.
build_candidate() {
  rm -rf "$CANDIDATE" && mkdir -m 0700 "$CANDIDATE" || return 1
  rmdir "$CANDIDATE.base" 2>/dev/null
  if [ -d "$DIR/tree" ]; then
    find "$DIR/tree" -type d -exec chmod 0755 {} + || return 1
    while IFS=$US read -r bc_n _ _ bc_mode <&3; do
      (cd "$DIR/tree" && xargs -0 chmod -- "$bc_mode") <"$DIR/own/$bc_n" || return 1
    done 3<"$DIR/ops/own"
    [ ! -d "$DIR/tree/var" ] || cp -a "$DIR/tree/var" "$CANDIDATE/" || return 1
  fi
  # Mount points are made when they are mounted.
  { candidate_directories && sed "s|^|$CANDIDATE|" "$DIR/ops/mounts"; } | tr '\n' '\0' | (umask 022 && xargs -0 -r mkdir -p --) || return 1
  sed -n "s/^dir$US.*$US//p" "$DIR/ops/paths-a" "$DIR/ops/paths-b" | sort -u | while IFS= read -r bc_mode; do
    sed -n "s/^dir$US\([^$US]*\)$US.*$US$bc_mode\$/.\1/p" "$DIR/ops/paths-a" "$DIR/ops/paths-b" | tr '\n' '\0' |
      (cd "$CANDIDATE" && xargs -0 chmod -- "$bc_mode") || exit 1
  done || return 1
  for bc_phase in a b; do
    each_path "$bc_phase" put_candidate || return 1
  done
} 2>"$DIR/words"

candidate_directories() { # those that are wanted, and those in which links and marks will stand
  cat "$DIR/ops/paths-a" "$DIR/ops/paths-b" | while IFS=$US read -r cd_op cd_path _; do
    case $cd_op in
      dir) printf '%s\n' "$CANDIDATE$cd_path" ;;
      link | original) printf '%s\n' "$CANDIDATE${cd_path%/*}" ;;
      del | rmdir) ! is_hidden "$cd_path" || printf '%s\n' "$CANDIDATE${cd_path%/*}" ;;
    esac
  done
}

is_hidden() { # PATH: of a path that goes, whether it takes a mark to hide it: not where something takes its place
  exists "$1" && [ ! -e "$DIR/tree$1" ] && ! grep -qF -- "$US$1/" "$DIR/ops/paths-a" "$DIR/ops/paths-b"
}

put_candidate() { # OP PATH P1 P2 P3
  case $1 in
    link) ln -sfn -- "$3" "$CANDIDATE$2" ;;
    original) cp -a -- "$ROOT$3" "$CANDIDATE$2" ;;
    # overlayfs: a character device 0/0 in an upper layer hides what lies below it
    del | rmdir) ! is_hidden "$2" || [ ! -d "$CANDIDATE${2%/*}" ] || exists "$CANDIDATE$2" || mknod "$CANDIDATE$2" c 0 0 ;;
  esac
}

# Runs in the private mount namespace. Our own folder stays writable, whatever is laid over it.
lay_candidate() {
  mkdir -m 0700 "$CANDIDATE.base" && mount --bind "$BASE" "$CANDIDATE.base" || return 1
  lc_tree=$CANDIDATE.base/${DIR#"$BASE"/}/tree
  for lc_live in /*; do
    if [ ! -d "$lc_live" ] || [ -L "$lc_live" ]; then continue; fi
    lc_layers=
    [ ! -d "$CANDIDATE$lc_live" ] || lc_layers=$CANDIDATE$lc_live:
    [ "$lc_live" = /var ] || [ ! -d "$lc_tree$lc_live" ] || lc_layers=$lc_layers$lc_tree$lc_live:
    [ -n "$lc_layers" ] || continue
    mount -t overlay citadel-iac-candidate -o "ro,lowerdir=$lc_layers$lc_live" "$lc_live" || return 1
  done
  mount --bind "$CANDIDATE.base" "$BASE"
}

validate_one() { # VALIDATOR PATH...: the tool's exit status is the verdict
  vo_kind=$1
  shift
  case $vo_kind in
    alertmanager-config) amtool check-config -- "$1" ;;
    cron) # cron(8) ignores a file whose last line has no newline
      [ -z "$(tail -c 1 -- "$1")" ] || { echo "$1: the last line has no newline, so cron would ignore it"; false; } ;;
    fstab) findmnt --verify --tab-file "$1" ;;
    json) jq empty -- "$1" ;;
    logrotate) logrotate -d -s /dev/null -- "$1" ;;
    nftables) nft -c -f "$1" ;;
    prometheus-config) promtool check config "$1" ;;
    prometheus-rules) promtool check rules "$1" ;;
    sshd-config) mkdir -p /run/sshd && sshd -t ;;
    sudoers) visudo -c -f /etc/sudoers && visudo -c -f "$1" ;;
    sysctl) sysctl --dry-run -p "$1" ;;
    systemd-unit) systemd-analyze verify --man=no --recursive-errors=no "$@" ;;
    *) echo "no validator is called $vo_kind"; false ;;
  esac >"$DIR/words.all" 2>&1 </dev/null
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

# Inside the namespace: ends at the first refusal, with its path in the file "bad". Units are verified in one call.
validate_list() { # LIST
  vl_list=$1
  vl_at=
  if ! lay_candidate >"$DIR/words.all" 2>&1; then
    # No overlayfs here: each file is read where it was staged, and what it includes is the live host's.
    say note 'the host has no overlayfs: each file was validated by itself'
    vl_at=$DIR/tree
  fi
  set --
  while IFS=$US read -r vl_kind vl_path <&3; do
    if [ "$vl_kind" = systemd-unit ]; then
      vl_unit=$(unit_file "$vl_path")
      case $vl_unit in
        '') ;;
        # systemd-analyze(1) takes what follows a colon for another name of the unit.
        *:*) say note "systemd-analyze cannot check a unit with a colon in its name: $vl_unit" ;;
        *) set -- "$@" "$vl_unit" ;;
      esac
      continue
    fi
    [ -z "$vl_at" ] || [ -e "$vl_at$vl_path" ] || continue
    validate_one "$vl_kind" "$vl_at$vl_path" || { printf '%s\n' "$vl_path" >"$DIR/bad"; return 1; }
  done 3<"$vl_list"
  [ -z "$vl_at" ] || return 0
  [ "$#" -gt 0 ] || return 0
  validate_one systemd-unit "$@" && return 0
  for vl_path in "$@"; do
    validate_one systemd-unit "$vl_path" || { printf '%s\n' "$vl_path" >"$DIR/bad"; return 1; }
  done
  # Only together do they not stand: name the first, show all words.
  printf '%s\n' "$1" >"$DIR/bad"
  validate_one systemd-unit "$@"
}

# Whether what a file speaks of comes with this very transaction: programs that units start, accounts of rotated files.
speaks_of_new() { # VALIDATOR
  case $1 in
    systemd-unit) [ -s "$DIR/ops/packages-install" ] ;;
    logrotate) [ -s "$DIR/ops/packages-install" ] || [ -s "$DIR/ops/users" ] || [ -s "$DIR/ops/groups" ] ;;
    *) false ;;
  esac
}

sort_validators() { # into "now", and "later": what needs the packages and accounts of this transaction
  true >"$DIR/validate.now" && true >"$DIR/validate.later" || return 1
  while IFS=$US read -r sv_kind sv_path sv_origin; do
    [ -z "$sv_origin" ] || command -v "$(tool_of "$sv_kind")" >/dev/null || continue
    if ! command -v "$(tool_of "$sv_kind")" >/dev/null || { [ "$2" = early ] && speaks_of_new "$sv_kind"; }; then
      sv_to=later
    else
      sv_to=now
    fi
    printf '%s%s%s\n' "$sv_kind" "$US" "$sv_path" >>"$DIR/validate.$sv_to"
  done <"$1"
}

validate() { # early|late: late runs after packages and accounts, when every tool must be there
  on_host && [ -s "$DIR/ops/validate" ] || return 0
  if [ "$1" = early ]; then
    say step validate "$(wc -l <"$DIR/ops/validate")"
    sort_validators "$DIR/ops/validate" early || return 1
    va_list=$DIR/validate.now
  else
    [ -s "$DIR/validate.later" ] || return 0
    cp "$DIR/validate.later" "$DIR/validate.wanted" && sort_validators "$DIR/validate.wanted" late || return 1
    if [ -s "$DIR/validate.later" ]; then
      IFS=$US read -r va_kind ITEM <"$DIR/validate.later"
      printf 'the host has no %s to check this file with: add the package that brings it\n' "$(tool_of "$va_kind")" >"$DIR/words"
      return 1
    fi
    va_list=$DIR/validate.now
  fi
  [ -s "$va_list" ] || return 0
  build_candidate || return 1
  unshare -m --propagation private /bin/sh "$DIR/bin/tx.sh" "$ROOT" validate "$DIR" "$va_list"
  va_status=$?
  rm -rf "$CANDIDATE"
  rmdir "$CANDIDATE.base"
  [ "$va_status" -ne 0 ] || return 0
  cp "$DIR/words.all" "$DIR/words"
  ITEM=$(cat "$DIR/bad" 2>/dev/null)
  return 1
}
