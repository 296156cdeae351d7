"""One compact line per hour, kept for months: what the monthly report is made of.

The hour is computed from the entries of metrics.json when it is over, so a restart of the monitor loses nothing that is
still in that file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from citadel_node.monitor.observation import unix
from citadel_node.output import time_text

HOUR = 3600
#: Fourteen months.
KEEP_LINES = 14 * 31 * 24


def hour_of(at: float) -> int:
    return int(at // HOUR) * HOUR


def summarise(
    hour: int, entries: Iterable[Mapping[str, Any]], interval_sec: float, alerts: Mapping[str, int]
) -> dict[str, Any] | None:
    """The line of an hour; None when nothing was measured in it.

    Shares are 0 to 1: `observed` of the hour, and of what was observed, for each model, how long it served.
    """
    inside = [each for each in entries if hour <= unix(str(each["time"])) < hour + HOUR]
    if not inside:
        return None
    line: dict[str, Any] = {
        "hour": time_text(hour),
        "observed": round(min(1.0, len(inside) * interval_sec / HOUR), 3),
    }
    for name in ("cpu_percent", "memory_percent"):
        values = _numbers(inside, name)
        if values:
            line[name] = {"mean": round(sum(values) / len(values), 1), "max": max(values)}
    if isinstance(inside[-1].get("boot_time"), str):
        line["boot_time"] = inside[-1]["boot_time"]
    line["models"] = {
        name: _served([each["models"][name] for each in inside if name in each.get("models", {})])
        for name in _names(inside, "models")
    }
    line["gpus"] = {
        name: _gpu([each["gpus"][name] for each in inside if name in each.get("gpus", {})])
        for name in _names(inside, "gpus")
    }
    line["storage"] = {
        path: {key: facts[key] for key in ("used_percent", "size_gib", "available_gib") if key in facts}
        for path, facts in inside[-1].get("storage", {}).items()
    }
    line["alerts"] = dict(alerts)
    return line


def _names(entries: Iterable[Mapping[str, Any]], section: str) -> list[str]:
    return sorted({name for each in entries for name in each.get(section, {})})


def _served(facts: list[Mapping[str, Any]]) -> dict[str, float]:
    """`serving`: the probe's token came, or, for a model that is not probed, it answered. `active`: its unit ran."""
    serving = sum(
        1 for each in facts if each.get("active") is not False and each.get("probe", each.get("up")) is True
    )
    active = sum(1 for each in facts if each.get("active") is True)
    times = sorted(_numbers(facts, "probe_ms"))
    found = {"serving": round(serving / len(facts), 4), "active": round(active / len(facts), 4)}
    if times:
        found["probe_ms"] = times[len(times) // 2]
    return found


def _gpu(facts: list[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for key, name in (("temperature_celsius", "temperature_max"), ("memory_used_gib", "memory_max_gib")):
        values = _numbers(facts, key)
        if values:
            found[name] = max(values)
    loads = _numbers(facts, "utilization_percent")
    if loads:
        found["utilization_mean"] = round(sum(loads) / len(loads), 1)
    return found


def _numbers(facts: Iterable[Mapping[str, Any]], key: str) -> list[float]:
    return [each[key] for each in facts if isinstance(each.get(key), int | float)]


class History:
    """The file: JSON lines, oldest first, bounded."""

    def __init__(self, path: Path, keep: int = KEEP_LINES) -> None:
        self.path = path
        self._keep = keep
        self._count = 0
        self._last = 0
        for line in read_history(path):
            self._count += 1
            self._last = max(self._last, int(unix(line["hour"])))

    def append_finished(
        self,
        now: float,
        entries: Callable[[], Iterable[Mapping[str, Any]]],
        interval_sec: float,
        alerts: Callable[[int], Mapping[str, int]],
    ) -> int:
        """Appends the line of each hour that is over and not there yet; returns how many. Cheap within an hour."""
        current = hour_of(now)
        if self._last >= current - HOUR:
            return 0
        oldest = next(iter(entries()), None)
        begin = max(self._last + HOUR, current if oldest is None else hour_of(unix(str(oldest["time"]))))
        lines = []
        for hour in range(begin, current, HOUR):
            # The entries are decoded again for each hour: all of them at once would need many times the memory.
            line = summarise(hour, entries(), interval_sec, alerts(hour))
            if line is not None:
                lines.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
        self._last = current - HOUR
        if lines:
            self._write(lines)
        return len(lines)

    def _write(self, lines: list[str]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            # A line that a power failure cut short must not spoil the next one.
            if file.tell() and not _ends_with_newline(self.path):
                file.write("\n")
            file.write("".join(f"{line}\n" for line in lines))
        self._count += len(lines)
        if self._count > self._keep + self._keep // 10:
            self._trim()

    def _trim(self) -> None:
        kept = [
            json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in read_history(self.path)
        ][-self._keep :]
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        beside.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        os.replace(beside, self.path)
        self._count = len(kept)


def read_history(path: Path) -> Iterator[dict[str, Any]]:
    """Lines that can be read and name their hour; a missing file has none."""
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    with file:
        for text in file:
            try:
                line = json.loads(text)
                unix(line["hour"])
            except (ValueError, KeyError, TypeError):
                continue
            yield line


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
