"""What stands where a model should be: whole, damaged, or something that no archive knows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from citadel_node.backups import verify_tree
from citadel_node.backups.record import Record
from citadel_node.backups.store import Archive, Store
from citadel_node.backups.verify_tree import TreeReport
from citadel_node.settings import Model
from citadel_node.storage import weights


@dataclass(frozen=True)
class InPlace:
    """`how`: `missing`, `whole` (as `archive` has it), `unverified` (no archive has the same), `failed` (`words` say why)."""

    how: str
    archive: Archive | None = None
    words: str = ""


def look(store: Store, model: Model) -> InPlace:
    """Only what an archive has with other times is read."""
    path = model.path.resolve()
    if not path.is_dir():
        return InPlace("missing")
    known = verify_tree.candidates(store, path.name)
    for archive, record in known:
        found = {saved.entry.path: saved.entry for saved in record.entries}
        if _same_look(path, {key: (one.kind, one.size, one.mtime_ns) for key, one in found.items()}):
            return InPlace("whole", archive)
    report = verify_tree.check(path, known)
    if report.good and report.archive is not None:
        return InPlace("whole", report.archive)
    problems = weights.inspect(model).problems
    rotten = _same_sizes_other_bytes(path, report, known)
    if problems or rotten:
        words = "; ".join(problems[:3]) or f"{', '.join(rotten[:3])} differ from every archive"
        return InPlace("failed", words=words)
    return InPlace("unverified")


def _same_sizes_other_bytes(
    path: Path, report: TreeReport, known: Sequence[tuple[Archive, Record]]
) -> tuple[str, ...]:
    """Files that are damaged, if that is all there is: other names or sizes are those of a newer model."""
    record = next((record for archive, record in known if archive == report.archive), None)
    if record is None or report.missing or report.extra:
        return ()
    sizes = {saved.entry.path: saved.entry.size for saved in record.entries if saved.entry.kind == "file"}
    same = all((path / name).lstat().st_size == sizes.get(name) for name in report.damaged)
    return report.damaged if same else ()


def _same_look(path: Path, wanted: dict[str, tuple[str, int, int]]) -> bool:
    seen: set[str] = set()
    for directory, below, inside in os.walk(path):
        for name in (*below, *inside):
            full = Path(directory) / name
            key = str(full.relative_to(path))
            kind, size, mtime_ns = wanted.get(key, ("", 0, 0))
            there = full.lstat()
            if kind == "file" and (
                not full.is_file() or (there.st_size, there.st_mtime_ns) != (size, mtime_ns)
            ):
                return False
            if kind == "" or (kind == "link") != full.is_symlink():
                return False
            seen.add(key)
    return seen == wanted.keys()
