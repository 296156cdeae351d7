"""`backup_manager.py status`: what there is, how old it is and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from citadel_node import mounts, output
from citadel_node.backups import metadata, models, names
from citadel_node.backups.metadata import DAMAGED, UNVERIFIED, Metadata
from citadel_node.backups.store import Store
from citadel_node.output import duration_text, size_text, time_text
from citadel_node.settings import Settings


@dataclass(frozen=True)
class Line:
    """One kind of backup of one model; `count` archives, the newest of them good as far as is known."""

    backup: str
    model: str
    count: int
    newest: str | None
    age_sec: float | None
    size_bytes: int
    state: str


@dataclass(frozen=True)
class Report:
    lines: tuple[Line, ...]
    used_bytes: int
    free_bytes: int
    verified: str | None
    verified_good: bool | None
    problems: tuple[str, ...]


def look(settings: Settings, now: float) -> Report:
    """Writes nothing. Raises ProgramError where the disk is not mounted."""
    store = Store(settings)
    store.require_disk(writable=False)
    found = metadata.read(settings)
    lines = [
        *(_line(store, found, kind, model, now) for kind in names.TYPES for model in settings.models),
        _line(store, found, names.CONFIGS, names.CONFIGS, now),
    ]
    last = found.verification
    return Report(
        lines=tuple(lines),
        used_bytes=models.used_by(found),
        free_bytes=mounts.usage(store.root).available,
        verified=time_text(last.finished) if last else None,
        verified_good=last.success if last else None,
        problems=tuple(_problems(settings, store, found, lines)),
    )


def text(report: Report) -> str:
    rows = [
        [
            one.backup,
            one.model,
            str(one.count),
            one.newest or "none yet",
            duration_text(one.age_sec) if one.age_sec is not None else "-",
            size_text(one.size_bytes) if one.newest else "-",
            one.state,
        ]
        for one in report.lines
    ]
    table = output.table(["backup", "model", "archives", "newest", "age", "size", "state"], rows, [2, 4, 5])
    verified = f"last validate-all: {report.verified or 'never'}" + (
        "" if report.verified_good is None else ", all good" if report.verified_good else ", found damage"
    )
    return f"{table}\n\n{size_text(report.used_bytes)} in archives, {size_text(report.free_bytes)} free; {verified}"


def _line(store: Store, found: Metadata, kind: str, model: str, now: float) -> Line:
    those = [one for one in found.archives if (one.kind, one.model) == (kind, model)]
    newest = max(those, key=lambda one: one.stamp, default=None)
    backup, shown = metadata.backup_name(kind), "" if kind == names.CONFIGS else model
    if newest is None:
        return Line(backup, shown, 0, None, None, 0, "-")
    check = found.state(store, newest)
    return Line(
        backup=backup,
        model=shown,
        count=len(those),
        newest=time_text(newest.stamp),
        age_sec=max(0.0, now - newest.stamp),
        size_bytes=newest.size,
        state=check.state if check else UNVERIFIED,
    )


def _problems(settings: Settings, store: Store, found: Metadata, lines: list[Line]) -> list[str]:
    """A kind that never ran is no problem here: a host that is new has no monthly backup."""
    limits = {
        metadata.backup_name(kind): limit.max_age_sec
        for kind, limit in (
            ("daily", settings.backup.daily),
            ("weekly", settings.backup.weekly),
            ("monthly", settings.backup.monthly),
            (names.CONFIGS, settings.backup.configs),
        )
    }
    problems = [
        f"{one.backup} {one.model}".rstrip()
        + f" is {duration_text(one.age_sec)} old: look why none was made since"
        for one in lines
        if one.age_sec is not None and one.age_sec > limits[one.backup]
    ]
    for (backup, model), run in sorted(found.runs.items()):
        if not run.success:
            problems.append(f"the last run of {backup} {model}".rstrip() + f" failed: {run.detail}")
    for archive in found.archives:
        check = found.state(store, archive)
        if check is not None and check.state == DAMAGED:
            problems.append(f"{store.relative(archive.path)} is damaged: {check.detail}")
    return problems
