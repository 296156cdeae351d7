"""backup_metadata.json: what is on the backup disk, how the last runs and checks ended. Made again from the disk when lost.

The list of archives always follows the disk; only what was found by checks and how runs ended is known from here alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from citadel_node import files
from citadel_node.backups import names
from citadel_node.backups.retention import Judged
from citadel_node.backups.store import Archive, Store
from citadel_node.output import time_text
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

VERSION = 1
UNVERIFIED, GOOD, DAMAGED, UNKNOWN = "unverified", "good", "damaged", "unknown"
_WAIT_SEC = 30.0


@dataclass(frozen=True)
class Checked:
    """What the last check of an archive found. `unknown`: it reads well, but the catalogue does not know it.

    `size` and `mtime` are those of the archive that was checked: another file of the same name is unverified.
    """

    state: str
    at: float
    detail: str
    size: int
    mtime: float


@dataclass(frozen=True)
class Run:
    """How the last run of one kind and model ended; `model` is the empty text for configuration. Times since 1970."""

    finished: float
    success: bool
    duration_sec: float
    detail: str


@dataclass(frozen=True)
class Verification:
    """The last `validate-all`."""

    finished: float
    success: bool
    last_success: float | None


@dataclass
class Metadata:
    archives: list[Archive] = field(default_factory=list)
    checks: dict[str, Checked] = field(default_factory=dict)
    runs: dict[tuple[str, str], Run] = field(default_factory=dict)
    verification: Verification | None = None
    rebuilt: bool = False

    def state(self, store: Store, archive: Archive) -> Checked | None:
        found = self.checks.get(store.relative(archive.path))
        return found if found and (found.size, found.mtime) == (archive.size, archive.mtime) else None

    def judged(self, store: Store) -> list[Judged]:
        """What a check found holds for all names of the same bytes, also for one that was made since."""
        found: dict[str, set[int]] = {GOOD: set(), DAMAGED: set()}
        for archive in self.archives:
            check = self.state(store, archive)
            if check is not None and check.state in found:
                found[check.state].add(archive.inode)
        damaged, proven = found[DAMAGED], found[GOOD] - found[DAMAGED]
        return [Judged(one, one.inode not in damaged, one.inode in proven) for one in self.archives]


def read(settings: Settings) -> Metadata:
    """The disk as it is, with what is known of it. A lost or damaged file is no error: `rebuilt` says so."""
    store = Store(settings)
    found = Metadata(archives=store.archives())
    try:
        data = files.read_json(settings.backup.metadata)
        if data is None:
            raise ValueError("there is none")
        _fill(found, data)
    except (ProgramError, ValueError, KeyError, TypeError, AttributeError):
        found.checks, found.runs, found.verification = {}, {}, None
        found.rebuilt = True
    there = {store.relative(archive.path) for archive in found.archives}
    found.checks = {path: check for path, check in found.checks.items() if path in there}
    return found


@contextlib.contextmanager
def changed(
    settings: Settings, now: float, then: Callable[[Metadata], None] = lambda _found: None
) -> Iterator[Metadata]:
    """For changing it: read again under its lock, written when the block ends well. `then` is called with what was written,
    under the lock still: what is made of it must not be overtaken by what another run makes of older metadata."""
    store = Store(settings)
    with store.locked("metadata", _WAIT_SEC):
        found = read(settings)
        yield found
        found.archives = store.archives()
        text = json.dumps(to_data(store, found, now), indent=1, ensure_ascii=False) + "\n"
        files.atomic_write(settings.backup.metadata, text, 0o644, durable=False)
        store.own(settings.backup.metadata)
        then(found)


def to_data(store: Store, found: Metadata, now: float) -> dict[str, Any]:
    return {
        "version": VERSION,
        "updated": time_text(now),
        "archives": {
            store.relative(archive.path): _archive_data(archive, found.state(store, archive))
            for archive in found.archives
        },
        "runs": [
            {"backup": backup, "model": model, **dataclasses.asdict(run)}
            for (backup, model), run in sorted(found.runs.items())
        ],
        "verification": None if found.verification is None else dataclasses.asdict(found.verification),
    }


def backup_name(kind: str) -> str:
    """The metrics' name of a kind: `models-daily`, `configs`."""
    return kind if kind == names.CONFIGS else f"models-{kind}"


def _archive_data(archive: Archive, check: Checked | None) -> dict[str, Any]:
    return {
        "backup": backup_name(archive.kind),
        "model": None if archive.kind == names.CONFIGS else archive.model,
        "created": time_text(archive.stamp),
        "size_bytes": archive.size,
        "names_of_these_bytes": archive.shared,
        "state": UNVERIFIED if check is None else check.state,
        "checked": None
        if check is None
        else {"at": check.at, "detail": check.detail, "mtime": archive.mtime},
    }


def _fill(found: Metadata, data: Mapping[str, Any]) -> None:
    if data["version"] != VERSION:
        raise ValueError("another version")
    for path, one in data["archives"].items():
        if (check := one["checked"]) is not None:
            at, mtime = float(check["at"]), float(check["mtime"])
            found.checks[path] = Checked(
                str(one["state"]), at, str(check["detail"]), int(one["size_bytes"]), mtime
            )
    for run in data["runs"]:
        found.runs[(str(run["backup"]), str(run["model"]))] = Run(
            float(run["finished"]), bool(run["success"]), float(run["duration_sec"]), str(run["detail"])
        )
    if (last := data["verification"]) is not None:
        success = last["last_success"]
        found.verification = Verification(
            float(last["finished"]), bool(last["success"]), None if success is None else float(success)
        )
