# The way back of packages: what our own apt-get made of them (undo/packages), read backwards. What others installed, upgraded
# or removed meanwhile stays, and a note says so. Nothing is purged: a package's purge deletes data, whosever it is.

undo_packages() { # [boot]
  on_host || return 0
  let_go_again || return 1
  undo_package_changes "${1-}" && hold_again
}

undo_package_changes() { # [boot]
  [ -s "$DIR/undo/packages" ] || return 0
  # Their files may lie on what was mounted for them.
  mount_again || return 1
  (
    export DEBIAN_FRONTEND=noninteractive
    # At boot the services wait for this program: what packages do to them would wait for ever.
    [ -z "${1-}" ] || export SYSTEMD_OFFLINE=1
    revert_packages
  )
}

dpkg_when_free() { # ARGUMENT...: dpkg does not wait for another one, or for apt, as apt does
  dw_left=120
  until without_locks dpkg "$@" >"$DIR/words" 2>&1 </dev/null; do
    [ "$dw_left" -gt 0 ] && grep -q 'lock was locked by ' "$DIR/words" || return 1
    dw_left=$((dw_left - 1))
    sleep 1
  done
}

package_now() { # NAME: sets NOW to its version, to "-" if it is not there, or to "?" if dpkg was interrupted at it
  NOW=$(dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null)
  case $NOW in
    '' | not-installed* | config-files*) NOW=- ;;
    half-installed*) NOW='?' ;;
    *) NOW=${NOW#* } ;;
  esac
}

# Fails where the list of what apt-get did cannot be read, which would otherwise say that it did nothing.
package_before() { # NAME: sets NOW, TARGET to what it was before our runs, and FIRST to what the first of them found
  pb_lines=$(sed '1!G;h;$!d' "$DIR/undo/packages") || return 1
  package_now "$1"
  TARGET=$NOW
  FIRST=$NOW
  while read -r pb_name pb_old pb_new; do
    [ "$pb_name" = "$1" ] || continue
    FIRST=$pb_old
    case $TARGET in "$pb_new" | '?') TARGET=$pb_old ;; esac
  done <<LINES
$pb_lines
LINES
}

revert_packages() {
  rv_status=0
  rv_lines=$(sort -u -t ' ' -k 1,1 "$DIR/undo/packages") || return 1
  rv_names=$(printf '%s\n' "$rv_lines" | cut -d ' ' -f 1) || return 1
  rv_remove=
  rv_install=
  for rv_name in $rv_names; do
    package_before "$rv_name" || return 1
    case $NOW:$TARGET in
      "$TARGET:$NOW") [ "$NOW" = "$FIRST" ] || say note "package $rv_name was changed meanwhile and stays as it is now ($NOW)" ;;
      *:-) rv_remove="$rv_remove $rv_name" ;;
      *) rv_install="$rv_install $rv_name=$TARGET" ;;
    esac
  done
  # shellcheck disable=SC2086 # package names have no white space
  {
    [ -z "$rv_remove" ] || take_away $rv_remove || rv_status=1
    forget_packages $rv_names || rv_status=1
    [ -z "$rv_install" ] || bring_back $rv_install
    mark_automatic $rv_names
  }
  bring_back_overwritten || rv_status=1
  forget_helper_state
  note_others
  return "$rv_status"
}

take_away() { # NAME...: dpkg takes none but these, and leaves those that others need
  dpkg_when_free --force-remove-reinstreq --remove "$@"
  cp "$DIR/words" "$DIR/words.remove"
  ta_status=0
  for ta_name in "$@"; do
    package_now "$ta_name"
    [ "$NOW" != - ] || continue
    if grep -q "dependency problems prevent removal of ${ta_name%:*}[: ]" "$DIR/words.remove"; then
      say note "package ${ta_name%:*} stays, because what was installed meanwhile needs it"
    else
      say note "package ${ta_name%:*} could not be removed: $(grep -v '^(Reading' "$DIR/words.remove" | tail -n 3 | tr '\n' ' ')"
      ta_status=1
    fi
  done
  return "$ta_status"
}

was_there() { # PATH: before a package put its own there
  grep -qxsF -- "${1#/}" "$DIR"/undo/packages.*.there
}

# A package that dpkg did not know before: its configuration files go, but for those that were there before or were changed,
# and dpkg forgets them. It must: a configuration file that it knows and does not find is not installed the next time.
forget_packages() { # NAME...
  for fp_name in "$@"; do
    package_before "$fp_name" || return 1
    [ "$NOW:$FIRST" = -:- ] || continue
    # The names in the list of before have their architecture only where there may be several.
    ! grep -q -e "^$fp_name " -e "^${fp_name%:*} " "$DIR/undo/packages.before" || continue
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$fp_name" 2>/dev/null)" = config-files ] || continue
    dpkg-query -W -f '${Conffiles}\n' "$fp_name" | sed -n 's/^ \(.*\) \([0-9a-f]\{32\}\).*$/\2 \1/p' |
      while read -r fp_sum fp_path; do
        take_conffile "$fp_path" "$fp_sum"
        # Where a file was there already, dpkg put its own next to it.
        take_conffile "$fp_path.dpkg-dist" "$fp_sum"
      done
    # To make dpkg forget is part of a purge. It runs without the package's script, and away from all files.
    fp_script=$(dpkg-query --control-path "$fp_name" postrm 2>/dev/null)
    [ -z "$fp_script" ] || rm -f -- "$fp_script"
    mkdir -p "$DIR/undo/nowhere"
    if ! dpkg_when_free --admindir=/var/lib/dpkg --instdir="$DIR/undo/nowhere" --purge "$fp_name"; then
      say note "package $fp_name could not be forgotten: $(tail -n 1 "$DIR/words")"
      return 1
    fi
  done
}

take_conffile() { # PATH MD5
  if ! exists "$1" || was_there "$1"; then return 0; fi
  if [ ! -f "$1" ] || [ -L "$1" ] || [ "$(md5sum <"$1")" != "$2  -" ]; then
    # What this transaction put there goes or comes back with its files.
    grep -qxsF -- "$1" "$DIR/undo/a.absent" "$DIR/undo/a.order" || say note "$1 was changed meanwhile and stays"
    return 0
  fi
  rm -f -- "$1"
  tc_parent=${1%/*}
  while [ -n "$tc_parent" ] && ! was_there "$tc_parent" && rmdir -- "$tc_parent" 2>/dev/null; do tc_parent=${tc_parent%/*}; done
}

bring_back() { # NAME=VERSION...: as far as the host can still get them; nothing may go for them
  # apt-get refuses to work after an interrupted dpkg.
  [ -z "$(ls /var/lib/dpkg/updates)" ] || dpkg_when_free --configure -a
  install_exactly "$@" && return 0
  for bb_package in "$@"; do
    install_exactly "$bb_package" || install_file "$bb_package" || say note "could not bring back: $bb_package"
  done
}

install_file() { # NAME=VERSION: from the file that the document of before names, where no source of packages has it
  if_name=${1%%=*}
  if_name=${if_name%:*}
  if_file=$(grep -o "\"$if_name\":{[^{}]*}" "$BASE/current/manifest.json" 2>/dev/null | sed -n 's/.*"source":"\([^"\\]*\)".*/\1/p' | head -n 1)
  [ -f "$if_file" ] || return 1
  if_holds=$(dpkg-deb -f "$if_file" Package 2>/dev/null)=$(dpkg-deb -f "$if_file" Version 2>/dev/null)
  [ "$if_holds" = "$if_name=${1#*=}" ] && install_exactly "$if_file"
}

install_exactly() { # NAME=VERSION...
  apt install -s --allow-downgrades -- "$@" && ! grep -q '^Remv ' "$DIR/words" && apt install --allow-downgrades -- "$@"
}

mark_automatic() { # NAME...: those that were there for others only; apt-get takes what it was told to install for wanted
  for mk_name in "$@"; do
    package_now "$mk_name"
    if [ "$NOW" != - ] && grep -qx -e "$mk_name" -e "${mk_name%:*}" "$DIR/undo/packages.auto"; then
      apt-mark auto "$mk_name" >"$DIR/words" 2>&1 </dev/null
    fi
  done
}

bring_back_overwritten() { # where nothing stands any more
  for bo_there in "$DIR"/undo/packages.*.there; do
    [ -s "$bo_there" ] || continue
    bo_gone=$(while IFS= read -r bo_path; do exists "/$bo_path" || printf '%s\n' "$bo_path"; done <"$bo_there")
    [ -z "$bo_gone" ] || printf '%s\n' "$bo_gone" | tar -C / -xpf "${bo_there%.there}.tar" --no-recursion --verbatim-files-from \
      -T - --xattrs --xattrs-include='*' --acls --numeric-owner 2>"$DIR/words" || {
      say note "what packages had overwritten could not be brought back: $(head -n 1 "$DIR/words")"
      return 1
    }
  done
}

# Of units that are gone: with it, the next installation of their package would take them for disabled by a person.
forget_helper_state() {
  helper_state | comm -13 "$DIR/undo/packages.helper" - | while IFS= read -r fh_path; do
    fh_unit=${fh_path##*/}
    fh_unit=${fh_unit%.dsh-also}
    [ -e "/lib/systemd/system/$fh_unit" ] || [ -e "/etc/systemd/system/$fh_unit" ] || rm -f -- "$fh_path"
  done
}

note_others() {
  no_names=$(installed_packages | comm -3 "$DIR/undo/packages.before" - | tr -d '\t' | cut -d ' ' -f 1 | cut -d : -f 1 | sort -u)
  no_ours=$(cut -d ' ' -f 1 "$DIR/undo/packages" | cut -d : -f 1 | sort -u)
  no_others=
  for no_name in $no_names; do
    case $NL$no_ours$NL in *"$NL$no_name$NL"*) ;; *) no_others="$no_others $no_name" ;; esac
  done
  [ -z "$no_others" ] || say note "packages that others changed meanwhile stay as they are now:$no_others"
}
