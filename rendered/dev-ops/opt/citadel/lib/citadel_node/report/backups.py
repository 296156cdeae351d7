"""What backup_metadata.json says of a month. Read loosely: a report must not fail because of another program's file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from citadel_node.files import read_json
from citadel_node.monitor.observation import unix
from citadel_node.program import ProgramError
from citadel_node.report.data import BackupMonth
from citadel_node.report.month import Month


def read_backups(path: Path, month: Month) -> dict[str, BackupMonth] | None:
    """Backup (`models-daily`, `configs`, …) → its month; None where the file cannot be read."""
    try:
        data = read_json(path)
    except (ProgramError, OSError):
        return None
    return summarise(data, month) if isinstance(data, dict) else None


def summarise(data: Mapping[str, Any], month: Month) -> dict[str, BackupMonth]:
    archives: dict[str, list[tuple[float, int, bool]]] = {}
    listed = data.get("archives")
    for one in listed.values() if isinstance(listed, dict) else ():
        try:
            each = (unix(str(one["created"])), int(one["size_bytes"]), one.get("state") == "damaged")
            archives.setdefault(str(one["backup"]), []).append(each)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    ended: dict[str, list[bool]] = {}
    runs = data.get("runs")
    for run in runs if isinstance(runs, list) else ():
        if isinstance(run, dict) and isinstance(run.get("success"), bool):
            ended.setdefault(str(run.get("backup")), []).append(run["success"])
    found = {}
    for name in sorted({*archives, *ended}):
        all_ = archives.get(name, [])
        inside = [each for each in all_ if month.begin <= each[0] < month.end]
        found[name] = BackupMonth(
            archives=len(inside),
            bytes=sum(size for _, size, _ in inside),
            newest=max((at for at, _, _ in all_), default=None),
            damaged=sum(1 for _, _, damaged in all_ if damaged),
            last_run_ok=all(ended[name]) if name in ended else None,
        )
    return found
