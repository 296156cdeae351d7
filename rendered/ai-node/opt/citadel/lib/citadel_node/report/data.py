"""What a month was like, computed from what was kept. Pure; nothing known is None or empty, never zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from citadel_node.monitor.observation import unix
from citadel_node.report.month import Month

Point = tuple[float, float]


@dataclass(frozen=True)
class ModelMonth:
    #: Shares of the time that was observed, 0 to 1.
    serving: float
    active: float
    probe_ms: float | None
    restarts: int


@dataclass(frozen=True)
class StorageMonth:
    size_gib: float | None
    #: (Unix time, percent used), oldest first.
    used: Sequence[Point]
    #: Growth in percentage points a day; None with fewer than two days of data.
    per_day: float | None
    #: Days until it is full at this rate; None when it does not grow.
    full_in_days: float | None


@dataclass(frozen=True)
class GpuMonth:
    temperature_max: float | None
    utilization_mean: float | None
    memory_max_gib: float | None
    #: (Unix time, highest temperature of the hour).
    temperatures: Sequence[Point]


@dataclass(frozen=True)
class BackupMonth:
    #: Archives on the disk that were made in this month, and their bytes.
    archives: int
    bytes: int
    #: Unix time of the newest, of any month.
    newest: float | None
    damaged: int
    last_run_ok: bool | None


@dataclass(frozen=True)
class Report:
    month: Month
    node: str
    made_at: float
    #: Hours of the month that are over, and how many of them were observed (with fractions).
    hours: float
    observed_hours: float
    boots: Sequence[str] = ()
    cpu: tuple[float, float] | None = None
    memory: tuple[float, float] | None = None
    models: Mapping[str, ModelMonth] = field(default_factory=dict)
    gpus: Mapping[str, GpuMonth] = field(default_factory=dict)
    storage: Mapping[str, StorageMonth] = field(default_factory=dict)
    #: (day, critical, warning) of each day that is over or has begun.
    alert_days: Sequence[tuple[int, int, int]] = ()
    #: Events of alerts.json, oldest first; it is bounded, so early ones may be gone while they are counted above.
    alerts: Sequence[Mapping[str, str]] = ()
    backups: Mapping[str, BackupMonth] | None = None
    baselines: Sequence[Mapping[str, Any]] = ()


def make(
    month: Month,
    node: str,
    now: float,
    history: Iterable[Mapping[str, Any]],
    alerts: Iterable[Mapping[str, Any]],
    backups: Mapping[str, BackupMonth] | None,
    baselines: Iterable[Mapping[str, Any]],
) -> Report:
    hours = sorted(
        (line for line in history if month.begin <= unix(line["hour"]) < month.end),
        key=lambda line: str(line["hour"]),
    )
    events = sorted(
        (each for each in alerts if _inside(each.get("time"), month)), key=lambda each: str(each["time"])
    )
    return Report(
        month=month,
        node=node,
        made_at=now,
        hours=max(0.0, min(now, month.end) - month.begin) / 3600,
        observed_hours=sum(_number(line, "observed") or 0.0 for line in hours),
        boots=list(
            dict.fromkeys(line["boot_time"] for line in hours if isinstance(line.get("boot_time"), str))
        ),
        cpu=_mean_and_most(hours, "cpu_percent"),
        memory=_mean_and_most(hours, "memory_percent"),
        models={name: _model(name, hours, events) for name in _names(hours, "models")},
        gpus={name: _gpu(name, hours) for name in _names(hours, "gpus")},
        storage={path: _storage(path, hours) for path in _names(hours, "storage")},
        alert_days=_alert_days(month, now, hours, events),
        alerts=events,
        backups=backups,
        baselines=sorted(
            (each for each in baselines if _inside(each.get("time"), month)),
            key=lambda each: str(each["time"]),
        ),
    )


def _inside(text: object, month: Month) -> bool:
    try:
        return month.begin <= unix(str(text)) < month.end
    except ValueError:
        return False


def _number(value: Mapping[str, Any], *keys: str) -> float | None:
    found: Any = value
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _names(hours: Sequence[Mapping[str, Any]], section: str) -> list[str]:
    return sorted({name for line in hours for name in line.get(section) or {}})


def _mean_and_most(hours: Sequence[Mapping[str, Any]], name: str) -> tuple[float, float] | None:
    means = [value for line in hours if (value := _number(line, name, "mean")) is not None]
    most = [value for line in hours if (value := _number(line, name, "max")) is not None]
    return (sum(means) / len(means), max(most)) if means and most else None


def _model(name: str, hours: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]) -> ModelMonth:
    weight = serving = active = 0.0
    probes = []
    for line in hours:
        share = _number(line, "models", name, "serving")
        observed = _number(line, "observed")
        if share is None or observed is None:
            continue
        weight += observed
        serving += observed * share
        active += observed * (_number(line, "models", name, "active") or 0.0)
        probe = _number(line, "models", name, "probe_ms")
        if probe is not None:
            probes.append(probe)
    restarts = sum(
        1
        for each in events
        if each.get("source") == "model_restart"
        and each.get("subject") == name
        and each.get("state") == "firing"
    )
    return ModelMonth(
        serving=serving / weight if weight else 0.0,
        active=active / weight if weight else 0.0,
        probe_ms=median(probes) if probes else None,
        restarts=restarts,
    )


def _gpu(name: str, hours: Sequence[Mapping[str, Any]]) -> GpuMonth:
    def column(key: str) -> list[Point]:
        return [
            (unix(line["hour"]), value)
            for line in hours
            if (value := _number(line, "gpus", name, key)) is not None
        ]

    temperatures, loads, memory = (
        column(key) for key in ("temperature_max", "utilization_mean", "memory_max_gib")
    )
    return GpuMonth(
        temperature_max=max((value for _, value in temperatures), default=None),
        utilization_mean=sum(value for _, value in loads) / len(loads) if loads else None,
        memory_max_gib=max((value for _, value in memory), default=None),
        temperatures=temperatures,
    )


def _storage(path: str, hours: Sequence[Mapping[str, Any]]) -> StorageMonth:
    used: list[Point] = []
    size = None
    for line in hours:
        value = _number(line, "storage", path, "used_percent")
        if value is not None:
            used.append((unix(line["hour"]), value))
            size = _number(line, "storage", path, "size_gib") or size
    per_day = full = None
    if used and used[-1][0] - used[0][0] >= 2 * 86400:
        per_day = slope(used) * 86400
        if per_day > 0.01:
            full = max(0.0, (100 - used[-1][1]) / per_day)
    return StorageMonth(size, used, per_day, full)


def slope(points: Sequence[Point]) -> float:
    """Least squares, per second."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def _alert_days(
    month: Month, now: float, hours: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]
) -> list[tuple[int, int, int]]:
    """From the history, which keeps counts for months; the events add the hours that it lacks."""
    days = {day: [0, 0] for day in range(1, month.days + 1) if month.begin + (day - 1) * 86400 < now}
    known = {unix(line["hour"]) for line in hours}
    for line in hours:
        count = days.get(month.day_of(unix(line["hour"])))
        if count is not None:
            count[0] += int(_number(line, "alerts", "critical") or 0)
            count[1] += int(_number(line, "alerts", "warning") or 0)
    for each in events:
        at = unix(str(each["time"]))
        count = days.get(month.day_of(at))
        if each.get("state") == "firing" and at // 3600 * 3600 not in known and count is not None:
            count[0 if each.get("severity") == "critical" else 1] += 1
    return [(day, critical, warning) for day, (critical, warning) in days.items()]
