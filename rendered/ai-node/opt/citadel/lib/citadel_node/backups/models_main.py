"""backup_models.py: backs up models to the backup disk."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from citadel_node import mounts, output, settings
from citadel_node.backups import metadata, models, names, runs, tree
from citadel_node.backups.store import Store
from citadel_node.output import size_text
from citadel_node.program import EXIT_FAILED, EXIT_OK, ProgramError
from citadel_node.settings import Model, Settings

_EPILOG = """An unchanged model is not read, and its archive only gets a second name. Older archives go as the inventory says.
exit status: 0 everything is saved, 1 something is not (it is said what to do), 2 usage, 75 another run is at work.
restore: cd /mnt/citadel-backup/models/daily; tar -I zstd -xf ARCHIVE -C /mnt/citadel-models/staging/recovery/"""


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    found = settings.load()
    wanted = runs.chosen(found, options.model)
    if options.dry_run:
        return dry_run(found, options.type, wanted, options.json)
    say = runs.teller(options.json)
    outcomes = runs.run_models(found, options.type, wanted, say)
    if options.json:
        output.emit_json({"type": options.type, "models": outcomes})
    failed = [one for one in outcomes if one.failed]
    for one in failed:
        output.warn(f"backup_models.py: {one.model} was not saved: {one.error}")
    return EXIT_FAILED if failed else EXIT_OK


def dry_run(
    found: Settings, kind: str, wanted: list[Model], as_json: bool, more: Mapping[str, object] | None = None
) -> int:
    """Looks at everything that a run looks at first. Takes no lock and writes nothing. `more` goes into the JSON."""
    store = Store(found)
    store.require_disk()
    known = metadata.read(found)
    free = mounts.usage(store.root).available
    plans: list[dict[str, object]] = []
    failed = False
    for model in wanted:
        try:
            directory = models.source_of(model)
            entries = tree.scan(directory)
        except ProgramError as error:
            plans.append({"model": model.name, "plan": "fails", "why": error.what})
            failed = True
            continue
        size = tree.total_size(entries)
        same = models.unchanged_since(store, known, model.name, directory, entries)
        plan = "second name for the last archive" if same else "new archive"
        plans.append({"model": model.name, "plan": plan, "source": str(directory), "source_bytes": size})
    if as_json:
        output.emit_json({"type": kind, "free_bytes": free, "models": plans, **(more or {})})
        return EXIT_FAILED if failed else EXIT_OK
    for one in plans:
        source_bytes = one.get("source_bytes")
        of = f" of {size_text(source_bytes)}" if isinstance(source_bytes, int) else ""
        output.say(f"{one['model']}: {one['plan']}{of}{': ' + str(one['why']) if 'why' in one else ''}")
    output.say(f"{size_text(free)} are free on {store.root}. Nothing was written.")
    return EXIT_FAILED if failed else EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="backup_models.py",
        description="Backs up models to /mnt/citadel-backup/models/<type>/<model>-<UTC time>.tar.zst.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--type", choices=names.TYPES, required=True, help="which folder, and whose retention"
    )
    parser.add_argument("--model", metavar="NAME", help="one model, by its service's name; default all")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    parser.add_argument("--json", action="store_true", help="the result as JSON; words go to standard error")
    return parser
