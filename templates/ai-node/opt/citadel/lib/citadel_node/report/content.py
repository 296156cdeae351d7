"""The report's words, tables and charts, once for both forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from citadel_node.baseline.compare import compare
from citadel_node.output import clean, size_text, time_text
from citadel_node.report.chart import day_bars, line_chart
from citadel_node.report.data import Report, StorageMonth

#: Rows of the list of alerts; the rest is counted.
MOST_ALERTS = 40
NOTHING = "There is no data of this month."


@dataclass(frozen=True)
class Table:
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    #: Columns that stand on the right.
    right: Sequence[int] = ()
    #: A share for each row, drawn as a bar next to it in HTML.
    shares: Sequence[float] = ()


@dataclass(frozen=True)
class Section:
    title: str
    words: Sequence[str] = ()
    tables: Sequence[Table] = ()
    #: SVG, for HTML alone.
    charts: Sequence[str] = field(default_factory=tuple)


def sections(report: Report) -> list[Section]:
    return [
        _summary(report),
        _models(report),
        _alerts(report),
        _storage(report),
        _gpus(report),
        _backups(report),
        _baselines(report),
    ]


def _summary(report: Report) -> Section:
    if report.hours and report.observed_hours:
        share = report.observed_hours / report.hours
        observed = (
            f"Observed for {report.observed_hours:.1f} of {report.hours:.0f} hours ({100 * share:.1f} %)."
        )
    else:
        observed = NOTHING
    words = [observed]
    if report.observed_hours:
        words.append(
            "What was not observed (host off, monitor stopped) counts neither as up nor as down below."
        )
    if len(report.boots) > 1:
        words.append(
            f"The host was booted {len(report.boots) - 1} times in it: {', '.join(report.boots[1:])}."
        )
    elif report.boots:
        words.append(f"The host ran without a boot; it has been up since {report.boots[0]}.")
    for name, figures in (("Processor", report.cpu), ("Memory", report.memory)):
        if figures is not None:
            words.append(f"{name}: {figures[0]:.0f} % on average, {figures[1]:.0f} % at most.")
    return Section("Summary", words)


def _models(report: Report) -> Section:
    if not report.models:
        return Section("Models", [NOTHING])
    rows = [
        (
            name,
            _percent(100 * model.serving, 2),
            _percent(100 * model.active, 2),
            "-" if model.probe_ms is None else f"{model.probe_ms:.0f} ms",
            str(model.restarts),
        )
        for name, model in report.models.items()
    ]
    words = [
        "Serving: the share of the observed time in which the model made the probe's token. Restarts: by the monitor, "
        "as far back as its list of alerts reaches."
    ]
    headers = ("model", "serving", "unit active", "probe (median)", "restarts")
    return Section(
        "Models",
        words,
        [Table(headers, rows, (1, 2, 3, 4), [model.serving for model in report.models.values()])],
    )


def _alerts(report: Report) -> Section:
    critical = sum(each[1] for each in report.alert_days)
    warning = sum(each[2] for each in report.alert_days)
    if not report.alerts and not critical and not warning:
        return Section("Alerts", ["There were none." if report.observed_hours else NOTHING])
    description = f"{critical} critical and {warning} warnings in {len(report.alert_days)} days."
    chart = day_bars(
        "alerts",
        "Alerts that began, by day (filled: critical, outlined: warning)",
        description,
        report.alert_days,
        report.month.days,
    )
    began = [each for each in report.alerts if each.get("state") == "firing"]
    rows = [
        tuple(clean(str(each.get(key, ""))) for key in ("time", "severity", "subject", "message"))
        for each in began[-MOST_ALERTS:]
    ]
    words = [f"{critical} critical and {warning} warnings began."]
    if len(began) > MOST_ALERTS:
        words.append(f"The newest {MOST_ALERTS} of {len(began)}:")
    tables = [Table(("time", "severity", "subject", "message"), rows)] if rows else []
    return Section("Alerts", words, tables, [chart])


def _storage(report: Report) -> Section:
    rows, charts = [], []
    for number, (path, storage) in enumerate(report.storage.items()):
        if not storage.used:
            continue
        rows.append(
            (
                path,
                "-" if storage.size_gib is None else size_text(storage.size_gib * 2**30),
                _percent(storage.used[0][1], 1),
                _percent(storage.used[-1][1], 1),
                "-" if storage.per_day is None else f"{storage.per_day:+.2f} points a day",
                _outlook(storage),
            )
        )
        first, last = storage.used[0][1], storage.used[-1][1]
        charts.append(
            line_chart(
                f"storage-{number}",
                f"{path}, percent used",
                f"{first:.1f} % at the beginning, {last:.1f} % at the end.",
                storage.used,
                top=100,
                unit=" %",
                **_time_axis(report),
            )
        )
    if not rows:
        return Section("Storage", [NOTHING])
    headers = ("mount point", "size", "first", "last", "trend", "full")
    return Section("Storage", (), [Table(headers, rows, (1, 2, 3, 4))], charts)


def _outlook(storage: StorageMonth) -> str:
    if storage.per_day is None:
        return "too little data"
    return (
        "not in sight" if storage.full_in_days is None else f"in {storage.full_in_days:.0f} days at this rate"
    )


def _gpus(report: Report) -> Section:
    if not report.gpus:
        return Section("GPUs", [NOTHING])
    rows: list[Sequence[str]] = []
    charts: list[str] = []
    for name, gpu in report.gpus.items():
        rows.append(
            (
                name,
                "-" if gpu.temperature_max is None else f"{gpu.temperature_max:.0f} °C",
                _percent(gpu.utilization_mean, 1),
                "-" if gpu.memory_max_gib is None else f"{gpu.memory_max_gib:.1f} GiB",
            )
        )
        if gpu.temperatures:
            charts.append(
                line_chart(
                    f"gpu-{len(charts)}",
                    f"GPU {name}, highest temperature of each hour",
                    f"At most {gpu.temperature_max:.0f} °C.",
                    gpu.temperatures,
                    top=100,
                    unit=" °C",
                    **_time_axis(report),
                )
            )
    headers = ("GPU", "highest temperature", "mean load", "most memory in use")
    return Section("GPUs", (), [Table(headers, rows, (1, 2, 3))], charts)


def _backups(report: Report) -> Section:
    if report.backups is None:
        return Section("Backups", ["Nothing is known: the backup disk's list cannot be read."])
    if not report.backups:
        return Section("Backups", ["There are no archives on the backup disk."])
    rows = [
        (
            name,
            str(each.archives),
            size_text(each.bytes) if each.archives else "-",
            "never" if each.newest is None else time_text(each.newest),
            {True: "well", False: "failed", None: "-"}[each.last_run_ok],
            str(each.damaged) if each.damaged else "none",
        )
        for name, each in sorted(report.backups.items())
    ]
    headers = ("backup", "archives of this month", "size", "newest", "last run", "damaged")
    words = ["Archives that are still on the disk; older ones may have been removed as configured."]
    return Section("Backups", words, [Table(headers, rows, (1, 2))])


def _baselines(report: Report) -> Section:
    if not report.baselines:
        return Section(
            "Performance", ["No baseline was measured in this month: performance_baseline.py measures one."]
        )
    last = report.baselines[-1]
    like: list[Any] = [each for each in report.baselines if each.get("quick") == last.get("quick")]
    first = like[0] if len(like) > 1 else None
    deltas = compare(last, first, 0.2)
    rows = [
        (
            each.what,
            "-" if each.before is None else f"{each.before:g} {each.unit}",
            f"{each.now:g} {each.unit}",
            "-" if each.change is None else f"{100 * each.change:+.0f} %",
            "slower" if each.worse else "",
        )
        for each in deltas
    ]
    compared = f"The last one ({last['time']})" + (
        " is the only one of its kind." if first is None else f" next to the first ({first['time']})."
    )
    words = [f"{len(report.baselines)} baselines were measured. {compared}"]
    return Section(
        "Performance",
        words,
        [Table(("what", "first", "last", "change", ""), rows, (1, 2, 3))] if rows else [],
    )


def _time_axis(report: Report) -> dict[str, Any]:
    month = report.month
    ticks = [(month.begin + (day - 1) * 86400, str(day)) for day in range(1, month.days + 1, 3)]
    return {"begin": month.begin, "end": month.end, "gap": 3 * 3600, "ticks": ticks}


def _percent(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f} %"
