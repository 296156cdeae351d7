"""What the dashboard shows, as data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from citadel_node import files, output
from citadel_node.exposition import Figures, read_textfiles
from citadel_node.monitor.alert_book import AlertBook
from citadel_node.monitor.main import STATE_FILE
from citadel_node.monitor.observation import Observation, observe
from citadel_node.monitor.source import Source
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

#: Seconds for first figures where the exporter does not answer.
PATIENCE_SEC = 30.0


@dataclass(frozen=True)
class BackupView:
    name: str
    #: Unix time of the oldest last success over its models; None when it never worked.
    last_success: float | None
    last_run_ok: bool | None
    size_bytes: float | None
    max_age_sec: float | None
    #: Whether the node is configured to make it.
    expected: bool = False

    def overdue(self, now: float) -> bool:
        if self.last_success is None:
            return self.expected
        return self.max_age_sec is not None and now - self.last_success > self.max_age_sec


@dataclass(frozen=True)
class View:
    at: float
    seen: Observation
    #: Restarts by the monitor, by model.
    restarts: Mapping[str, int] = field(default_factory=dict)
    #: What fires now, worst first; objects as in alerts.json.
    alerts: tuple[Mapping[str, str], ...] = ()
    backups: tuple[BackupView, ...] = ()


def gather(settings: Settings, source: Source, patience_sec: float = PATIENCE_SEC) -> View:
    now = time.time()
    figures, who = source.figures(now, patience_sec)
    restarts = figures.by("citadel_monitor_model_restarts_total", "model")
    return View(
        at=now,
        seen=observe(figures, now, who),
        restarts={name: int(count) for name, count in restarts.items()},
        alerts=tuple(firing(settings)),
        backups=backups(read_textfiles(str(settings.paths.textfiles)), settings),
    )


def firing(settings: Settings) -> list[dict[str, str]]:
    """Alerts that fire now, from the monitor's state; none where it cannot be read."""
    try:
        state = files.read_json(settings.paths.state / STATE_FILE)
    except (ProgramError, OSError):
        return []
    return AlertBook.from_json(state.get("alerts") if isinstance(state, dict) else None).firing()


def backups(figures: Figures, settings: Settings) -> tuple[BackupView, ...]:
    """Those that are expected or have ever run, from the textfiles that the backup programs write."""
    limits = {
        "configs": settings.backup.configs.max_age_sec,
        "models-daily": settings.backup.daily.max_age_sec,
        "models-weekly": settings.backup.weekly.max_age_sec,
        "models-monthly": settings.backup.monthly.max_age_sec,
    }
    expected = figures.by("citadel_backup_expected", "backup")
    found = []
    for name in limits:
        times = [
            value
            for labels, value in figures.all("citadel_backup_last_success_timestamp_seconds")
            if labels.get("backup") == name
        ]
        sizes = [
            value
            for labels, value in figures.all("citadel_backup_size_bytes")
            if labels.get("backup") == name
        ]
        found.append(
            BackupView(
                name=name,
                last_success=min(times, default=None),
                last_run_ok=figures.flag("citadel_backup_last_run_success", backup=name),
                size_bytes=sum(sizes) if sizes else None,
                max_age_sec=limits[name],
                expected=name in expected,
            )
        )
    return tuple(found)


def to_json(view: View, settings: Settings) -> dict[str, Any]:
    """The output of `--json`. Times are UTC texts, sizes bytes, shares percent; unknown is null."""
    seen = view.seen
    return {
        "time": output.time_text(view.at),
        "node": settings.node.name,
        "source": seen.source,
        "system": {
            "cpu_percent": seen.cpu_percent,
            "memory_percent": seen.memory_percent,
            "load1": seen.load1,
            "boot_time": None if seen.boot_time is None else output.time_text(seen.boot_time),
        },
        "models": {
            name: {
                "port": model.port,
                "unit": model.unit,
                "start": model.start,
                **(_plain(seen.models[name]) if name in seen.models else {}),
                "restarts": view.restarts.get(name, 0),
            }
            for name, model in settings.models.items()
        },
        "gpu_query": seen.gpu_query,
        "gpus": {name: _plain(gpu) for name, gpu in seen.gpus.items()},
        "storage": {
            path: {**_plain(mount), "used_percent": mount.used_percent} for path, mount in seen.mounts.items()
        },
        "links": dict(seen.links),
        "services": dict(seen.services),
        "alerts": [dict(each) for each in view.alerts],
        "backups": {
            each.name: {
                "last_success": None if each.last_success is None else output.time_text(each.last_success),
                "last_run_ok": each.last_run_ok,
                "size_bytes": each.size_bytes,
                "overdue": each.overdue(view.at),
            }
            for each in view.backups
        },
    }


def _plain(value: Any) -> dict[str, Any]:
    data: dict[str, Any] = output.to_data(value)
    return data
