"""Whether an account may read what stands in a folder: by owners and modes, as the kernel would judge."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from citadel_node.storage.directories import ownership

_ACL = "system.posix_acl_access"


@dataclass(frozen=True)
class Reader:
    """An account, by its number and those of all its groups."""

    name: str
    uid: int
    groups: frozenset[int]

    def may(self, seen: os.stat_result, bit: int) -> bool:
        """`bit` of one of the three classes: 4 to read, 1 to go through a folder. Only the first class that fits counts."""
        if self.uid == 0:
            return True
        if seen.st_uid == self.uid:
            return bool(seen.st_mode & (bit << 6))
        if seen.st_gid in self.groups:
            return bool(seen.st_mode & (bit << 3))
        return bool(seen.st_mode & bit)


def reader(name: str) -> Reader | None:
    """The account, or None where the host has none of that name."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Reader(name, entry.pw_uid, frozenset(os.getgrouplist(name, entry.pw_gid)))


def refusals(folder: Path, who: Reader) -> list[str]:
    """What of a folder and the files in it `who` may not read, each with its owner, group and mode."""
    found = []
    for path in (*reversed(folder.resolve().parents), folder.resolve()):
        if not _allowed(path, who, 1 if path != folder.resolve() else 5):
            # What is below it is out of reach with it.
            return [_said(path)]
    for path in sorted(folder.iterdir()):
        try:
            bits = 5 if path.is_dir() else 4
            if not _allowed(path, who, bits):
                found.append(_said(path))
        except FileNotFoundError:  # a link to nothing is for others to say
            continue
    return found


def _allowed(path: Path, who: Reader, bits: int) -> bool:
    seen = path.stat()
    if all(who.may(seen, bit) for bit in (4, 1) if bits & bit):
        return True
    # An access list may let in whom the mode does not name.
    return _ACL in os.listxattr(path)


def _said(path: Path) -> str:
    owner, group, mode = ownership(path.stat())
    return f"{path.name or path} ({owner}:{group} {mode:04o})"
