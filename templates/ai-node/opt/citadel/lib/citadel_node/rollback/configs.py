"""Backups of the configuration: making one, listing them, bringing one back."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from citadel_node import commands, output
from citadel_node import settings as settings_module
from citadel_node.backups import names
from citadel_node.program import EXIT_OK, ProgramError, UsageError
from citadel_node.rollback import person
from citadel_node.rollback.restore import Difference, compare, put_back
from citadel_node.rollback.units import settings_or_none
from citadel_node.settings import Settings

_MAKE_SEC = 600.0


def folder_of(settings: Settings) -> Path:
    return settings.backup.directory / "system/configs"


def archives(folder: Path) -> list[Path]:
    """The backups that are there, newest first."""
    found = (
        [(name, file) for file in folder.iterdir() if (name := names.parse(file.name))]
        if folder.is_dir()
        else []
    )
    return [file for name, file in sorted(found, key=lambda one: one[0], reverse=True)]


def newest() -> str | None:
    """The newest backup's name, or None; also when the settings cannot be read."""
    settings = settings_or_none()
    found = archives(folder_of(settings)) if settings is not None else []
    return found[0].name if found else None


def backup(options: argparse.Namespace) -> int:
    """`citadel-rollback backup`: what cron does every quarter of an hour, now."""
    settings = settings_module.load()
    program = settings.paths.scripts / "backup_configs.py"
    words = [*(["--json"] if options.json else []), *(["--dry-run"] if options.dry_run else [])]
    done = commands.run([sys.executable, "-B", str(program), *words], _MAKE_SEC)
    sys.stdout.write(done.out)
    sys.stderr.write(done.err)
    return done.code


def restore(options: argparse.Namespace) -> int:
    """`citadel-rollback restore ID`."""
    settings = settings_module.load()
    found = archives(folder_of(settings))
    if options.id is None:
        _list(found, options.json)
        return EXIT_OK
    if os.geteuid() != 0 and not os.environ.get("CITADEL_RESTORE_ROOT"):
        person.again_as_root()
    archive = choose(found, options.id)
    root = Path(os.environ.get("CITADEL_RESTORE_ROOT") or "/")
    with tempfile.TemporaryDirectory(prefix="citadel-restore-") as scratch:
        extracted = Path(scratch)
        done = commands.run(
            ["tar", "-I", "zstd", "-xpf", str(archive), "--numeric-owner", "-C", scratch], _MAKE_SEC
        )
        if not done.ok:
            raise ProgramError(
                f"{archive.name} cannot be read: {done.words}",
                f"Check it: {settings.paths.scripts}/backup_manager.py verify {archive}",
            )
        differences = compare(extracted, root)
        said = person.teller(options.json)
        if not options.json or not options.yes:
            for one in differences:
                said(one.text())
        if not differences:
            said(f"This host is as {archive.name} has it. Nothing to do.")
        elif not options.dry_run:
            if not options.yes:
                person.confirm(f"Put {len(differences)} files back as {archive.name} has them?")
            for one in differences:
                put_back(extracted, root, one.path)
            _tell_systemd(differences, root)
        if options.json:
            output.emit_json(
                {
                    "backup": archive.name,
                    "restored": not options.dry_run,
                    "files": [one.path for one in differences],
                }
            )
        elif differences and not options.dry_run:
            said(f"{len(differences)} files are as they were in {archive.name}.")
            said(
                "Services read them when they start: citadel restart NAME. The operator's next diff shows them as drift."
            )
    return EXIT_OK


def choose(found: list[Path], wanted: str) -> Path:
    """By its name, its time (`20261124T013000Z`), or `newest`."""
    if wanted == "newest" and found:
        return found[0]
    hits = [
        file
        for file in found
        if wanted in (file.name, file.name.removesuffix(names.SUFFIX)) or _stamp(file) == wanted
    ]
    if len(hits) != 1:
        raise UsageError(f"there is no backup {wanted!r}", "List them: citadel-rollback restore")
    return hits[0]


def _stamp(file: Path) -> str:
    name = names.parse(file.name)
    return names.stamp_text(name.stamp) if name else ""


def _list(found: list[Path], as_json: bool) -> None:
    if as_json:
        output.emit_json(
            [{"id": _stamp(file), "file": str(file), "size": file.stat().st_size} for file in found]
        )
    elif not found:
        output.say("No backup of the configuration yet. Make one: citadel-rollback backup")
    else:
        output.say(
            output.table(
                ["id", "size"], [[_stamp(one), output.size_text(one.stat().st_size)] for one in found], [1]
            )
        )


def _tell_systemd(differences: list[Difference], root: Path) -> None:
    if root == Path("/") and any(
        one.path.startswith("etc/systemd/") or one.path == "etc/fstab" for one in differences
    ):
        commands.as_root(["systemctl", "daemon-reload"], 60.0)
