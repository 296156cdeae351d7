"""How old the backups are, from the textfiles that the backup programs write for node exporter."""

from __future__ import annotations

import time
from collections.abc import Mapping

from citadel_node.checks import FAILED, INFO, OK, WARNING, Check
from citadel_node.exposition import Figures, read_textfiles
from citadel_node.output import duration_text
from citadel_node.settings import Settings

AREA = "backups"
_EXPECTED = "citadel-expected.prom"


def backup_checks(settings: Settings) -> list[Check]:
    figures = read_textfiles(str(settings.paths.textfiles))
    if "citadel_backup_expected" not in figures:
        return [Check(AREA, "backups", INFO, "none are planned on this node")]
    now = time.time()
    planned = _planned_since(settings)
    ages = figures.by("citadel_backup_max_age_seconds", "backup")
    by_kind: dict[str, list[str]] = {}
    for labels, _ in figures.all("citadel_backup_expected"):
        by_kind.setdefault(labels.get("backup", ""), []).append(labels.get("model", ""))
    checks = [
        _kind_check(figures, kind, models, _limit(settings, kind, ages), now, planned)
        for kind, models in sorted(by_kind.items())
        if kind.startswith("models-") or kind == "configs"
    ]
    return [*checks, *_damage_checks(settings, figures)]


def _kind_check(
    figures: Figures, kind: str, models: list[str], limit: float, now: float, planned: float | None
) -> Check:
    """One check for all models of a kind; the detail names those that are late."""
    late: list[str] = []
    due: list[str] = []
    oldest = 0.0
    for model in sorted(models):
        labels = {"backup": kind, "model": model} if model else {"backup": kind}
        last = figures.one("citadel_backup_last_success_timestamp_seconds", **labels)
        if last is None or last <= 0:
            (due if planned is not None and now - planned < limit else late).append(model or "never")
            continue
        oldest = max(oldest, now - last)
        if now - last > limit:
            late.append(f"{model} ({duration_text(now - last)})" if model else duration_text(now - last))
    if late:
        detail = f"late, at most {duration_text(limit)} are allowed: {', '.join(late)}"
        return Check(AREA, kind, FAILED, detail, _run(kind))
    if due:
        which = f" of {', '.join(due)}" if models != [""] else ""
        return Check(AREA, kind, INFO, f"no backup{which} yet; the first is not due")
    if figures.one("citadel_backup_last_run_success", backup=kind) == 0:
        detail = f"the last run failed; the newest backups are {duration_text(oldest)} old at most"
        return Check(AREA, kind, WARNING, detail, _run(kind))
    return Check(AREA, kind, OK, f"{duration_text(oldest)} old at most")


def _damage_checks(settings: Settings, figures: Figures) -> list[Check]:
    damaged = [labels for labels, value in figures.all("citadel_backup_archive_damaged") if value > 0]
    return [
        Check(
            AREA,
            labels.get("archive", "?"),
            FAILED,
            f"the archive of {labels.get('model', 'the configuration')} is damaged",
            f"{settings.paths.scripts}/backup_manager.py verify shows how; make a new one: "
            + again(settings, labels.get("model")),
        )
        for labels in damaged
    ]


def again(settings: Settings, model: str | None) -> str:
    """What makes a new archive of a model, or, without one, of the configuration."""
    scripts = settings.paths.scripts
    if model is None:
        return f"{scripts}/backup_configs.py"
    return f"{scripts}/backup_models.py --type daily --model {model}"


def _limit(settings: Settings, kind: str, ages: Mapping[str, float]) -> float:
    backup = settings.backup
    ours = {
        "models-daily": backup.daily.max_age_sec,
        "models-weekly": backup.weekly.max_age_sec,
        "models-monthly": backup.monthly.max_age_sec,
        "configs": backup.configs.max_age_sec,
    }
    return ages.get(kind, ours.get(kind, backup.daily.max_age_sec))


def _planned_since(settings: Settings) -> float | None:
    """Since when backups are expected: the file that says so is written when the node is deployed."""
    try:
        return (settings.paths.textfiles / _EXPECTED).stat().st_mtime
    except OSError:
        return None


def _run(kind: str) -> str:
    if kind == "configs":
        return "/opt/citadel/scripts/backup_configs.py"
    return f"/opt/citadel/scripts/backup_models.py --type {kind.removeprefix('models-')}"
