"""backup_configs.py: backs up the host's configuration."""

from __future__ import annotations

import argparse

from citadel_node import output, settings
from citadel_node.backups import configs, runs
from citadel_node.backups.store import Store
from citadel_node.program import EXIT_FAILED, EXIT_OK

_EPILOG = """What only root may read is read through sudo -n. The archive is readable by the node's account and root alone. Of
the generations, only documents and indexes are saved. Unchanged configuration costs no second copy.
exit status: 0 saved, 1 not saved (it is said what to do), 2 usage, 75 another run is at work.
restore: citadel-rollback restore"""


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    found = settings.load()
    if options.dry_run:
        return _dry_run(found, options.json)
    outcome = runs.run_configs(found, runs.teller(options.json))
    if options.json:
        output.emit_json(outcome)
    if outcome.failed:
        output.warn(f"backup_configs.py: the configuration was not saved: {outcome.error}")
    return EXIT_FAILED if outcome.failed else EXIT_OK


def _dry_run(found: settings.Settings, as_json: bool) -> int:
    Store(found).require_disk()
    there, missing = configs.sources(found)
    if as_json:
        output.emit_json({"saved": there, "missing": missing})
        return EXIT_OK
    for path in there:
        output.say(f"would save {path}")
    for path in missing:
        output.say(f"not there: {path}")
    output.say("Nothing was written.")
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backup_configs.py",
        description="Backs up the configuration to /mnt/citadel-backup/system/configs/configs-<UTC time>.tar.zst.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be saved, write nothing")
    parser.add_argument("--json", action="store_true", help="the result as JSON; words go to standard error")
    return parser
