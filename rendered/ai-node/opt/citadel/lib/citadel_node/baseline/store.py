"""Baselines on disk: one JSON file a run, named by its time, the newest sixty."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from citadel_node.files import atomic_json, read_json
from citadel_node.program import ProgramError

DIRECTORY = "baselines"
KEEP = 60
_NAME = re.compile(r"\d{8}T\d{6}Z\.json\Z")


def newest_first(directory: Path) -> Iterator[Mapping[str, Any]]:
    """What can be read of them; a missing directory has none."""
    try:
        names = sorted((each.name for each in directory.iterdir() if _NAME.match(each.name)), reverse=True)
    except FileNotFoundError:
        return
    for name in names:
        try:
            value = read_json(directory / name)
        except (ProgramError, OSError):
            continue
        if isinstance(value, dict) and isinstance(value.get("time"), str):
            yield value


def last_like(directory: Path, quick: bool) -> Mapping[str, Any] | None:
    """The newest that was measured in the same way."""
    return next((each for each in newest_first(directory) if each.get("quick") == quick), None)


def keep(directory: Path, baseline: Mapping[str, Any]) -> Path:
    """Writes it and removes the oldest beyond the limit."""
    directory.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[-:]", "", str(baseline["time"])) + ".json"
    path = directory / name
    atomic_json(path, baseline)
    old = sorted(each for each in directory.iterdir() if _NAME.match(each.name))[:-KEEP]
    for each in old:
        with contextlib.suppress(OSError):
            each.unlink()
    return path
