# Prints what a host has of what an apply needs; writes nothing. Constant text, without input.
# $1 is the root prefix: empty on a live host, the directory of an offline root otherwise.
# Output: "citadel-examine/1", then one record per line, fields separated by tabs, then "end".
set -u
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
ROOT=${1-}

printf 'citadel-examine/1\n'
printf 'time\t%s\n' "$(date +%s)"
printf 'uid\t%s\n' "$(id -u)"
if [ -r "$ROOT/etc/os-release" ]; then
  sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\)"\{0,1\}$/system\t\1/p' "$ROOT/etc/os-release"
fi
for tool in sha256sum find xargs tar flock findmnt mount sed grep cmp getent useradd groupadd dpkg-query apt-get curl; do
  if command -v "$tool" >/dev/null 2>&1; then printf 'tool\t%s\tyes\n' "$tool"; else printf 'tool\t%s\tno\n' "$tool"; fi
done
# An offline root is worked on by this machine's own tools, and has no running systemd.
if [ -z "$ROOT" ]; then
  if [ -d /run/systemd/system ]; then printf 'booted\tyes\n'; else printf 'booted\tno\n'; fi
  if command -v systemctl >/dev/null 2>&1; then
    printf 'systemd\t%s\n' "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*$/\1/p')"
  fi
fi
for place in /var /opt; do
  # The nearest folder that exists: an image may have no /opt yet.
  folder=$ROOT$place
  [ -d "$folder" ] || folder=$ROOT/
  # Two numbers.
  # shellcheck disable=SC2046
  set -- $(df -k --output=avail,iavail "$folder" | tail -n 1)
  printf 'space\t%s\t%s\t%s\n' "$place" "${1-}" "${2-}"
done
printf 'end\n'
