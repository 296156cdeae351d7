# Packages. ops/packages-install: NAME VERSION SOURCE; ops/packages-remove: NAME.

apt() { # apt-get that never asks, keeps our configuration files and waits for another apt; fd 9 (the lock) stays ours
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 \
    apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o APT::Install-Recommends=false -o DPkg::Lock::Timeout=120 "$@" >"$DIR/words" 2>&1 </dev/null 9>&-
}

installed_packages() {
  # shellcheck disable=SC2016 # dpkg-query's own variables
  dpkg-query -W -f '${binary:Package} ${Version} ${db:Status-Status}\n' 2>/dev/null | sort
}

package_words() { # sets PACKAGES: one line for each package, as apt-get takes it
  PACKAGES=
  while IFS=$US read -r pw_name pw_version pw_source; do
    if [ -n "$pw_source" ]; then
      PACKAGES="$PACKAGES$pw_source$NL"
    else
      PACKAGES="$PACKAGES$pw_name${pw_version:+=$pw_version}$NL"
    fi
  done <"$DIR/ops/packages-install"
}

install_packages() {
  [ -s "$DIR/ops/packages-install" ] || return 0
  ITEM=$(head -n 1 "$DIR/ops/packages-install" | cut -d "$US" -f 1)
  say step packages "$(wc -l <"$DIR/ops/packages-install")"
  package_words
  # shellcheck disable=SC2086 # one word for each package; the schema allows no white space in them
  if ! (IFS=$NL && set -f && apt install --allow-downgrades -- $PACKAGES); then
    # The lists may be old, or absent on a new host.
    apt update || return 1
    # shellcheck disable=SC2086
    (IFS=$NL && set -f && apt install --allow-downgrades -- $PACKAGES) || return 1
  fi
}

remove_packages() {
  [ -s "$DIR/ops/packages-remove" ] || return 0
  ITEM=$(head -n 1 "$DIR/ops/packages-remove")
  say step packages-remove "$(wc -l <"$DIR/ops/packages-remove")"
  # shellcheck disable=SC2046 # package names have no white space
  apt remove -- $(cat "$DIR/ops/packages-remove")
}

# Back to the packages of before: what came is purged if nothing of it was there, else removed; versions go back
# where the host can still get them.
undo_packages() {
  [ -e "$DIR/undo/packages" ] || return 0
  dpkg --configure -a >/dev/null 2>&1 9>&-
  installed_packages >"$DIR/undo/packages.now"
  cmp -s "$DIR/undo/packages" "$DIR/undo/packages.now" && return 0
  up_status=0
  up_purge=
  up_remove=
  up_install=
  while read -r up_name up_version up_state; do
    up_before=$(grep -F "$up_name " "$DIR/undo/packages" | while read -r n v s; do
      [ "$n" = "$up_name" ] && printf '%s %s' "$v" "$s"
    done)
    [ "$up_before" = "$up_version $up_state" ] && continue
    case $up_before:$up_state in
      :*) up_purge="$up_purge $up_name" ;;
      *' config-files:installed') up_remove="$up_remove $up_name" ;;
      *' installed:'*) up_install="$up_install $up_name=${up_before%% *}" ;;
    esac
  done <"$DIR/undo/packages.now"
  # shellcheck disable=SC2086 # package names have no white space
  {
    [ -z "$up_purge" ] || dpkg --purge $up_purge >"$DIR/words" 2>&1 9>&- || up_status=1
    [ -z "$up_remove" ] || dpkg --remove $up_remove >"$DIR/words" 2>&1 9>&- || up_status=1
    [ -z "$up_install" ] || apt install --allow-downgrades -- $up_install ||
      say note "could not bring back:$up_install"
  }
  return "$up_status"
}
