"""Makes room: removing and moving old archives, with the decisions of retention.py."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from citadel_node.backups import names, retention, runs
from citadel_node.backups.metadata import Metadata, read
from citadel_node.backups.store import MODELS, Archive, Store
from citadel_node.output import size_text
from citadel_node.settings import Settings


@dataclass(frozen=True)
class Cleaned:
    """What went (or would go), the bytes that became free, what stays although it is old, leftovers of killed runs."""

    removed: tuple[str, ...]
    freed_bytes: int
    kept: tuple[tuple[str, str], ...]
    swept: tuple[str, ...]
    dry_run: bool


def cleanup(settings: Settings, now: float, days: int, everything: bool, dry_run: bool) -> Cleaned:
    """Raises BusyError while a backup runs."""
    store = Store(settings)
    store.require_disk(writable=not dry_run)
    with _locked(store, dry_run):
        found = read(settings)
        gone, kept = retention.cleanup(found.judged(store), now, days, everything)
        freed = _freed(found, gone)
        swept: list[str] = []
        if not dry_run:
            swept = [*store.sweep(MODELS), *store.sweep(names.CONFIGS)]
            for archive in gone:
                store.remove(archive)
            runs.save_checked(settings, lambda _known: None)
    return Cleaned(
        removed=tuple(store.relative(one.path) for one in gone),
        freed_bytes=freed,
        kept=tuple((store.relative(one.archive.path), one.why) for one in kept),
        swept=tuple(swept),
        dry_run=dry_run,
    )


def archive(settings: Settings, now: float, days: int, dry_run: bool) -> list[str]:
    """Returns the archives that were (or would be) moved, by their old place."""
    store = Store(settings)
    store.require_disk(writable=not dry_run)
    with _locked(store, dry_run):
        found = read(settings)
        chosen = retention.to_archive(found.judged(store), now, days)
        old = [store.relative(one.path) for one in chosen]
        if not dry_run:
            moved = {store.relative(one.path): store.relative(store.move_to_archive(one)) for one in chosen}
            runs.save_checked(settings, lambda known: _rename_checks(known, found, moved))
    return old


def cleanup_lines(done: Cleaned, days: int) -> list[str]:
    would = "would remove" if done.dry_run else "removed"
    lines = [f"{would} {path}" for path in done.removed]
    lines.extend(f"removed {path}, which an interrupted run left behind" for path in done.swept)
    lines.extend(f"kept {path}: {why}" for path, why in done.kept)
    count = len(done.removed)
    free = "would become free" if done.dry_run else "became free"
    lines.append(
        f"{count} {'archive' if count == 1 else 'archives'} older than {days} days {would}; {size_text(done.freed_bytes)} {free}."
        if count
        else f"No archive older than {days} days is to be removed."
    )
    return lines


def _freed(found: Metadata, gone: list[Archive]) -> int:
    """Bytes become free with the last name they have."""
    staying = {one.inode for one in found.archives if one not in gone}
    return sum({one.inode: one.size for one in gone if one.inode not in staying}.values())


def _rename_checks(known: Metadata, before: Metadata, moved: dict[str, str]) -> None:
    """What a check found goes with the archive to its new place."""
    for old, new in moved.items():
        if old in before.checks:
            known.checks[new] = before.checks[old]


@contextlib.contextmanager
def _locked(store: Store, dry_run: bool) -> Iterator[None]:
    if dry_run:
        yield
        return
    with store.locked(MODELS), store.locked(names.CONFIGS, wait_sec=60.0):
        yield
