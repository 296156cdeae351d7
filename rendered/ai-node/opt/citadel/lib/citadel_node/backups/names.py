"""Names of archives: `<model>-<UTC time>.tar.zst`, for example `phi3-20261124T013000Z.tar.zst`."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

SUFFIX = ".tar.zst"
TYPES = ("daily", "weekly", "monthly")
CONFIGS = "configs"
ARCHIVED = "archive"
_NAME = re.compile(r"(?P<model>[A-Za-z0-9][A-Za-z0-9_.-]*)-(?P<stamp>\d{8}T\d{6}Z)\.tar\.zst\Z")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, order=True)
class ArchiveName:
    """`stamp` is the time in whole seconds since 1970; it orders archives of a model."""

    stamp: int
    model: str

    def __str__(self) -> str:
        return f"{self.model}-{stamp_text(self.stamp)}{SUFFIX}"


def stamp_text(stamp: int) -> str:
    return datetime.datetime.fromtimestamp(stamp, datetime.UTC).strftime(_STAMP)


def parse(text: str) -> ArchiveName | None:
    """None for what is not one of our names, also for times that no calendar has."""
    match = _NAME.match(text)
    if match is None:
        return None
    try:
        moment = datetime.datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None
    return ArchiveName(int(moment.timestamp()), match["model"])


def next_stamp(now: float, taken: int | None) -> int:
    """The time for a new name: now, but always after the newest name there is.

    The order of names is the order of contents, also when two runs share a second or the clock was set back: a
    restore takes the newest.
    """
    return int(now) if taken is None else max(int(now), taken + 1)
