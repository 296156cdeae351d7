"""What is wrong with a host, as conditions. Pure: an observation, figures of the textfiles and the settings in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from citadel_node.exposition import Figures
from citadel_node.health.backups import again
from citadel_node.monitor.alert_book import Condition
from citadel_node.monitor.observation import MountFacts, Observation
from citadel_node.output import duration_text
from citadel_node.settings import Settings
from citadel_node.thresholds import Threshold

CRITICAL, WARNING = "critical", "warning"


def host_conditions(seen: Observation, settings: Settings) -> Iterator[Condition]:
    """Everything but the models, which have a memory (see `model_rules`)."""
    yield from _load(seen, settings)
    yield from _gpus(seen, settings)
    yield from _storage(seen, settings)
    yield from _services(seen, settings)


def _level(threshold: Threshold, value: float | None) -> str | None:
    level = "ok" if value is None else threshold.level(value)
    return None if level == "ok" else level


def _load(seen: Observation, settings: Settings) -> Iterator[Condition]:
    levels = settings.thresholds
    for subject, threshold, value, fix in (
        ("cpu", levels.cpu_percent, seen.cpu_percent, "Look who uses it: htop"),
        ("memory", levels.memory_percent, seen.memory_percent, "Look who uses it: ps aux --sort=-rss | head"),
    ):
        level = _level(threshold, value)
        if level is not None:
            # A busy quarter of a minute is no news.
            yield Condition(level, "system", subject, f"{subject} is at {value:.0f} %", fix, cycles=4)


def _gpus(seen: Observation, settings: Settings) -> Iterator[Condition]:
    if not settings.gpus:
        return
    if seen.gpu_query is False:
        yield Condition(
            CRITICAL,
            "gpu",
            "nvidia-smi",
            "nvidia-smi does not answer: nothing is known of the GPUs",
            "Try it: timeout 20 nvidia-smi; then journalctl -k | grep -i nvrm",
            cycles=2,
        )
        return
    for gpu in settings.gpus:
        if seen.gpu_query and str(gpu.index) not in seen.gpus:
            yield Condition(
                CRITICAL,
                "gpu",
                str(gpu.index),
                f"GPU {gpu.index} is missing",
                "Look: nvidia-smi -L; journalctl -k | grep -i -e nvrm -e xid",
                cycles=2,
            )
    for index, facts in seen.gpus.items():
        level = _level(settings.thresholds.gpu_temperature_celsius, facts.temperature_celsius)
        if level is not None:
            yield Condition(
                level,
                "gpu_temperature",
                index,
                f"GPU {index} is at {facts.temperature_celsius:.0f} °C",
                "Look at fans and load: nvidia-smi -q -d TEMPERATURE,PERFORMANCE",
                cycles=2,
            )
        if facts.ecc_errors:
            yield Condition(
                CRITICAL,
                "gpu_memory",
                index,
                f"GPU {index} has had {facts.ecc_errors:.0f} uncorrected memory errors since the driver was loaded",
                f"Answers may be wrong. Look: nvidia-smi -q -i {index} -d ECC,ROW_REMAPPER; stop its models and reset it",
            )


def _storage(seen: Observation, settings: Settings) -> Iterator[Condition]:
    for mount in settings.mounts:
        path = str(mount.path)
        facts = seen.mounts.get(path)
        if facts is not None and not facts.mounted:
            yield Condition(
                CRITICAL,
                "mount",
                path,
                f"{path} is not mounted",
                f"sudo mount {path}; if that fails: sudo fsck {mount.source}",
                2,
            )
    for path, facts in seen.mounts.items():
        yield from _space(path, facts, settings)
    for path, ok in seen.links.items():
        if not ok:
            yield Condition(
                WARNING,
                "link",
                path,
                f"the link {path} is missing, leads elsewhere or to nothing",
                f"{settings.paths.scripts}/storage_manager.py verify-symlinks, then repair-symlinks",
                cycles=2,
            )


def _space(path: str, facts: MountFacts, settings: Settings) -> Iterator[Condition]:
    level = _level(settings.thresholds.disk_percent, facts.used_percent)
    if level is not None and facts.available_bytes is not None:
        yield Condition(
            level,
            "disk",
            path,
            f"{path} is {facts.used_percent:.0f} % full, {facts.available_bytes / 2**30:.1f} GiB are left",
            f"Look: sudo du -xh --max-depth=2 {path} | sort -h | tail; {settings.paths.scripts}/backup_manager.py cleanup 30",
            cycles=2,
        )


def _services(seen: Observation, settings: Settings) -> Iterator[Condition]:
    units = settings.units
    for unit, severity in (
        (units.storage, CRITICAL),
        (units.gpu, WARNING),
        (units.node_exporter, WARNING),
    ):
        if seen.services.get(unit) is False:
            yield Condition(
                severity,
                "service",
                unit,
                f"{unit} is not active",
                f"systemctl status {unit}; systemctl restart {unit}",
                # Stopped for a moment by someone who works on it is no alert.
                cycles=4,
            )
    if seen.source != "exporter":
        yield Condition(
            WARNING,
            "service",
            units.exporter,
            "the metrics exporter does not answer: Prometheus sees nothing of this node",
            f"systemctl status {units.exporter}; systemctl restart {units.exporter}",
            cycles=2,
        )
    for name in seen.failing_collectors:
        if name != "gpu":  # which has an alert of its own
            yield Condition(
                WARNING,
                "collector",
                name,
                f"the exporter cannot measure {name}",
                f"journalctl -u {units.exporter} -n 50",
                cycles=3,
            )


def textfile_conditions(figures: Figures, settings: Settings, now: float) -> Iterator[Condition]:
    """Backups, disks' health: what programs that run from time to time have left for node exporter."""
    scripts = settings.paths.scripts
    expected = dict(figures.by("citadel_backup_max_age_seconds", "backup"))
    defaults = {
        "models-daily": settings.backup.daily,
        "models-weekly": settings.backup.weekly,
        "models-monthly": settings.backup.monthly,
        "configs": settings.backup.configs,
    }
    oldest: dict[str, float] = {}
    for labels, value in figures.all("citadel_backup_last_success_timestamp_seconds"):
        backup = labels.get("backup", "")
        oldest[backup] = min(value, oldest.get(backup, value))
    for backup, at in oldest.items():
        limit = expected.get(backup) or (defaults[backup].max_age_sec if backup in defaults else None)
        if limit is not None and now - at > limit:
            yield Condition(
                WARNING,
                "backup",
                backup,
                f"the backup {backup} last worked {duration_text(now - at)} ago",
                f"{scripts}/backup_manager.py status; journalctl -t citadel-backup -n 50",
            )
    for backup, success in figures.by("citadel_backup_last_run_success", "backup").items():
        if not success:
            yield Condition(
                WARNING,
                "backup_run",
                backup,
                f"the last run of the backup {backup} failed",
                f"{scripts}/backup_manager.py status; journalctl -t citadel-backup -n 50",
            )
    for labels, damaged in figures.all("citadel_backup_archive_damaged"):
        if damaged:
            yield Condition(
                WARNING,
                "backup_archive",
                labels.get("archive", "?"),
                f"the archive {labels.get('archive', '?')} of {labels.get('model', 'the configuration')} is damaged",
                f"{again(settings, labels.get('model'))}, then remove the damaged one",
            )
    yield from _smart(figures, settings.thresholds.smart_used_percent)


def _smart(figures: Figures, worn_percent: float) -> Iterator[Condition]:
    for device, healthy in figures.by("citadel_smart_healthy", "device").items():
        if not healthy:
            yield Condition(
                CRITICAL,
                "smart",
                device,
                f"{device} says that it is failing",
                f"Back up, replace it: sudo smartctl -a {device}",
            )
    for device, ratio in figures.by("citadel_smart_percentage_used_ratio", "device").items():
        if 100 * ratio > worn_percent:
            yield Condition(
                WARNING,
                "smart_wear",
                device,
                f"{device} has used {100 * ratio:.0f} % of its rated life",
                f"Plan its replacement: sudo smartctl -a {device}",
            )


def counts_words(counts: Mapping[str, int]) -> str:
    """`no alerts`, or `1 critical, 2 warnings`."""
    words = [
        f"{number} {name}{'s' if name == WARNING and number > 1 else ''}"
        for name, number in counts.items()
        if number
    ]
    return ", ".join(words) or "no alerts"
