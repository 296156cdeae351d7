"""Whether this host is still what was deployed: compares it with its current generation, and tells Prometheus."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

from citadel_node import output, textfile
from citadel_node.program import EXIT_FAILED, EXIT_OK, ProgramError
from citadel_node.rollback.generations import DEFAULT_FOLDER, Store
from citadel_node.rollback.state import Change
from citadel_node.rollback.to import prepare
from citadel_node.textfile import Metric, Sample

TEXTFILE = "citadel-drift.prom"


@dataclass(frozen=True)
class Drift:
    """`changes`: what going back to the generation that is current would do."""

    generation: int
    changes: tuple[Change, ...]


def look(store: Store) -> Drift | None:
    """None while a transaction is at work, or where nothing was deployed: there is nothing to compare with then."""
    current = store.current()
    if current is None or store.open_transaction() is not None:
        return None
    prepared = prepare(store, current, "drift watch", 0)
    if store.open_transaction() is not None or store.current() != current:
        return None
    return Drift(current, tuple(prepared.plan.changes))


def metrics(drift: Drift, now: float) -> list[Metric]:
    return [
        Metric(
            "citadel_config_drift_items",
            "Managed items that differ from the current generation.",
            [Sample(len(drift.changes))],
        ),
        Metric(
            "citadel_config_drift_last_check_timestamp_seconds",
            "When the host last compared itself with it, Unix time.",
            [Sample(now)],
        ),
        Metric("citadel_config_generation", "Number of the current generation.", [Sample(drift.generation)]),
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="check_drift.py",
        description="Compares this host with its current generation. Only root may read what that is.",
        epilog=f"Exit status: {EXIT_OK} no difference (with --textfiles: compared), {EXIT_FAILED} differences, or an error.",
    )
    parser.add_argument("--json", action="store_true", help="print the differences as JSON")
    parser.add_argument(
        "--textfiles",
        type=Path,
        metavar="DIRECTORY",
        help=f"write {TEXTFILE} there for node exporter; differences are no failure then",
    )
    return parser


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    if os.geteuid() != 0:
        raise ProgramError("only root may read what was deployed", "Run it with sudo.")
    drift = look(Store(DEFAULT_FOLDER))
    if drift is None:
        output.warn("nothing to compare with: nothing was deployed here, or a deployment is at work")
        return EXIT_OK
    if options.textfiles is not None:
        textfile.write(options.textfiles / TEXTFILE, metrics(drift, time.time()))
    if options.json:
        output.emit_json({"generation": drift.generation, "changes": list(drift.changes)})
    elif drift.changes:
        rows = [(each.action, each.section, each.key) for each in drift.changes]
        output.say(output.table(("to heal it", "section", "item"), rows))
    else:
        output.say(f"as generation {drift.generation} wants it")
    return EXIT_FAILED if drift.changes and options.textfiles is None else EXIT_OK
