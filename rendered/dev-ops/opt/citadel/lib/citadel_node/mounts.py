"""What is mounted where, from the kernel's own table, and how full it is."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_LINKS = {"LABEL": "/dev/disk/by-label", "UUID": "/dev/disk/by-uuid", "PARTUUID": "/dev/disk/by-partuuid"}


@dataclass(frozen=True)
class Mounted:
    path: Path
    source: str
    type: str
    options: tuple[str, ...]
    device: str

    @property
    def read_only(self) -> bool:
        return "ro" in self.options


@dataclass(frozen=True)
class Usage:
    """Bytes and inodes of a file system. `available` is what an ordinary account may still write."""

    size: int
    used: int
    available: int
    inodes: int
    inodes_free: int

    @property
    def percent(self) -> float:
        """As df counts: used of what ordinary accounts can ever use."""
        usable = self.used + self.available
        return 100 * self.used / usable if usable else 0.0

    @property
    def inodes_percent(self) -> float:
        return 100 * (self.inodes - self.inodes_free) / self.inodes if self.inodes else 0.0


def table(source: Path | None = None) -> dict[Path, Mounted]:
    """Mount points; where one lies over another, the one that is seen.

    Source: /proc/self/mountinfo, or the file that `CITADEL_MOUNTINFO` names (tests).
    """
    source = source or Path(os.environ.get("CITADEL_MOUNTINFO") or "/proc/self/mountinfo")
    found: dict[Path, Mounted] = {}
    for line in source.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        left, separator, right = line.partition(" - ")
        first, second = left.split(" "), right.split(" ")
        if not separator or len(first) < 6 or len(second) < 3:
            continue
        path = Path(_unescape(first[4]))
        # Options of the mount and of the file system: a disk that went bad is read-only in the second.
        options = tuple(dict.fromkeys([*first[5].split(","), *second[2].split(",")]))
        if "ro" in options:
            options = tuple(one for one in options if one != "rw")
        found[path] = Mounted(path, _unescape(second[1]), second[0], options, first[2])
    return found


def mounted(path: Path, source: Path | None = None) -> Mounted | None:
    """What is mounted exactly there; None where nothing is, also where a directory of that name is."""
    return table(source).get(path)


def same_source(mount: Mounted, expected: str) -> bool | None:
    """Whether a mount comes from what fstab names; None where that cannot be told (no such device node)."""
    if mount.source == expected:
        return True
    kind, separator, value = expected.partition("=")
    device = f"{_LINKS[kind]}/{_encoded(value.strip(chr(34)))}" if separator and kind in _LINKS else expected
    if not device.startswith("/dev/"):
        return None
    try:
        there = os.stat(device)
    except OSError:
        return None
    return f"{os.major(there.st_rdev)}:{os.minor(there.st_rdev)}" == mount.device


def usage(path: Path) -> Usage:
    """Raises OSError where the path cannot be asked."""
    seen = os.statvfs(path)
    return Usage(
        size=seen.f_blocks * seen.f_frsize,
        used=(seen.f_blocks - seen.f_bfree) * seen.f_frsize,
        available=seen.f_bavail * seen.f_frsize,
        inodes=seen.f_files,
        inodes_free=seen.f_ffree,
    )


def _unescape(text: str) -> str:
    """Blanks and their like stand in the kernel's table as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def _encoded(label: str) -> str:
    """As udev writes names of links in /dev/disk: what is not plain becomes \\x20 and so on."""
    plain = "#+-.:=@_/"
    return "".join(
        sign if sign.isalnum() or sign in plain else "".join(f"\\x{byte:02x}" for byte in sign.encode())
        for sign in label
    )
