"""What node exporter tells of backups: one textfile, made from the metadata; also when the disk is gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from citadel_node import textfile
from citadel_node.backups import names
from citadel_node.backups.metadata import DAMAGED, Metadata, backup_name
from citadel_node.backups.store import Archive, Store
from citadel_node.settings import Settings
from citadel_node.textfile import Metric, Sample

FILE = "citadel-backup.prom"
_RUN, _RUN_OK = "citadel_backup_last_run_timestamp_seconds", "citadel_backup_last_run_success"
_HELP = {
    _RUN: "When a backup of this kind last ended, well or not.",
    _RUN_OK: "Whether everything that it was to save was saved.",
    "citadel_backup_last_success_timestamp_seconds": "Time of the newest archive that is not known to be damaged.",
    "citadel_backup_size_bytes": "Size of that archive.",
    "citadel_backup_duration_seconds": "How long the last run took.",
    "citadel_backup_verify_success": "Whether the newest archive of the model that was checked is whole.",
    "citadel_backup_verify_last_run_timestamp_seconds": "When all archives were last checked.",
    "citadel_backup_verify_last_success_timestamp_seconds": "When all archives were last checked and all were good.",
    "citadel_backup_archive_damaged": "1 for each archive that a check found damaged.",
}


def render(store: Store, found: Metadata, models: Collection[str]) -> list[Metric]:
    """Of `models`, those of the inventory: archives of one that is gone may stay for ever, and no one makes a newer one."""
    samples: dict[str, list[Sample]] = {name: [] for name in _HELP}
    last: dict[str, tuple[float, bool]] = {}
    for (backup, model), run in found.runs.items():
        if model and model not in models:
            continue
        at, success = last.get(backup, (0.0, True))
        last[backup] = (max(at, run.finished), success and run.success)
        samples["citadel_backup_duration_seconds"].append(Sample(run.duration_sec, _labels(backup, model)))
    for backup, (at, success) in last.items():
        samples[_RUN].append(Sample(at, {"backup": backup}))
        samples[_RUN_OK].append(Sample(float(success), {"backup": backup}))
    for archive in _newest_good(store, found):
        model = "" if archive.kind == names.CONFIGS else archive.model
        if model and model not in models:
            continue
        labels = _labels(backup_name(archive.kind), model)
        samples["citadel_backup_last_success_timestamp_seconds"].append(Sample(archive.stamp, labels))
        samples["citadel_backup_size_bytes"].append(Sample(archive.size, labels))
    _of_checks(store, found, models, samples)
    return [Metric(name, _HELP[name], of_name) for name, of_name in samples.items() if of_name]


def write(settings: Settings, found: Metadata) -> None:
    store = Store(settings)
    path = _file(settings)
    textfile.write(path, render(store, found, settings.models))
    store.own(path)


def write_failure(settings: Settings, backup: str, now: float) -> None:
    """For a run that could not even reach the disk: what was known before, and that this run failed."""
    from citadel_node import exposition

    path = _file(settings)
    samples: dict[str, list[Sample]] = {}
    if path.exists():
        for name, labels, value in exposition.parse(path.read_text(encoding="utf-8", errors="replace")):
            samples.setdefault(name, []).append(Sample(value, dict(labels)))
    for name, value in ((_RUN, now), (_RUN_OK, 0.0)):
        others = [one for one in samples.get(name, []) if one.labels.get("backup") != backup]
        samples[name] = [*others, Sample(value, {"backup": backup})]
    textfile.write(path, [Metric(name, _HELP.get(name, name), of_name) for name, of_name in samples.items()])
    Store(settings).own(path)


def _of_checks(
    store: Store, found: Metadata, models: Collection[str], samples: dict[str, list[Sample]]
) -> None:
    newest: dict[str, tuple[int, bool]] = {}
    for archive in found.archives:
        check = found.state(store, archive)
        if check is None:
            continue
        model = "" if archive.kind == names.CONFIGS else archive.model
        newest[model] = max(newest.get(model, (0, True)), (archive.stamp, check.state != DAMAGED))
        if check.state == DAMAGED:
            labels = {"archive": store.relative(archive.path), **_labels("", model)}
            samples["citadel_backup_archive_damaged"].append(Sample(1, labels))
    for model, (_, success) in newest.items():
        if model and model not in models:
            continue
        samples["citadel_backup_verify_success"].append(Sample(float(success), _labels("", model)))
    if (last := found.verification) is not None:
        samples["citadel_backup_verify_last_run_timestamp_seconds"].append(Sample(last.finished))
        if last.last_success is not None:
            name = "citadel_backup_verify_last_success_timestamp_seconds"
            samples[name].append(Sample(last.last_success))


def _newest_good(store: Store, found: Metadata) -> Iterable[Archive]:
    newest: dict[tuple[str, str], Archive] = {}
    for one in found.judged(store):
        key = (one.archive.kind, one.archive.model)
        if one.good and (key not in newest or newest[key].stamp < one.archive.stamp):
            newest[key] = one.archive
    return [archive for (kind, _), archive in sorted(newest.items()) if kind != names.ARCHIVED]


def _labels(backup: str, model: str) -> dict[str, str]:
    return {**({"backup": backup} if backup else {}), **({"model": model} if model else {})}


def _file(settings: Settings) -> Path:
    return settings.paths.textfiles / FILE
