# Packages of a live host; tx-packages-before.sh has the lists of what comes and goes.
# What the way back needs (tx-packages-undo.sh): undo/packages has a line "NAME OLD NEW" for each package that our apt-get is
# about to change, versions or "-"; undo/packages.before: NAME VERSION STATUS of every package; undo/packages.auto: those that
# are there for others; undo/packages.helper: what Debian's scripts remember of units; undo/packages.N.there and .tar: what
# stood where new packages put their files.

without_locks() { # COMMAND...: what may leave a daemon behind must not hold the transaction's locks with it
  "$@" 7>&- 8>&- 9>&-
}

# Whether apt may change packages that are held: where all that it would change of those are this configuration's own to hold.
MAY_CHANGE_HELD=false

# apt-get that never asks, keeps our configuration files and waits for another apt. Whatever the host's own apt.conf says:
# nothing is purged, and nothing goes because no one needs it any more.
apt() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 \
    without_locks apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o APT::Install-Recommends=false -o APT::Get::Purge=false -o APT::Get::AutomaticRemove=false \
    -o DPkg::Lock::Timeout=120 -o APT::Get::allow-change-held-packages="$MAY_CHANGE_HELD" "$@" >"$DIR/words" 2>&1 </dev/null
}

# Each change is on record before it is made: apt-get hands the list to this program while it holds dpkg's lock. What others
# do to packages before or after is thus not taken for ours.
apt_recorded() {
  apt -o DPkg::Tools::Options::/usr/bin/env::Version=3 \
    -o "DPkg::Pre-Install-Pkgs::=/usr/bin/env sh $DIR/bin/tx.sh - unpacking $ID" "$@"
}

# Standard input: apt's configuration, an empty line, and lines NAME OLD ARCH MULTIARCH DIRECTION NEW ARCH MULTIARCH FILE, with
# "-" for a version that is not, and **CONFIGURE** or **REMOVE** for a file.
record_unpacking() {
  sed '1,/^$/d' >"$DIR/undo/packages.plan" && true >"$DIR/undo/packages.debs" || return 1
  while read -r ru_name ru_old ru_old_arch _ _ ru_new ru_arch _ ru_file; do
    [ "$ru_file" != '**CONFIGURE**' ] || continue
    [ "$ru_new" != - ] || ru_arch=$ru_old_arch
    case $ru_arch in all | -) ;; *) ru_name=$ru_name:$ru_arch ;; esac
    printf '%s %s %s\n' "$ru_name" "$ru_old" "$ru_new" || return 1
    case $ru_old:$ru_file in -:/*) printf '%s\n' "$ru_file" >>"$DIR/undo/packages.debs" || return 1 ;; esac
  done <"$DIR/undo/packages.plan" >>"$DIR/undo/packages"
  keep_overwritten && sync -f "$DIR/undo"
}

# dpkg overwrites files that no package owns, and takes its own away again, with directories that are empty then.
keep_overwritten() {
  ko_n=0
  while [ -e "$DIR/undo/packages.$ko_n.there" ]; do ko_n=$((ko_n + 1)); done
  ko_base=$DIR/undo/packages.$ko_n
  while IFS= read -r ko_deb; do
    dpkg-deb --fsys-tarfile "$ko_deb" | tar -t --quoting-style=literal -f - || return 1
  done <"$DIR/undo/packages.debs" | sed 's|^\./*||; s|/$||; /^$/d' | sort -u | (
    cd / && while IFS= read -r ko_path; do ! exists "$ko_path" || printf '%s\n' "$ko_path"; done
  ) >"$ko_base.there" || return 1
  [ ! -s "$ko_base.there" ] ||
    tar -C / --no-recursion --verbatim-files-from -T "$ko_base.there" --xattrs --acls --numeric-owner -cf "$ko_base.tar"
}

installed_packages() {
  # shellcheck disable=SC2016 # dpkg-query's own variables
  dpkg-query -W -f '${binary:Package} ${Version} ${db:Status-Status}\n' 2>/dev/null | sort
}

save_packages() {
  on_host || return 0
  [ -s "$DIR/ops/packages-install" ] || [ -s "$DIR/ops/packages-remove" ] || [ -s "$DIR/ops/packages-hold" ] || return 0
  save_holds && installed_packages >"$DIR/undo/packages.before" && apt-mark showauto >"$DIR/undo/packages.auto" 2>"$DIR/words" &&
    helper_state >"$DIR/undo/packages.helper" && true >"$DIR/undo/packages"
}

helper_state() { # what deb-systemd-helper(1p) remembers of units that packages enabled
  find /var/lib/systemd/deb-systemd-helper-* -type f 2>/dev/null | sort
}

install_packages() {
  on_host && [ -s "$DIR/ops/packages-install" ] || return 0
  ITEM=$(package_names "$DIR/ops/packages-install" | head -n 1)
  say step packages "$(wc -l <"$DIR/ops/packages-install")"
  package_words
  with_new_lists apt_install
}

apt_install() {
  simulate_install && apt_lines apt_recorded install --allow-downgrades
}

# Sources of packages, their keys and preferences: what is below /etc/apt stands there before packages are installed, so that
# they can come from there. It is put there once more with everything else. Only new lists are fetched, and each must be.
put_sources() {
  on_host && [ -s "$DIR/ops/packages-install" ] || return 0
  each_path a put_apt_path || return 1
  while IFS=$US read -r ps_op ITEM _ <&3; do
    case $ps_op:$ITEM in
      file:/etc/apt/sources.list | file:/etc/apt/sources.list.d/*) ;;
      *) continue ;;
    esac
    apt -o "Dir::Etc::sourcelist=$ITEM" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 \
      -o APT::Update::Error-Mode=any update || return 1
  done 3<"$DIR/ops/paths-a"
}

put_apt_path() { # OP PATH P1 P2 P3
  case $1:$2 in
    dir:/etc/apt/*) put_one "$@" ;;
    file:/etc/apt/*)
      ITEM=$2
      make_parents "$2" || return 1
      beside "$2"
      if ! { cp -- "$DIR/tree$2" "$BESIDE" 2>"$DIR/words" && set_access "$BESIDE" "$3" "$4" "$5"; }; then
        rm -f -- "$BESIDE"
        return 1
      fi
      move_into_place "$2"
      ;;
  esac
}

remove_packages() {
  on_host && [ -s "$DIR/ops/packages-remove" ] || return 0
  ITEM=$(package_names "$DIR/ops/packages-remove" | head -n 1)
  say step packages-remove "$(wc -l <"$DIR/ops/packages-remove")"
  leaving_packages || return 1
  printf '%s' "$STAYING" | while IFS= read -r rp_line; do say note "package $rp_line"; done
  # shellcheck disable=SC2086 # package names have no white space
  # One may have gone already, for one that came.
  [ -z "$LEAVING" ] || apt_recorded remove -- $LEAVING
}
