"""Two baselines side by side. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Delta:
    what: str
    unit: str
    now: float
    #: None: there is nothing to compare with.
    before: float | None
    #: Growth as a share: 0.1 is ten percent more than before.
    change: float | None
    #: Worse than before by more than the tolerance.
    worse: bool


#: section, key, words, unit, and whether more is better (None: neither).
_FIGURES: tuple[tuple[str, str, str, str, bool | None], ...] = (
    ("disks", "write_mib_per_sec", "write", "MiB/s", True),
    ("disks", "read_mib_per_sec", "read", "MiB/s", True),
    ("models", "first_token_sec", "first token", "s", False),
    ("models", "tokens_per_sec", "speed", "tokens/s", True),
    ("gpus", "temperature", "temperature", "°C", None),
    ("gpus", "power_draw", "power", "W", None),
    ("gpus", "power_limit", "power limit", "W", True),
)
_NAMES = {"disks": "path", "models": "model", "gpus": "index"}


def compare(now: Mapping[str, Any], before: Mapping[str, Any] | None, tolerance: float) -> list[Delta]:
    """`now` and `before` are baselines as they stand in their files."""
    old = {} if before is None else {(what, unit): value for what, unit, value, _ in _figures(before)}
    found = []
    for what, unit, value, more_is_better in _figures(now):
        last = old.get((what, unit))
        change = None if last is None or last == 0 else (value - last) / last
        worse = False
        if change is not None and more_is_better is not None:
            # As a share of the slower one's work: half the speed and twice the time are the same loss.
            loss = -change if more_is_better else change / (1 + change) if change > -1 else 0.0
            worse = loss > tolerance
        found.append(Delta(what, unit, value, last, None if change is None else round(change, 4), worse))
    return found


def _figures(baseline: Mapping[str, Any]) -> Iterator[tuple[str, str, float, bool | None]]:
    for section, key, words, unit, more_is_better in _FIGURES:
        entries = baseline.get(section)
        for entry in entries if isinstance(entries, list) else ():
            value = entry.get(key) if isinstance(entry, dict) else None
            if isinstance(value, int | float) and not isinstance(value, bool):
                name = f"GPU {entry.get('index')}" if section == "gpus" else str(entry.get(_NAMES[section]))
                yield f"{name} {words}", unit, float(value), more_is_better
