# Packages of a live host. ops/packages-install: NAME VERSION SOURCE; ops/packages-remove: NAME.
# undo/packages: NAME VERSION STATUS of every package before.

without_locks() { # COMMAND...: what may leave a daemon behind must not hold the transaction's locks with it
  "$@" 7>&- 8>&- 9>&-
}

apt() { # apt-get that never asks, keeps our configuration files and waits for another apt
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1 \
    without_locks apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
    -o APT::Install-Recommends=false -o DPkg::Lock::Timeout=120 "$@" >"$DIR/words" 2>&1 </dev/null
}

installed_packages() {
  # shellcheck disable=SC2016 # dpkg-query's own variables
  dpkg-query -W -f '${binary:Package} ${Version} ${db:Status-Status}\n' 2>/dev/null | sort
}

save_packages() {
  on_host || return 0
  [ -s "$DIR/ops/packages-install" ] || [ -s "$DIR/ops/packages-remove" ] || return 0
  installed_packages >"$DIR/undo/packages" && cut -d ' ' -f 1 "$DIR/undo/packages" >"$DIR/undo/packages.names"
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

# What goes by a simulation of apt's without leaving the configuration: names. It was never managed, or is still wanted.
others_that_go() {
  sed -n 's/^Remv \([^ :]*\).*/\1/p' "$DIR/words" | sort -u >"$DIR/words.go"
  sed 's/:.*//' "$DIR/ops/packages-remove" | sort -u | comm -13 - "$DIR/words.go" | tr '\n' ' '
}

OTHERS=
apt_install() { # the lines of PACKAGES; nothing may go for them that nobody named
  # shellcheck disable=SC2086 # one word for each line, and no pattern
  (IFS=$NL && set -f && apt install -s --allow-downgrades -- $PACKAGES) || return 1
  OTHERS=$(others_that_go)
  if [ -n "$OTHERS" ]; then
    printf 'apt would remove what stays in the configuration or was never in it: %s\n' "$OTHERS" >"$DIR/words"
    return 1
  fi
  # shellcheck disable=SC2086
  (IFS=$NL && set -f && apt install --allow-downgrades -- $PACKAGES)
}

install_packages() {
  on_host && [ -s "$DIR/ops/packages-install" ] || return 0
  ITEM=$(head -n 1 "$DIR/ops/packages-install" | cut -d "$US" -f 1)
  say step packages "$(wc -l <"$DIR/ops/packages-install")"
  package_words
  apt_install && return 0
  [ -z "$OTHERS" ] || return 1
  # The lists may be old, or absent on a new host. If they cannot be had, the first words say more than the second.
  cp "$DIR/words" "$DIR/words.install"
  if ! apt update; then
    cat "$DIR/words.install" "$DIR/words" >"$DIR/words.all"
    cp "$DIR/words.all" "$DIR/words"
    return 1
  fi
  apt_install
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
    dir:/etc/apt/*) put_path "$@" ;;
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
  ITEM=$(head -n 1 "$DIR/ops/packages-remove")
  say step packages-remove "$(wc -l <"$DIR/ops/packages-remove")"
  rp_leaving=$(cat "$DIR/ops/packages-remove")
  # shellcheck disable=SC2086 # package names have no white space
  apt remove -s -- $rp_leaving || return 1
  if [ -n "$(others_that_go)" ]; then
    rp_all=$rp_leaving
    rp_leaving=
    for ITEM in $rp_all; do
      apt remove -s -- "$ITEM" || return 1
      OTHERS=$(others_that_go)
      if [ -z "$OTHERS" ]; then
        rp_leaving="$rp_leaving $ITEM"
      else
        say note "package $ITEM stays, because others need it: ${OTHERS% }"
      fi
    done
  fi
  # shellcheck disable=SC2086
  [ -z "$rp_leaving" ] || apt remove -- $rp_leaving
}

package_before() { # NAME: sets BEFORE to "VERSION STATUS", or to nothing
  BEFORE=$(sed -n "s/^$(printf '%s' "$1" | sed 's/[.]/\\./g') //p" "$DIR/undo/packages")
}

# Back to the packages of before: what came is purged if nothing of it was there, else removed; what went and versions
# come back where the host can still get them.
undo_packages() { # [boot]
  on_host && [ -e "$DIR/undo/packages" ] || return 0
  installed_packages | cmp -s "$DIR/undo/packages" - && return 0
  (
    # At boot the services wait for this program: what packages do to them would wait for ever.
    [ -z "${1-}" ] || export SYSTEMD_OFFLINE=1
    revert_packages
  )
}

revert_packages() {
  without_locks dpkg --configure -a >/dev/null 2>&1 </dev/null
  up_status=0
  up_purge=
  up_remove=
  up_install=
  up_now=$(installed_packages | comm -13 "$DIR/undo/packages" -)
  while read -r up_name _ up_state; do
    [ -n "$up_name" ] || continue
    package_before "$up_name"
    case $BEFORE:$up_state in
      :*) up_purge="$up_purge $up_name" ;;
      *' config-files:'*) up_remove="$up_remove $up_name" ;;
      *) up_install="$up_install $up_name=${BEFORE%% *}" ;;
    esac
  done <<NOW
$up_now
NOW
  # What is not there at all any more has no line of now.
  for up_name in $(installed_packages | cut -d ' ' -f 1 | comm -23 "$DIR/undo/packages.names" -); do
    package_before "$up_name"
    case $BEFORE in *' installed') up_install="$up_install $up_name=${BEFORE%% *}" ;; esac
  done
  # shellcheck disable=SC2086 # package names have no white space
  {
    [ -z "$up_purge" ] || without_locks dpkg --purge $up_purge >"$DIR/words" 2>&1 </dev/null || up_status=1
    [ -z "$up_remove" ] || without_locks dpkg --remove $up_remove >"$DIR/words" 2>&1 </dev/null || up_status=1
    [ -z "$up_install" ] || apt install --allow-downgrades -- $up_install ||
      say note "could not bring back:$up_install"
  }
  return "$up_status"
}
