"""The program: reads what was kept, writes two files."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from citadel_node import output
from citadel_node import settings as settings_module
from citadel_node.baseline import store
from citadel_node.files import atomic_write
from citadel_node.monitor.array_file import read_array
from citadel_node.monitor.history import read_history
from citadel_node.monitor.main import HISTORY_FILE
from citadel_node.monitor.observation import unix
from citadel_node.program import ProgramError
from citadel_node.report.backups import read_backups
from citadel_node.report.content import sections
from citadel_node.report.data import Report, make
from citadel_node.report.markdown import markdown
from citadel_node.report.month import Month
from citadel_node.report.page import page
from citadel_node.settings import Settings

DIRECTORY = "reports"


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = settings_module.load()
    now = time.time()
    month = Month.parse(options.month) if options.month else _default_month(settings, now)
    report = gather(settings, month, now)
    directory = options.output or settings.paths.logs / DIRECTORY
    files = {suffix: directory / f"{month}.{suffix}" for suffix in ("md", "html")}
    content = sections(report)
    if not options.dry_run:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            atomic_write(files["md"], markdown(report, content))
            atomic_write(files["html"], page(report, content))
        except OSError as error:
            raise ProgramError(
                f"cannot write into {directory}: {error.strerror}",
                f"sudo chown {settings.node.account}: {directory}",
            ) from error
    if options.json:
        output.emit_json(
            {
                "month": str(month),
                "files": list(files.values()),
                "written": not options.dry_run,
                "report": report,
            }
        )
        return 0
    if report.observed_hours == 0:
        output.warn(f"nothing was observed in {month}: the report says so")
    for path in files.values():
        output.say(f"{'would write ' if options.dry_run else ''}{path}")
    return 0


def gather(settings: Settings, month: Month, now: float) -> Report:
    lines, _ = read_array(settings.paths.monitoring_logs / "alerts.json")
    return make(
        month,
        settings.node.name,
        now,
        read_history(settings.paths.state / HISTORY_FILE),
        (json.loads(line) for line in lines),
        read_backups(settings.backup.metadata, month),
        store.newest_first(settings.paths.state / store.DIRECTORY),
    )


def _default_month(settings: Settings, now: float) -> Month:
    """The last complete month if anything of it was kept, else the current one, as far as it has come."""
    current = Month.of(now)
    last = current.before
    kept = any(
        last.begin <= unix(line["hour"]) < last.end
        for line in read_history(settings.paths.state / HISTORY_FILE)
    )
    return last if kept else current


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="generate_monthly_report.py",
        description="Writes the report of a month as Markdown and as one HTML page: models, alerts, storage, GPUs, backups, performance.",
    )
    parser.add_argument(
        "--month",
        metavar="YYYY-MM",
        help="default: the last complete month, or the current one where nothing older is known",
    )
    parser.add_argument("--output", type=Path, metavar="DIRECTORY", help="default: reports below the logs")
    parser.add_argument("--json", action="store_true", help="print the report as JSON as well")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    return parser
