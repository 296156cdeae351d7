"""What an operator's way in depends on. The patterns are the engine's (plan/risk.ts), and a test keeps them equal."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from citadel_node.rollback.state import PATH_SECTIONS, Change, Situation, UnitAction

PATHS = (
    r"^/etc/ssh(/|$)",
    r"^/etc/(nftables\.conf|nftables|nftables\.d|iptables|ufw|firewalld)(/|$)",
    r"^/etc/(wireguard|openvpn|ipsec\.conf|ipsec\.d|swanctl)(/|$)",
    r"^/etc/(network|netplan|NetworkManager|systemd/network)(/|$)",
    r"^/etc/systemd/(networkd|resolved)\.conf(\.d/|$)",
    r"^/etc/(resolv\.conf|hosts|hosts\.allow|hosts\.deny|nsswitch\.conf|passwd|shadow|group|gshadow|shells|login\.defs)$",
    r"^/etc/(sudoers|sudoers\.d|pam\.d|pam\.conf|security)(/|$)",
    r"/\.ssh(/|$)",
)
UNIT = r"^(ssh|sshd|sshd@[^.]*|ssh@[^.]*|nftables|iptables|ip6tables|netfilter-persistent|ufw|firewalld|networking|ifup@[^.]*|NetworkManager[^.]*|systemd-networkd[^.]*|systemd-resolved|dbus|systemd-logind|systemd-user-sessions|wg-quick@[^.]*|openvpn[^.]*|strongswan[^.]*|tailscaled)\."
PACKAGE = r"^(openssh-server|sudo|nftables|iptables|ufw|firewalld|netplan\.io|ifupdown|network-manager|systemd|systemd-resolved|libpam-.*|passwd|login|wireguard-tools|openvpn|strongswan[^:]*|tailscale)(:|$)"
UNIT_FOLDER = r"^/etc/systemd/system/([^/]+?)(\.d/.*)?$"


def way_in(it: Situation, changes: Sequence[Change], actions: Sequence[UnitAction]) -> list[str]:
    """What of a plan could lock the operator out, as names for people; empty when nothing could."""
    homes = frozenset(str(user["home"]) for user in it.wants("users").values())
    found = [_name(change) for change in changes if _is_risky(change, homes)]
    found += [action.unit for action in actions if re.search(UNIT, action.unit)]
    return list(dict.fromkeys(found))


def _is_risky(change: Change, homes: Set[str]) -> bool:
    key = change.key
    if change.section in ("users", "groups"):
        return change.action != "create"
    if change.section == "packages":
        return re.search(PACKAGE, key) is not None
    if change.section == "units":
        return re.search(UNIT, key) is not None
    if change.section not in (*PATH_SECTIONS, "blocks"):
        return False
    unit = re.search(UNIT_FOLDER, key)
    return (
        # sshd refuses keys below a home directory that others may write to.
        key in homes
        or (unit is not None and re.search(UNIT, unit[1]) is not None)
        or any(re.search(pattern, key) for pattern in PATHS)
    )


def _name(change: Change) -> str:
    return (
        f"{change.section[:-1]} {change.key}"
        if change.section in ("users", "groups", "packages")
        else change.key
    )
