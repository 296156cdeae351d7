"""The node's part of citadel-rollback: its command line, and what it says. The way to a generation is the engine's."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from citadel_node import output
from citadel_node import settings as settings_module
from citadel_node.program import EXIT_FAILED, EXIT_OK
from citadel_node.rollback import calm, configs, person, texts
from citadel_node.rollback.emergency import emergency
from citadel_node.rollback.generations import DEFAULT_FOLDER, Store
from citadel_node.rollback.units import citadel_units, settings_or_none, states

EPILOG = """\
examples:
  citadel-rollback emergency            everything stopped within seconds
  citadel-rollback partial models       only the models
  citadel-rollback restore ID           a backup of the configuration, after showing what would change
"""


def main(argv: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help(sys.stderr)
        return 2
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="citadel-rollback",
        description="Stops Citadel, and takes this host back to an earlier state.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands_ = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(
        name: str, run: object, text: str, dry: bool = False, ask: bool = False
    ) -> argparse.ArgumentParser:
        one = commands_.add_parser(name, help=text, description=text)
        one.add_argument("--json", action="store_true", help="print JSON")
        if dry:
            one.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        if ask:
            one.add_argument("--yes", action="store_true", help="do not ask")
        one.set_defaults(run=run)
        return one

    command(
        "emergency",
        _emergency,
        "stop everything of Citadel within seconds, whatever state it is in",
        dry=True,
    )
    graceful = command("graceful", _calmly, "stop everything in order, monitoring last", dry=True)
    partial = command(
        "partial", _calmly, "stop one group: models, monitoring, gpu, storage, or one model", dry=True
    )
    partial.add_argument("group", metavar="GROUP")
    for one in (graceful, partial):
        one.add_argument(
            "--drain", type=float, default=30.0, metavar="SEC", help="wait so long for requests (30)"
        )
    command("backup", configs.backup, "make a backup of the configuration now", dry=True)
    restore = command(
        "restore", configs.restore, "bring back a backup of the configuration", dry=True, ask=True
    )
    restore.add_argument("id", metavar="ID", nargs="?", help="absent: list them")
    restore.add_argument(
        "--untrusted", action="store_true", help="also an archive that this host did not make, or not so"
    )
    command("status", _status, "say where this host is")
    return parser


def _emergency(options: argparse.Namespace) -> int:
    report = emergency(options.dry_run)
    if options.json:
        output.emit_json(report)
    else:
        settings = settings_or_none()
        first = settings.first_model if settings is not None else None
        output.say(texts.emergency_text(report, options.dry_run, first))
    return EXIT_OK if report.done or options.dry_run else EXIT_FAILED


def _calmly(options: argparse.Namespace) -> int:
    settings = settings_module.load()
    steps = calm.plan_of(settings, getattr(options, "group", None))
    if options.dry_run:
        units = [settings.models[name].unit if kind == "model" else name for kind, name in steps]
        found = states(units)
        would = [unit for unit in units if found.get(unit) not in ("inactive", "failed")]
        if options.json:
            output.emit_json({"would_stop": would})
        else:
            output.say("Would stop, in this order: " + (", ".join(would) or "nothing, it is all at rest"))
        return EXIT_OK
    stopped = calm.stop_in_order(settings, steps, options.drain, person.teller(options.json))
    if options.json:
        output.emit_json({"stopped": stopped})
    else:
        output.say(f"Stopped: {', '.join(stopped)}." if stopped else "It was all at rest.")
    return EXIT_OK


def _status(options: argparse.Namespace) -> int:
    store = _store()
    current = store.current()
    found = citadel_units()
    status = {
        "generation": None if current is None else store.read(current),
        "kept": len(store.numbers()),
        "pinned": [number for number in store.numbers() if (store.path(number) / "pinned").exists()],
        "open": store.open_transaction(),
        "units": states(found.units),
        "config_backup": configs.newest(),
    }
    if options.json:
        output.emit_json(status)
    else:
        output.say(texts.status_text(status))
    return EXIT_OK


def _store() -> Store:
    """The engine's folder, which only root may read: for others this program starts itself again through sudo."""
    folder = os.environ.get("CITADEL_GENERATIONS")
    if folder:
        return Store(Path(folder))
    if os.geteuid() != 0:
        person.again_as_root()
    return Store(DEFAULT_FOLDER)
