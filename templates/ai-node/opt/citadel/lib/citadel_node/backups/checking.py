"""Checks of many archives: every content once, what was found written down at once, so that metrics say it."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citadel_node.backups import names, runs, verify_archive
from citadel_node.backups.metadata import DAMAGED, Checked, Metadata, Verification
from citadel_node.backups.store import Archive, Store
from citadel_node.settings import Settings


@dataclass(frozen=True)
class Result:
    """An archive and what its check found."""

    archive: str
    model: str | None
    state: str
    detail: str

    @property
    def damaged(self) -> bool:
        return self.state == DAMAGED


def check_archives(
    settings: Settings, archives: Sequence[Archive], deep: bool, told: Callable[[Result], None]
) -> list[Result]:
    """Archives with several names are read once. Those that a retention removes meanwhile are left out."""
    store = Store(settings)
    results: list[Result] = []
    groups: dict[int, list[Archive]] = {}
    for archive in archives:
        groups.setdefault(archive.inode, []).append(archive)
    for group in groups.values():
        found = _check_group(store, group, deep)
        if found is None:
            continue
        for archive in group:
            model = None if archive.kind == names.CONFIGS else archive.model
            result = Result(store.relative(archive.path), model, found.state, found.detail)
            results.append(result)
            told(result)
        runs.save_checked(settings, functools.partial(_note, store, group[0].inode, found))
    return results


def finish_all(settings: Settings, success: bool) -> None:
    """Writes down the end of a check of all archives."""
    now = time.time()

    def change(known: Metadata) -> None:
        before = known.verification.last_success if known.verification else None
        known.verification = Verification(now, success, now if success else before)

    runs.save_checked(settings, change)


def _check_group(store: Store, group: Sequence[Archive], deep: bool) -> Checked | None:
    """By the first of its names that is still there; one that the catalogue knows, if any is."""
    known_first = sorted(group, key=lambda one: not store.record_path(one.kind, one.name).exists())
    for archive in known_first:
        with contextlib.suppress(FileNotFoundError):
            archive.path.lstat()
            found = verify_archive.check(store, archive, deep)
            if archive.path.exists():
                return found
    return None


def _note(store: Store, inode: int, found: Checked, known: Metadata) -> None:
    """For every name of the bytes, also those that no one asked about: the next backup links to the newest of them."""
    for archive in known.archives:
        if archive.inode == inode:
            known.checks[store.relative(archive.path)] = found
