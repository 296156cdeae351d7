"""Backs up one model: nothing is read where nothing changed, and nothing is visible before it is whole.

What only a changed model needs is imported when one is found: most runs find none, and end in a tenth of a second.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citadel_node import mounts
from citadel_node.backups import names, retention, tree
from citadel_node.backups.metadata import DAMAGED, Metadata
from citadel_node.backups.names import ArchiveName
from citadel_node.backups.record import Record
from citadel_node.backups.store import MODELS, Archive, Store
from citadel_node.backups.tree import Entry
from citadel_node.output import size_text
from citadel_node.program import ProgramError
from citadel_node.settings import Model, Settings

Say = Callable[[str], None]
# For the record, the directories and what others write meanwhile.
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True)
class Done:
    """`how` is `written`, `linked` (nothing changed, no file was read) or `same` (read again, and found unchanged)."""

    archive: Path
    how: str
    source_size: int
    archive_size: int


@dataclass(frozen=True)
class _Previous:
    archive: Archive
    record: Record


def source_of(model: Model) -> Path:
    """The model's real directory: its name is the archive's top entry."""
    path = model.path.resolve()
    if not path.is_dir():
        raise ProgramError(
            f"{model.path} is not there",
            "Is the models' disk mounted? findmnt /mnt/citadel-models; storage_manager.py verify-prereq says more.",
        )
    return path


def back_up(settings: Settings, store: Store, found: Metadata, kind: str, model: Model, say: Say) -> Done:
    """Makes `<kind>/<model>-<time>.tar.zst`. Needs the lock `models`. Raises ProgramError, with nothing left behind."""
    directory = source_of(model)
    started = time.time_ns()
    entries = _scan(directory)
    for link in tree.outside_links(entries):
        say(f"  note: {link.path} points to {link.target}, outside of the model: what is there is not saved")
    previous = _newest_good(store, found, model.name)
    newest = max((one.stamp for one in found.archives if _is_of(one, model.name)), default=None)
    name = ArchiveName(names.next_stamp(time.time(), newest), model.name)
    source_size = tree.total_size(entries)
    if previous is not None and previous.record.root == directory.name:
        before = previous.record
        if tree.proven_same(before.tree(), before.started_ns, entries):
            target = store.publish(kind, name, previous.archive.path, before, keep_source=True)
            return Done(target, "linked", source_size, before.archive_size)
    _require_space(store, source_size, previous)
    partial = store.partial(MODELS, name)
    try:
        record = _write(settings, directory, model.name, entries, started, partial)
        if previous is not None and record.same_content(previous.record):
            # Touched, moved or fetched again, but the same: the new times are recorded, the copy is not needed.
            known = Record(
                record.model,
                record.root,
                record.source,
                started,
                previous.record.archive_size,
                previous.record.archive_checksum,
                record.entries,
            )
            target = store.publish(kind, name, previous.archive.path, known, keep_source=True)
            return Done(target, "same", source_size, known.archive_size)
        target = store.publish(kind, name, partial, record, keep_source=False)
        return Done(target, "written", source_size, record.archive_size)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()


def unchanged_since(store: Store, found: Metadata, model: str, directory: Path, entries: list[Entry]) -> bool:
    """Whether the next backup would only link."""
    previous = _newest_good(store, found, model)
    return (
        previous is not None
        and previous.record.root == directory.name
        and tree.proven_same(previous.record.tree(), previous.record.started_ns, entries)
    )


def prune(store: Store, found: Metadata, kind: str, model: str, keep: int) -> tuple[list[Archive], int]:
    """Retention of one kind and model, after a new archive of it. Returns what was removed and the bytes freed."""
    found.archives = store.archives()
    judged = [one for one in found.judged(store) if (one.archive.kind, one.archive.model) == (kind, model)]
    gone = retention.beyond(judged, keep)
    return gone, sum(store.remove(archive) for archive in gone)


def keep_of(settings: Settings, kind: str) -> int:
    backup = settings.backup
    return {
        "daily": backup.daily,
        "weekly": backup.weekly,
        "monthly": backup.monthly,
        names.CONFIGS: backup.configs,
    }[kind].keep


def _scan(directory: Path) -> list[Entry]:
    try:
        return tree.scan(directory)
    except OSError as error:
        raise ProgramError(f"{error.filename} cannot be read: {error.strerror}", "Look: ls -la") from error


def _write(
    settings: Settings, directory: Path, model: str, entries: list[Entry], started: int, partial: Path
) -> Record:
    from citadel_node.backups import pipeline
    from citadel_node.backups.calm import calm_down

    calm_down()
    try:
        saved, size, checksum = pipeline.write_archive(
            directory, entries, partial, settings.backup.compression_level
        )
    except FileNotFoundError as error:
        raise pipeline.Changed(f"{error.filename} vanished while the backup ran") from error
    except OSError as error:
        where = error.filename or directory
        raise ProgramError(f"{where}: {error.strerror}", "Look for faults: journalctl -k -n 50") from error
    changed = tree.changes(entries, _scan(directory))
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise pipeline.Changed(f"{directory}: {', '.join(changed[:3])}{more} changed while the backup ran")
    return Record(model, directory.name, str(directory), started, size, checksum, tuple(saved))


def _is_of(archive: Archive, model: str) -> bool:
    return archive.model == model and archive.kind != names.CONFIGS


def _newest_good(store: Store, found: Metadata, model: str) -> _Previous | None:
    """The newest archive of any kind, if it can stand for an unchanged model.

    Only the newest: a link shares its mtime with the older name, and `ls -t` must go on showing contents in their order.
    An archive that a check found damaged, that the catalogue does not know or that was touched since is none.
    """
    of_model = [one for one in found.archives if _is_of(one, model)]
    if not of_model:
        return None
    newest = max(of_model, key=lambda one: one.stamp)
    check = found.state(store, newest)
    if check is not None and check.state == DAMAGED:
        return None
    try:
        record = store.read_record(newest)
    except ProgramError:
        return None
    if record is None or record.archive_size != newest.size:
        return None
    if any(one.mtime > newest.mtime for one in of_model):
        return None
    return _Previous(newest, record)


def _require_space(store: Store, source_size: int, previous: _Previous | None) -> None:
    """An archive is at most as large as what it holds; what the last one saved is likely to be saved again."""
    needed = float(source_size)
    if previous is not None and previous.record.source_size > 0:
        needed *= min(1.0, 1.2 * previous.record.archive_size / previous.record.source_size)
    available = mounts.usage(store.root).available
    if available < needed + _SPARE_BYTES:
        raise ProgramError(
            f"{store.root} has {size_text(available)} free; this backup needs {size_text(needed + _SPARE_BYTES)}",
            f"Make room: backup_manager.py cleanup DAYS; what is large: du -h {store.root} | sort -h | tail",
        )


def used_by(found: Metadata) -> int:
    """Bytes of all archives, each counted once however many names it has."""
    return sum({one.inode: one.size for one in found.archives}.values())
