"""What stands in a directory: the list that decides whether it changed, and what of it cannot be saved."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from citadel_node.program import ProgramError

# Two writes within one tick of the kernel's clock leave the same time behind. No tick is longer than 10 ms.
_TICK_NS = 100_000_000
_SPECIAL = {
    stat.S_IFSOCK: "a socket",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


@dataclass(frozen=True)
class Entry:
    """One thing below the directory. `path` is relative to it; `kind` is `file`, `dir` or `link`; times in ns."""

    path: str
    kind: str
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    target: str | None = None


def scan(root: Path) -> list[Entry]:
    """Everything below `root`, sorted by path, from lstat alone. Names all that cannot be saved, at once."""
    found: list[Entry] = []
    refused: list[str] = []
    for path, seen in _walk(root, ""):
        kind = stat.S_IFMT(seen.st_mode)
        name = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}.get(kind)
        if name is None:
            refused.append(f"{root / path} is {_SPECIAL.get(kind, 'of an unknown kind')}")
            continue
        if _unprintable(path):
            refused.append(f"{root / path!r} has a name that is not UTF-8")
            continue
        found.append(
            Entry(
                path=path,
                kind=name,
                mode=stat.S_IMODE(seen.st_mode),
                size=seen.st_size if name == "file" else 0,
                mtime_ns=seen.st_mtime_ns,
                ctime_ns=seen.st_ctime_ns,
                inode=seen.st_ino,
                target=os.readlink(root / path) if name == "link" else None,
            )
        )
    if refused:
        raise ProgramError("; ".join(refused), "A model consists of files, directories and links: remove it.")
    return sorted(found, key=lambda entry: entry.path)


def total_size(entries: Sequence[Entry]) -> int:
    return sum(entry.size for entry in entries)


def proven_same(before: Sequence[Entry], started_ns: int, now: Sequence[Entry]) -> bool:
    """Whether what was read from `started_ns` on is, without reading it again, what is there now.

    Size, mtime, ctime and inode of every file are equal, and no file was touched so shortly before it was read that a
    later write could have left the same times.
    """
    if len(before) != len(now):
        return False
    settled = started_ns - _TICK_NS
    return all(
        _trace(old) == _trace(new) and (old.kind == "dir" or old.ctime_ns < settled)
        for old, new in zip(before, now, strict=True)
    )


def changes(before: Sequence[Entry], now: Sequence[Entry]) -> list[str]:
    """Paths that appeared, vanished or were touched between two scans, sorted."""
    old = {entry.path: _trace(entry) for entry in before}
    new = {entry.path: _trace(entry) for entry in now}
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def outside_links(entries: Sequence[Entry]) -> list[Entry]:
    """Links that lead out of the directory: what they point to is not in the archive."""
    return [entry for entry in entries if entry.target is not None and _leaves(entry.path, entry.target)]


def _trace(entry: Entry) -> tuple[object, ...]:
    """Times and inode of a directory change when someone moves it; what is in it is in the list itself."""
    if entry.kind == "dir":
        return (entry.path, entry.kind, entry.mode)
    # Times of a link change with nothing that is kept of it.
    times = (entry.mtime_ns, entry.ctime_ns, entry.inode) if entry.kind == "file" else ()
    return (entry.path, entry.kind, entry.mode, entry.size, entry.target, *times)


def _leaves(path: str, target: str) -> bool:
    if target.startswith("/"):
        return True
    return os.path.normpath(os.path.join("/_", os.path.dirname(path), target)).split("/")[1:2] != ["_"]


def _walk(root: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(root / below) as listing:
        children = sorted(listing, key=lambda child: child.name)
    for child in children:
        path = f"{below}/{child.name}" if below else child.name
        seen = child.stat(follow_symlinks=False)
        yield path, seen
        if stat.S_ISDIR(seen.st_mode):
            yield from _walk(root, path)


def _unprintable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return True
    return False
