"""The program: its command line, and what it says."""

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
from citadel_node.rollback.limits import limits, offered_versions
from citadel_node.rollback.to import carry_out, prepare
from citadel_node.rollback.units import citadel_units, settings_or_none, states

EPILOG = """\
examples:
  citadel-rollback emergency            everything stopped within seconds
  citadel-rollback partial models       only the models
  citadel-rollback list                 the generations that this host keeps
  citadel-rollback to 12 --dry-run      what going back to generation 12 would do, and what it cannot undo
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
    command("list", _list, "list the generations that this host keeps")
    to = command("to", _to, "go to a generation, as a new one", dry=True, ask=True)
    to.add_argument("generation", type=_number, metavar="N")
    to.add_argument(
        "--wait", type=int, default=0, metavar="SEC", help="wait so long for another run to end (0)"
    )
    for name, pinned in (("pin", True), ("unpin", False)):
        text = "never drop a generation" if pinned else "let a generation go when its time comes"
        pin = command(name, _pin, text, dry=True)
        pin.add_argument("generation", type=_number, metavar="N")
        pin.set_defaults(pinned=pinned)
    command("backup", configs.backup, "make a backup of the configuration now", dry=True)
    restore = command(
        "restore", configs.restore, "bring back a backup of the configuration", dry=True, ask=True
    )
    restore.add_argument("id", metavar="ID", nargs="?", help="absent: list them")
    command("status", _status, "say where this host is")
    return parser


def _number(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) < 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a generation; `citadel-rollback list` shows them")
    return int(text)


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


def _list(options: argparse.Namespace) -> int:
    generations = _store().list()
    if options.json:
        output.emit_json(generations)
    else:
        output.say(texts.list_text(generations))
    return EXIT_OK


def _pin(options: argparse.Namespace) -> int:
    store = _store()
    if options.dry_run:
        store.need(options.generation)
    else:
        store.pin(options.generation, options.pinned)
    if options.json:
        said = {"generation": options.generation, "pinned": options.pinned}
        output.emit_json({"would": said} if options.dry_run else said)
    else:
        what = "is kept for good" if options.pinned else "goes when its time comes"
        output.say(
            f"{'Would be so: generation' if options.dry_run else 'Generation'} {options.generation} {what}."
        )
    return EXIT_OK


def _to(options: argparse.Namespace) -> int:
    store = _store()
    prepared = prepare(store, options.generation, person.who(), options.wait)
    said = limits(prepared.plan, options.generation, offered_versions)
    if options.dry_run or not prepared.needed:
        if options.json:
            output.emit_json(texts.plan_data(prepared, said))
        else:
            output.say(texts.plan_text(prepared, said))
        return EXIT_OK
    if not options.json or not options.yes:
        person.teller(options.json)(texts.plan_text(prepared, said))
    if not options.yes:
        person.confirm(f"Go to generation {options.generation}?")
    tell = person.teller(options.json)
    outcome = carry_out(store, prepared, lambda text: tell(f"  {text}"))
    if options.json:
        output.emit_json(outcome)
    else:
        output.say(texts.outcome_text(outcome, options.generation))
    return outcome.code


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
