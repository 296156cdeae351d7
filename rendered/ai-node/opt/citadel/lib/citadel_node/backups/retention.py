"""Which archives go: pure decisions about lists of archives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from citadel_node.backups import names
from citadel_node.backups.store import Archive

DAY_SEC = 86_400


@dataclass(frozen=True)
class Judged:
    """An archive, and whether it is any good: everything not found damaged is. `proven`: a check found it so."""

    archive: Archive
    good: bool
    proven: bool = False


@dataclass(frozen=True)
class Kept:
    """An archive that is old enough to go but stays, and why."""

    archive: Archive
    why: str


def last_good(judged: Iterable[Judged]) -> set[tuple[str, str, int]]:
    """The newest good archive of every kind and model, as (kind, model, stamp)."""
    newest: dict[tuple[str, str], int] = {}
    for one in judged:
        if one.good:
            key = (one.archive.kind, one.archive.model)
            newest[key] = max(newest.get(key, one.archive.stamp), one.archive.stamp)
    return {(kind, model, stamp) for (kind, model), stamp in newest.items()}


def last_proven(judged: Iterable[Judged]) -> set[tuple[str, str, int]]:
    """The newest of every kind and model that a check found good: what no one has looked at since may be damaged."""
    return last_good(Judged(one.archive, one.proven) for one in judged)


def beyond(judged: Sequence[Judged], keep: int) -> list[Archive]:
    """What retention removes of one kind and model: all but the newest `keep` good ones, oldest first.

    Damaged ones count for nothing; they go once `keep` good ones are newer. The newest that a check found good stays too.
    """
    proven = last_proven(judged)
    ordered = sorted(judged, key=lambda one: one.archive.stamp, reverse=True)
    gone: list[Archive] = []
    good = 0
    for one in ordered:
        if good >= keep:
            if (one.archive.kind, one.archive.model, one.archive.stamp) not in proven:
                gone.append(one.archive)
        elif one.good:
            good += 1
    return gone[::-1]


def cleanup(
    judged: Sequence[Judged], now: float, days: int, everything: bool = False
) -> tuple[list[Archive], list[Kept]]:
    """What `cleanup DAYS` removes, and what it keeps although it is older.

    The last good archive of a model stays, of each kind, and the last that a check found good. Good monthly archives stay for their own retention: they are
    meant to be older than any clean-up; `everything` gives them up too, and those whose kind no one knows.
    """
    protected = last_good(judged) | last_proven(judged)
    gone: list[Archive] = []
    kept: list[Kept] = []
    for one in judged:
        archive = one.archive
        if archive.stamp > now - days * DAY_SEC:
            continue
        if one.good and (archive.kind, archive.model, archive.stamp) in protected:
            kept.append(Kept(archive, f"the last good {archive.kind} one of {archive.model}"))
        elif one.good and not everything and archive.kind in ("monthly", names.ARCHIVED):
            kept.append(Kept(archive, "monthly: kept for its own retention (--all removes it)"))
        elif not one.good and not any(
            kind_model[:2] == (archive.kind, archive.model) for kind_model in protected
        ):
            kept.append(
                Kept(archive, "damaged, but the model has no good one of this kind: parts may be of use")
            )
        else:
            gone.append(archive)
    return gone, kept


def to_archive(judged: Sequence[Judged], now: float, days: int) -> list[Archive]:
    """What `archive --older-than DAYS` moves: model archives in their kind's folder, but never the newest good one,
    which a restore looks for there."""
    protected = last_good(judged)
    return [
        one.archive
        for one in judged
        if one.archive.kind in names.TYPES
        and one.archive.path.parent.name == one.archive.kind
        and one.archive.stamp <= now - days * DAY_SEC
        and not (one.good and (one.archive.kind, one.archive.model, one.archive.stamp) in protected)
    ]
