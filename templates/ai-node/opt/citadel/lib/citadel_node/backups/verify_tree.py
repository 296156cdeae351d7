"""Checks a directory against the catalogue: an extracted model in staging, or the one in use."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from citadel_node.backups import names
from citadel_node.backups.checksums import of_algorithm, sum_file
from citadel_node.backups.record import Record
from citadel_node.backups.store import Archive, Store
from citadel_node.program import ProgramError


@dataclass(frozen=True)
class TreeReport:
    """`archive` is the one whose content this is, or is closest to; None where no archive has such a directory."""

    path: Path
    archive: Archive | None
    damaged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    files: int = 0

    @property
    def good(self) -> bool:
        return self.archive is not None and not (self.damaged or self.missing or self.extra)


@dataclass
class _Found:
    """What is in the directory. Checksums are made when a record asks for them, and once."""

    root: Path
    kinds: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    _sums: dict[tuple[str, str], str] = field(default_factory=dict)

    def checksum(self, path: str, like: str) -> str:
        """By the algorithm of another checksum."""
        key = (path, like.partition(":")[0])
        if key not in self._sums:
            try:
                self._sums[key] = sum_file(self.root / path, of_algorithm(like))
            except OSError as error:
                self._sums[key] = f"unreadable: {error.strerror}"
        return self._sums[key]


def candidates(store: Store, directory: str) -> list[tuple[Archive, Record]]:
    """Archives whose top directory has this name, newest first; of those with the same content, only the newest."""
    found: list[tuple[Archive, Record]] = []
    models = [one for one in store.archives() if one.kind != names.CONFIGS]
    for archive in sorted(models, key=lambda one: one.stamp, reverse=True):
        try:
            known = store.read_record(archive)
        except ProgramError:
            continue  # `verify` of the archive itself names it
        if known is None or known.root != directory:
            continue
        if not any(known.same_content(other) for _, other in found):
            found.append((archive, known))
    return found


def check(path: Path, against: Sequence[tuple[Archive, Record]]) -> TreeReport:
    """Compares with each until one fits. Otherwise with the closest, which is the newest of equally close ones."""
    found = _look(path)
    best: TreeReport | None = None
    for archive, known in against:
        report = _compare(path, archive, known, found)
        if report.good:
            return report
        if best is None or _distance(report) < _distance(best):
            best = report
    return best or TreeReport(path, None, files=sum(1 for kind in found.kinds.values() if kind == "file"))


def _distance(report: TreeReport) -> int:
    return len(report.damaged) + len(report.missing) + len(report.extra)


def _look(root: Path) -> _Found:
    found = _Found(root)

    def fail(error: OSError) -> None:
        raise ProgramError(f"{error.filename} cannot be read: {error.strerror}", "Run it with sudo.")

    for directory, below, names_ in os.walk(root, onerror=fail):
        for name in (*below, *names_):
            full = Path(directory) / name
            seen = full.lstat()
            path = str(full.relative_to(root))
            kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link"}
            found.kinds[path] = kinds.get(stat.S_IFMT(seen.st_mode), "special")
            found.sizes[path] = seen.st_size
    return found


def _compare(path: Path, archive: Archive, known: Record, found: _Found) -> TreeReport:
    wanted = {saved.entry.path: saved for saved in known.entries}
    damaged: list[str] = []
    for name, saved in wanted.items():
        kind = found.kinds.get(name)
        if kind is None:
            continue
        same = kind == saved.entry.kind
        if same and kind == "link":
            same = os.readlink(path / name) == saved.entry.target
        elif same and kind == "file":
            same = found.sizes[name] == saved.entry.size and _sum_is(found, name, saved.checksum)
        if not same:
            damaged.append(name)
    return TreeReport(
        path=path,
        archive=archive,
        damaged=tuple(sorted(damaged)),
        missing=tuple(sorted(wanted.keys() - found.kinds.keys())),
        extra=tuple(sorted(found.kinds.keys() - wanted.keys())),
        files=known.files,
    )


def _sum_is(found: _Found, path: str, wanted: str | None) -> bool:
    return wanted is not None and found.checksum(path, wanted) == wanted
