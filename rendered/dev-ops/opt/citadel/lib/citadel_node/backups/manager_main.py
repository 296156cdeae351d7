"""backup_manager.py: makes, checks, lists and tidies backups."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from citadel_node import output, settings
from citadel_node.backups import checking, configs, models_main, names, runs, status, tidy, verify_command
from citadel_node.backups.calm import calm_down
from citadel_node.backups.metadata import read
from citadel_node.backups.store import Store
from citadel_node.program import EXIT_FAILED, EXIT_OK
from citadel_node.settings import Settings

_EPILOG = """exit status: 0 well or done, 1 something is damaged or failed (it is said what to do), 2 usage, 75 another run is at work.
What is known of every archive: /mnt/citadel-backup/backup_metadata.json, /mnt/citadel-backup/system/catalog/."""


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    action: Callable[[Settings, argparse.Namespace], int] = options.action
    return action(settings.load(), options)


def _create(found: Settings, options: argparse.Namespace) -> int:
    wanted = runs.chosen(found, options.model)
    if options.dry_run:
        there, missing = configs.sources(found)
        if not options.json:
            output.say(f"configuration: would save {', '.join(map(str, there))}")
        more = {"configs": {"saved": there, "missing": missing}}
        return models_main.dry_run(found, options.type, wanted, options.json, more)
    outcomes = runs.run_models(found, options.type, wanted, runs.teller(options.json))
    outcomes.append(runs.run_configs(found, runs.teller(options.json)))
    if options.json:
        output.emit_json({"type": options.type, "backups": outcomes})
    failed = [one for one in outcomes if one.failed]
    for one in failed:
        output.warn(f"backup_manager.py: {one.model or 'the configuration'} was not saved: {one.error}")
    return EXIT_FAILED if failed else EXIT_OK


def _verify(found: Settings, options: argparse.Namespace) -> int:
    store = Store(found)
    store.require_disk()
    calm_down()
    verified = verify_command.verify(found, options.path, options.deep, runs.teller(options.json))
    if options.json:
        output.emit_json({"good": verified.good, "archives": verified.archives, "trees": verified.trees})
    if verified.good:
        return EXIT_OK
    output.warn(f"backup_manager.py: not everything is good\n  {verify_command.advice(verified, store)}")
    return EXIT_FAILED


def _validate_all(found: Settings, options: argparse.Namespace) -> int:
    store = Store(found)
    store.require_disk()
    calm_down()
    say = runs.teller(options.json)
    with store.locked("verify"):
        archives = read(found).archives
        results = checking.check_archives(
            found, archives, options.deep, lambda one: say(verify_command.result_text(one))
        )
        damaged = [one for one in results if one.damaged]
        checking.finish_all(found, not damaged)
    if options.json:
        output.emit_json({"good": not damaged, "archives": results})
    if not results:
        say("There is no archive yet. Make the first ones: backup_manager.py create")
    else:
        say(f"{len(results) - len(damaged)} of {len(results)} archives are good.")
    if not damaged:
        return EXIT_OK
    verified = verify_command.Verified(tuple(results), ())
    output.warn(f"backup_manager.py: {len(damaged)} damaged\n  {verify_command.advice(verified, store)}")
    return EXIT_FAILED


def _cleanup(found: Settings, options: argparse.Namespace) -> int:
    done = tidy.cleanup(found, time.time(), options.days, options.all, options.dry_run)
    if options.json:
        output.emit_json(done)
    else:
        output.say("\n".join(tidy.cleanup_lines(done, options.days)))
    return EXIT_OK


def _archive(found: Settings, options: argparse.Namespace) -> int:
    moved = tidy.archive(found, time.time(), options.older_than, options.dry_run)
    if options.json:
        output.emit_json({"older_than_days": options.older_than, "dry_run": options.dry_run, "moved": moved})
        return EXIT_OK
    for one in moved:
        output.say(f"{'would move' if options.dry_run else 'moved'} {one} to models/archive/")
    if not moved:
        output.say(
            f"No archive older than {options.older_than} days is to be moved; the newest of a model always stays."
        )
    return EXIT_OK


def _status(found: Settings, options: argparse.Namespace) -> int:
    report = status.look(found, time.time())
    if options.json:
        output.emit_json(report)
    else:
        output.say(status.text(report))
    for problem in report.problems:
        output.warn(f"backup_manager.py: {problem}")
    return EXIT_FAILED if report.problems else EXIT_OK


def _restore(found: Settings, options: argparse.Namespace) -> int:
    from citadel_node.backups import restore, restore_text

    wanted = runs.chosen(found, options.model)
    say = runs.teller(options.json)
    outcomes = restore.restore(
        found, wanted, options.type, options.dry_run, lambda one: say(restore_text.line(one))
    )
    if options.json:
        output.emit_json(
            {"dry_run": options.dry_run, "storage_unit": found.units.storage, "models": outcomes}
        )
    else:
        for one in outcomes:
            if options.dry_run or one.how in ("whole", "unverified"):
                output.say(restore_text.line(one))
    lost = [one for one in outcomes if not one.there and one.how not in ("restore", "copy")]
    if not lost:
        return EXIT_OK
    output.warn(f"backup_manager.py: not brought back: {', '.join(one.model for one in lost)}")
    return EXIT_FAILED


def _days(text: str) -> int:
    days = int(text)
    if not 0 < days <= 36_500:
        raise ValueError
    return days


_days.__name__ = "number of days"  # argparse says "invalid number of days value"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backup_manager.py",
        description="Makes, checks, lists and tidies the backups on /mnt/citadel-backup.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, action: Callable[[Settings, argparse.Namespace], int], help_: str
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help_, description=help_)
        one.set_defaults(action=action)
        one.add_argument("--json", action="store_true", help="the result as JSON; words go to standard error")
        return one

    create = command("create", _create, "back up all models and the configuration now")
    create.add_argument("--type", choices=names.TYPES, default="daily", help="of the models; default daily")
    create.add_argument("--model", metavar="NAME", help="only this model, and the configuration")

    verify = command(
        "verify", _verify, "check an archive, a folder of archives, or a directory unpacked from one"
    )
    verify.add_argument("path", type=Path, metavar="PATH")
    everything = command("validate-all", _validate_all, "check every archive on the backup disk")
    for one in (verify, everything):
        one.add_argument(
            "--deep", action="store_true", help="also unpack archives (to nowhere) and hash every file"
        )

    cleanup = command(
        "cleanup", _cleanup, "remove archives older than DAYS, never the last good one of a model"
    )
    cleanup.add_argument("days", type=_days, metavar="DAYS")
    cleanup.add_argument(
        "--all", action="store_true", help="also monthly archives, which else stay for their retention"
    )
    archive = command("archive", _archive, "move old model archives to models/archive/")
    archive.add_argument("--older-than", type=_days, metavar="DAYS", required=True)
    for one in (create, cleanup, archive):
        one.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")

    restore = command(
        "restore", _restore, "bring back models that are missing or damaged, from the newest good archive"
    )
    restore.add_argument("--model", metavar="NAME", help="only this model; default all")
    restore.add_argument("--type", choices=names.TYPES, help="only from archives of this type; default any")
    restore.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would be done, change nothing"
    )

    command("status", _status, "what there is, how old it is and what is wrong")
    return parser
