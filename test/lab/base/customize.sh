#!/bin/sh
# Makes a freshly bootstrapped Debian tree the base of a lab host. mmdebstrap runs it outside the tree, before its
# clean-up. Usage: customize.sh ROOT, with LAB_INSTALLABLE, LAB_INSTALLABLE_SOMEWHERE,
# LAB_DISABLED, LAB_MASKED (words) and LAB_GUEST (folder).
set -eu

root=$1
mirror=$root/usr/local/share/citadel-lab/mirror

# Every archive of the base and a few more become a repository inside the host, so that apt works without a network:
# update, install of what is not there, install of what was removed.
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
for package in $LAB_INSTALLABLE_SOMEWHERE; do
    if apt-cache show "$package" >/dev/null 2>&1; then LAB_INSTALLABLE="$LAB_INSTALLABLE $package"; fi
done
# shellcheck disable=SC2086 # a list of words
apt-get install --yes --no-install-recommends --download-only $LAB_INSTALLABLE >/dev/null
unset APT_CONFIG
mkdir -p "$mirror"
mv "$root"/var/cache/apt/archives/*.deb "$mirror/"
chmod 0644 "$mirror"/*.deb
(
    cd "$mirror"
    for archive in *.deb; do
        dpkg-deb --field "$archive"
        printf 'Filename: ./%s\n' "$archive"
        printf 'Size: %s\n' "$(stat -c %s "$archive")"
        printf 'SHA256: %s\n\n' "$(sha256sum "$archive" | cut -d ' ' -f 1)"
    done >Packages
)
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
echo 'deb [trusted=yes] file:/usr/local/share/citadel-lab/mirror ./' >"$root/etc/apt/sources.list"

# The person who runs the guide's commands.
chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash --groups adm,sudo agent0
echo 'agent0 ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/90-agent0"
chmod 0440 "$root/etc/sudoers.d/90-agent0"

for unit in $LAB_DISABLED; do
    if [ -e "$root/lib/systemd/system/$unit" ]; then
        systemctl --root="$root" --quiet disable "$unit"
    fi
done
# shellcheck disable=SC2086 # a list of words
systemctl --root="$root" --quiet mask $LAB_MASKED

# Each host of each lab gets its own.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"

cp -R "$LAB_GUEST/." "$root/"
chmod 0755 "$root"/usr/local/lib/citadel-lab/* "$root"/usr/local/lib/systemd/system-generators/*
mkdir -p "$root/var/log/journal"
chroot "$root" apt-get -qq update
