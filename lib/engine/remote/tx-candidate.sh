# The candidate: the host as it will be, in a private root that only the validators see. Everything of the live host shows
# in it by bind mounts; where something changes, read-only overlays lay the staged files over the live directories, each mount
# with one of its own. So includes, globs, unit dependencies, mount points and programs resolve as they will.

CANDIDATE=/run/citadel-iac-candidate
CANDIDATE_ROOT=$CANDIDATE.root

# Files come all at once, and a process is started only for what is not there: there may be many paths.
# Three layers, from below: the live directories, the staged files, and what is made here: directories, links and the
# marks that hide what goes. Staged files of /var are copied: layers must not lie within one another.
build_candidate() {
  rm -rf "$CANDIDATE" && mkdir -m 0700 "$CANDIDATE" || return 1
  rmdir "$CANDIDATE_ROOT" 2>/dev/null
  if [ -d "$DIR/tree" ]; then
    find "$DIR/tree" -type d -exec chmod 0755 {} + || return 1
    while IFS=$US read -r bc_n bc_owner bc_group bc_mode <&3; do
      own_candidate "$bc_owner" "$bc_group" "$bc_mode" "$DIR/tree" <"$DIR/own/$bc_n" || return 1
    done 3<"$DIR/ops/own"
    [ ! -d "$DIR/tree/var" ] || cp -a "$DIR/tree/var" "$CANDIDATE/" || return 1
  fi
  read_hidden || return 1
  # Mount points are made when they are mounted.
  { candidate_directories && sed "s|^|$CANDIDATE|" "$DIR/ops/mounts"; } | tr '\n' '\0' | (umask 022 && xargs -0 -r mkdir -p --) || return 1
  as_live "$DIR/tree" && as_live "$CANDIDATE" || return 1
  path_operations | grep -v "^file$US" | while IFS=$US read -r bc_op bc_path bc_1 bc_2 bc_3 <&3; do
    put_candidate "$bc_op" "$bc_path" "$bc_1" "$bc_2" "$bc_3" || exit 1
  done 3<&0 || return 1
  each_hidden | while IFS= read -r bc_path; do
    # overlayfs: a character device 0/0 in an upper layer hides what lies below it
    [ ! -d "$CANDIDATE${bc_path%/*}" ] || exists "$CANDIDATE$bc_path" || mknod "$CANDIDATE$bc_path" c 0 0 || exit 1
  done || return 1
} 2>"$DIR/words"

# Programs judge who may write a file. An account that this transaction makes may not be there yet: then it is root's.
# shellcheck disable=SC2016 # the inner shell's own variables
own_candidate() { # OWNER GROUP MODE FOLDER: of the paths on standard input, each ended by a NUL byte
  case $1:$2 in
    root:root) (cd "$4" && xargs -0 chmod -- "$3") ;;
    *)
      oc_owner=root:root
      if getent passwd "$1" >/dev/null && getent group "$2" >/dev/null; then oc_owner=$1:$2; fi
      # The owner first, because chown(1) takes special bits away.
      (cd "$4" && xargs -0 sh -c 'owner=$1 mode=$2 && shift 2 && chown -h -- "$owner" "$@" && chmod -- "$mode" "$@"' sh "$oc_owner" "$3") ;;
  esac
}

# Of what goes, that in whose place nothing comes, by one look at all operations.
read_hidden() {
  # shellcheck disable=SC2016 # awk's own variables
  path_operations | awk -F "$US" '
    { for (p = $2; sub(/\/[^\/]*$/, "", p) && p != ""; ) above[p] = 1 }
    $1 == "del" || $1 == "rmdir" { goes[++n] = $2 }
    END { for (i = 1; i <= n; i++) if (!(goes[i] in above)) print goes[i] }' >"$DIR/validate.hidden"
}

each_hidden() {
  while IFS= read -r eh_path; do
    if exists "$eh_path" && [ ! -e "$DIR/tree$eh_path" ]; then printf '%s\n' "$eh_path"; fi
  done <"$DIR/validate.hidden"
}

candidate_directories() { # those that are wanted, and those in which links, copies and marks will stand
  each_hidden | sed "s|^|$CANDIDATE|;s|/[^/]*\$||" | uniq
  path_operations | sed -n "s/^dir$US\([^$US]*\)$US.*/\1/p;s/^\(link\|original\|attr\)$US\([^$US]*\)\/[^$US\/]*$US.*/\2/p" |
    sed "s|^|$CANDIDATE|"
}

# A directory of several layers shows the owner and mode of the uppermost: those of the live one, where there is one.
as_live() { # LAYER
  [ -d "$1" ] || return 0
  find "$1" -mindepth 1 -type d -printf '/%P\0' | xargs -0 -r stat -L -c "%a$US%u:%g$US%F$US%n" -- 2>/dev/null |
    grep -v "^755${US}0:0$US" | while IFS=$US read -r al_mode al_owner al_type al_path; do
    [ "$al_type" = directory ] || continue
    chown -- "$al_owner" "$1$al_path" && chmod -- "0$al_mode" "$1$al_path" || exit 1
  done
}

put_candidate() { # OP PATH P1 P2 P3
  case $1 in
    dir) printf '%s\0' ".$2" | own_candidate "$3" "$4" "0$5" "$CANDIDATE" ;;
    # Its owner and mode are to change: what it holds stays.
    attr)
      [ -f "$2" ] || [ -d "$CANDIDATE$2" ] || return 0
      [ ! -f "$2" ] || cp -- "$2" "$CANDIDATE$2" || return 1
      printf '%s\0' ".$2" | own_candidate "$3" "$4" "0$5" "$CANDIDATE"
      ;;
    link) ln -sfn -- "$3" "$CANDIDATE$2" ;;
    original) cp -a -- "$ROOT$3" "$CANDIDATE$2" ;;
  esac
}

lay_candidate() { # in the private mount namespace
  mkdir -m 0700 "$CANDIDATE_ROOT" && mount -t tmpfs -o mode=0755 citadel-iac-candidate "$CANDIDATE_ROOT" &&
    mount --make-unbindable "$CANDIDATE_ROOT" && findmnt --kernel -n -l -o TARGET | sort -u >"$DIR/validate.mounted" || return 1
  for lc_live in /* /.[!.]*; do
    if [ -L "$CANDIDATE$lc_live" ]; then continue; fi
    if [ -L "$lc_live" ]; then
      cp -a -- "$lc_live" "$CANDIDATE_ROOT$lc_live" || return 1
    elif [ -d "$lc_live" ]; then
      lay_over "$lc_live" || return 1
    fi
  done
  # What is new in / itself.
  for lc_new in "$CANDIDATE"/* "$CANDIDATE"/.[!.]* "$DIR/tree"/* "$DIR/tree"/.[!.]*; do
    lc_live=/${lc_new##*/}
    if exists "$CANDIDATE_ROOT$lc_live" || ! exists "$lc_new"; then continue; fi
    if is_directory "$lc_new"; then lay_over "$lc_live"; else cp -a -- "$lc_new" "$CANDIDATE_ROOT$lc_live"; fi || return 1
  done
  lay_live_var || return 1
  # Our own folder stays writable, whatever is laid over it.
  mount --bind "$BASE" "$CANDIDATE_ROOT$BASE"
}

lay_over() { # DIRECTORY of /: with what is staged for it, and each mount below it in the same way
  mkdir -p -- "$CANDIDATE_ROOT$1" && lay_mount "$1" || return 1
  [ "$LM_LAYERS" ] || return 0
  while IFS= read -r lo_mount <&4; do
    case $lo_mount in "$1"/*) ;; *) continue ;; esac
    if [ -d "$lo_mount" ]; then
      [ ! -d "$CANDIDATE_ROOT$lo_mount" ] || lay_mount "$lo_mount" || return 1
    # A file that is mounted over another.
    elif [ -f "$CANDIDATE_ROOT$lo_mount" ] && [ -f "$lo_mount" ] && ! exists "$CANDIDATE$lo_mount" && ! exists "$DIR/tree$lo_mount"; then
      mount --bind -- "$lo_mount" "$CANDIDATE_ROOT$lo_mount" || return 1
    fi
  done 4<"$DIR/validate.mounted"
}

# Programs that read their settings open their logs as well (nginx -t): directories of /var in which nothing is staged are the
# live ones, writable as they are where nothing of /var changes.
lay_live_var() {
  if [ -L /var ] || ! is_directory "$CANDIDATE/var"; then return 0; fi
  for lv_dir in /var/* /var/*/*; do
    if [ ! -d "$lv_dir" ] || [ -L "$lv_dir" ] || exists "$CANDIDATE$lv_dir" || ! is_directory "$CANDIDATE${lv_dir%/*}"; then continue; fi
    mount --rbind -- "$lv_dir" "$CANDIDATE_ROOT$lv_dir" || return 1
  done
}

lay_mount() { # DIRECTORY: sets LM_LAYERS to the staged layers that it has
  LM_LAYERS=
  case $1 in
    # Of mount(8)'s option and overlayfs' list; nothing is staged there in practice.
    *[:,\\]*) ;;
    *)
      if is_directory "$CANDIDATE$1"; then LM_LAYERS=$CANDIDATE$1; fi
      case $1 in
        /var | /var/*) ;;
        *) if is_directory "$DIR/tree$1"; then LM_LAYERS=${LM_LAYERS:+$LM_LAYERS:}$DIR/tree$1; fi ;;
      esac
      ;;
  esac
  if [ -d "$1" ]; then
    [ -n "$LM_LAYERS" ] || { mount --rbind -- "$1" "$CANDIDATE_ROOT$1" && return; }
    mount -t overlay citadel-iac-candidate -o "ro,lowerdir=$LM_LAYERS:$1" "$CANDIDATE_ROOT$1"
    return
  fi
  # A read-only overlay has two layers at least.
  case $LM_LAYERS in
    '') ;;
    *:*) mount -t overlay citadel-iac-candidate -o "ro,lowerdir=$LM_LAYERS" "$CANDIDATE_ROOT$1" ;;
    *) mount --bind -- "$LM_LAYERS" "$CANDIDATE_ROOT$1" ;;
  esac
}

# Runs the validators in the candidate. Where the host has no overlayfs, each file is read where it was staged, and what it
# includes is the live host's.
validate_candidate() { # LIST
  if lay_candidate >"$DIR/words.all" 2>&1; then
    exec chroot "$CANDIDATE_ROOT" /bin/sh "$DIR/bin/tx.sh" "$ROOT" validate "$DIR" "$1"
  fi
  say note 'the host has no overlayfs: each file was validated by itself'
  validate_list "$1" "$DIR/tree"
}
