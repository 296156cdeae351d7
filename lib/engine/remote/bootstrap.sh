# Opens the door by which a host is managed: an account that may log in with given keys and sudo without a password.
# Follows common.sh in the same program. Safe to run again; what is right is left alone.
#
# Standard input: a line "account US uid" (uid may be empty), then lines for its authorized_keys. The line "-" alone stands
# for the keys by which the account that runs this may log in.
# Standard output: "did US what" for each thing that was changed, then "end". Words about a failure go to standard error.
say() { printf 'did%s%s\n' "$US" "$1"; }
fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

IFS=$US read -r b_user b_uid || fail 'no account was given'
case $b_user in '' | *[!a-z0-9_-]*) fail 'not an account name' ;; esac
case $b_uid in *[!0-9]*) fail 'not an account number' ;; esac
[ "$(id -u)" = 0 ] || fail 'this is not root'
[ -e /etc/debian_version ] || fail 'this is neither Debian nor Ubuntu'
[ -d /run/systemd/system ] || fail 'systemd does not run here'

b_work=$(mktemp -d) || exit 1
trap 'rm -rf -- "$b_work"' EXIT
cat >"$b_work/asked" || exit 1

if ! command -v sudo >/dev/null 2>&1; then
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  {
    apt-get -q update && apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 install sudo
  } </dev/null >"$b_work/apt" 2>&1 || fail "sudo cannot be installed: $(tail -n 3 "$b_work/apt" | tr '\n' ' ')"
  say 'installed sudo'
fi

if ! getent passwd "$b_user" >/dev/null; then
  set -- --create-home --shell /bin/bash
  if [ -n "$b_uid" ]; then set -- "$@" --uid "$b_uid"; fi
  if getent group "$b_user" >/dev/null; then set -- "$@" --gid "$b_user"; fi
  useradd "$@" -- "$b_user" >"$b_work/useradd" 2>&1 || fail "$(tr '\n' ' ' <"$b_work/useradd")"
  say "made the account $b_user"
fi
b_home=$(getent passwd "$b_user" | cut -d : -f 6)
b_group=$(id -g -- "$b_user") || exit 1

# The keys by which this very log-in was possible.
if [ -n "${SUDO_USER-}" ]; then b_own=$(getent passwd "$SUDO_USER" | cut -d : -f 6); else b_own=/root; fi
b_own=$b_own/.ssh/authorized_keys
while IFS= read -r b_key; do
  case $b_key in
    '') ;;
    -) if [ -r "$b_own" ]; then grep -v -e '^[[:space:]]*#' -e '^[[:space:]]*$' -- "$b_own"; fi ;;
    *) printf '%s\n' "$b_key" ;;
  esac
done <"$b_work/asked" >"$b_work/keys"
[ -s "$b_work/keys" ] || fail "there is no key for $b_user: the log-in was not by a file $b_own"

if [ ! -d "$b_home/.ssh" ]; then
  mkdir -p -- "$b_home/.ssh" || exit 1
  chmod 0700 "$b_home/.ssh" && chown "$b_user:$b_group" "$b_home/.ssh" || exit 1
fi
b_file=$b_home/.ssh/authorized_keys
[ ! -L "$b_file" ] || fail "$b_file is a symbolic link; look at it"
: >"$b_work/new" || exit 1
if [ -e "$b_file" ]; then cat -- "$b_file" >"$b_work/new" || exit 1; fi
# The last line of a file that a person wrote may have no end.
if [ -s "$b_work/new" ] && [ -n "$(tail -c 1 "$b_work/new")" ]; then printf '\n' >>"$b_work/new"; fi
b_added=
while IFS= read -r b_key; do
  if grep -qxF -e "$b_key" "$b_work/new"; then continue; fi
  printf '%s\n' "$b_key" >>"$b_work/new" || exit 1
  b_added=yes
done <"$b_work/keys"
if [ -n "$b_added" ]; then
  cp -- "$b_work/new" "$b_file.citadel" && chmod 0600 "$b_file.citadel" &&
    chown "$b_user:$b_group" "$b_file.citadel" && mv -f -- "$b_file.citadel" "$b_file" || exit 1
  say "gave $b_user its keys"
fi

if [ "$b_user" != root ] && ! runuser -u "$b_user" -- sudo -n true </dev/null >/dev/null 2>&1; then
  # sudo reads no file whose name has a dot, and of lines that match it takes the last: this name sorts after others.
  b_sudoers=/etc/sudoers.d/zz-citadel-$b_user
  printf '%s ALL=(ALL:ALL) NOPASSWD: ALL\n' "$b_user" >"$b_sudoers.new" && chmod 0440 "$b_sudoers.new" || exit 1
  if ! visudo -c -q -f "$b_sudoers.new" >"$b_work/visudo" 2>&1; then
    rm -f -- "$b_sudoers.new"
    fail "visudo: $(tr '\n' ' ' <"$b_work/visudo")"
  fi
  mv -f -- "$b_sudoers.new" "$b_sudoers" || exit 1
  say "let $b_user use sudo without a password"
fi
printf 'end\n'
