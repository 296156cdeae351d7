"""Backups of the configuration: making one, listing them, bringing one back."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from citadel_node import commands, output
from citadel_node import settings as settings_module
from citadel_node.backups import configs_main
from citadel_node.backups.configs import ConfigBackup, list_config_backups, restore_config_backup
from citadel_node.program import EXIT_OK, ProgramError, UsageError
from citadel_node.rollback import person
from citadel_node.rollback.restore import Difference, compare, put_back
from citadel_node.rollback.units import settings_or_none

_RELOAD_SEC = 60.0


def newest() -> str | None:
    """The newest backup's id, or None; also when the settings cannot be read or the disk is not there."""
    settings = settings_or_none()
    if settings is None:
        return None
    try:
        found = list_config_backups(settings)
    except (ProgramError, OSError):
        return None
    return found[0].id if found else None


def backup(options: argparse.Namespace) -> int:
    """`citadel-rollback backup`: what cron does every quarter of an hour, now."""
    words = [*(["--json"] if options.json else []), *(["--dry-run"] if options.dry_run else [])]
    return configs_main.main(words)


def restore(options: argparse.Namespace) -> int:
    """`citadel-rollback restore ID`; without an id, the list."""
    settings = settings_module.load()
    if options.id is None:
        _list(list_config_backups(settings), options.json)
        return EXIT_OK
    # Tests put files into a directory of their own.
    elsewhere = os.environ.get("CITADEL_RESTORE_ROOT")
    if os.geteuid() != 0 and not elsewhere:
        person.again_as_root()
    root = Path(elsewhere or "/")
    chosen = choose(list_config_backups(settings), options.id)
    said = person.teller(options.json)
    with tempfile.TemporaryDirectory(prefix="citadel-restore-") as scratch:
        extracted = Path(scratch) / "files"
        restore_config_backup(settings, chosen.id, extracted, options.untrusted or options.dry_run)
        differences = compare(extracted, root)
        for one in differences:
            for line in one.text().split("\n"):
                said(output.clean(line))
        changes = bool(differences) and not options.dry_run
        if not differences:
            said(f"This host is as the backup of {chosen.id} has it. Nothing to do.")
        if changes:
            if not options.yes:
                person.confirm(f"Put {len(differences)} files back as they were at {chosen.id}?")
            for one in differences:
                put_back(extracted, root, one.path)
            _tell_systemd(differences, root)
            said(f"{len(differences)} files are as they were at {chosen.id}.")
            said("Services read them when they start: citadel restart NAME.")
            said(
                "The operator's next diff shows them as drift: put them into the configuration, or apply it again."
            )
    if options.json:
        output.emit_json(
            {"backup": chosen.id, "restored": changes, "files": [one.path for one in differences]}
        )
    return EXIT_OK


def choose(found: Sequence[ConfigBackup], wanted: str) -> ConfigBackup:
    """By its id (`20261124T013000Z`), its file's name, or `newest`."""
    if wanted == "newest" and found:
        return found[0]
    for one in found:
        if wanted in (one.id, one.path.name):
            return one
    raise UsageError(
        f"there is no backup {wanted!r} of the configuration", "List them: citadel-rollback restore"
    )


def _list(found: Sequence[ConfigBackup], as_json: bool) -> None:
    if as_json:
        output.emit_json(found)
    elif not found:
        output.say("No backup of the configuration yet. Make one: citadel-rollback backup")
    else:
        rows = [[one.id, output.size_text(one.size), one.state] for one in found]
        output.say(output.table(["id", "size", "state"], rows, [1]))


def _tell_systemd(differences: Sequence[Difference], root: Path) -> None:
    unit_files = [
        one for one in differences if one.path.startswith("etc/systemd/") or one.path == "etc/fstab"
    ]
    if root == Path("/") and unit_files:
        commands.as_root(["systemctl", "daemon-reload"], _RELOAD_SEC)
