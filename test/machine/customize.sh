#!/bin/sh
# Makes a freshly bootstrapped Debian tree the root of a virtual machine. mmdebstrap runs it outside the tree.
# Usage: customize.sh ROOT, with MACHINE_KEY (the operator's public key).
set -eu

root=$1
chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash agent0
echo 'agent0 ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/90-agent0"
chmod 0440 "$root/etc/sudoers.d/90-agent0"
install -d -o 1000 -g 1000 -m 0700 "$root/home/agent0/.ssh"
printf '%s\n' "$MACHINE_KEY" >"$root/home/agent0/.ssh/authorized_keys"
chown -R 1000:1000 "$root/home/agent0"

echo machine >"$root/etc/hostname"
echo 'LABEL=root / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/lan.network"
systemctl --root="$root" --quiet enable systemd-networkd.service ssh.service
mkdir -p "$root/var/log/journal"

# A package with a service and a setting, from a repository inside the machine: it needs no network.
repository=$root/srv/repository
tree=$(mktemp -d)
mkdir -p "$repository" "$tree/DEBIAN" "$tree/usr/lib/systemd/system" "$tree/etc"
printf 'Package: machine-package\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n' >"$tree/DEBIAN/control"
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >"$tree/usr/lib/systemd/system/machine-package.service"
echo setting >"$tree/etc/machine-package.conf"
echo /etc/machine-package.conf >"$tree/DEBIAN/conffiles"
printf '#!/bin/sh\nset -e\nsystemctl daemon-reload\nsystemctl enable --now machine-package.service\n' >"$tree/DEBIAN/postinst"
printf '#!/bin/sh\nset -e\nsystemctl disable --now machine-package.service\n' >"$tree/DEBIAN/prerm"
chmod 0755 "$tree" "$tree/DEBIAN/postinst" "$tree/DEBIAN/prerm"
dpkg-deb --root-owner-group --build "$tree" "$repository/machine-package.deb" >/dev/null
rm -r "$tree"
(
    cd "$repository"
    dpkg-deb --field machine-package.deb
    printf 'Filename: ./machine-package.deb\nSize: %s\nSHA256: %s\n' \
        "$(stat -c %s machine-package.deb)" "$(sha256sum machine-package.deb | cut -d ' ' -f 1)"
) >"$repository/Packages"
rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
echo 'deb [trusted=yes] file:/srv/repository ./' >"$root/etc/apt/sources.list"
chroot "$root" apt-get -qq update
