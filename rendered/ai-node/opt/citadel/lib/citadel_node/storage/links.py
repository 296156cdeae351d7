"""The symbolic links by which models are found. Only those in LINKS are ours, and only links are ever replaced."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from citadel_node import commands, files
from citadel_node.checks import FAILED, OK, WARNING, Check
from citadel_node.program import ProgramError
from citadel_node.settings import Link, Settings
from citadel_node.storage.disks import is_mounted

AREA = "links"
_REPAIR = "/opt/citadel/scripts/storage_manager.py repair-symlinks"


@dataclass(frozen=True)
class LinkState:
    """`kind`: ok, missing, elsewhere (points to `points_to`), broken (right, but nothing is there), occupied, unmounted."""

    link: Link
    kind: str
    points_to: str | None = None

    @property
    def repairable(self) -> bool:
        return self.kind in ("missing", "elsewhere")


def inspect(settings: Settings, link: Link) -> LinkState:
    if not is_mounted(settings, link.path):
        return LinkState(link, "unmounted")
    try:
        points_to = os.readlink(link.path)
    except FileNotFoundError:
        return LinkState(link, "missing")
    except OSError:
        return LinkState(link, "occupied" if os.path.lexists(link.path) else "missing")
    if points_to.rstrip("/") != link.target.rstrip("/"):
        return LinkState(link, "elsewhere", points_to)
    return LinkState(link, "ok" if os.path.exists(link.path) else "broken", points_to)


def check(settings: Settings, state: LinkState) -> Check:
    link, name = state.link, str(state.link.path)
    match state.kind:
        case "ok":
            return Check(AREA, name, OK, f"-> {link.target}")
        case "missing":
            return Check(AREA, name, FAILED, f"is missing; should point to {link.target}", _REPAIR)
        case "elsewhere":
            return Check(
                AREA, name, FAILED, f"points to {state.points_to}, and should point to {link.target}", _REPAIR
            )
        case "occupied":
            what = "a directory" if link.path.is_dir() else "a file"
            return Check(
                AREA,
                name,
                FAILED,
                f"is {what}, where a link to {link.target} should be; it is not touched",
                f"Look what is in it, then: sudo mv {name} {name}.found && {_REPAIR}",
            )
        case "unmounted":
            mount = settings.mount_of(link.path)
            where = mount.path if mount else link.path.parent
            return Check(
                AREA, name, FAILED, f"cannot be looked at: {where} is not mounted", f"sudo mount {where}"
            )
        case _:
            return Check(
                AREA, name, FAILED, f"points to {link.target}, which is not there", _restore(settings, link)
            )


def check_all(settings: Settings) -> list[Check]:
    """Every link of ours, then links in the folder of models that lead nowhere."""
    checks = [check(settings, inspect(settings, link)) for link in settings.links]
    ours = {link.path for link in settings.links}
    if is_mounted(settings, settings.paths.active) and settings.paths.active.is_dir():
        for path in sorted(settings.paths.active.iterdir()):
            if path.is_symlink() and path not in ours and not path.exists():
                checks.append(
                    Check(
                        AREA,
                        str(path),
                        WARNING,
                        f"leads nowhere ({os.readlink(path)}), and is not ours",
                        f"rm {path}",
                    )
                )
    return checks


def repair(link: Link) -> None:
    """Makes or corrects a link in one step: there is no moment without it. Root's directories through sudo."""
    try:
        files.atomic_symlink(link.path, link.target)
    except PermissionError:
        _repair_as_root(link)
        return
    if os.geteuid() == 0:
        # Belongs to whom its directory belongs to, so that the account can fix it itself the next time.
        owner = link.path.parent.stat()
        with contextlib.suppress(OSError):
            os.lchown(link.path, owner.st_uid, owner.st_gid)


def _repair_as_root(link: Link) -> None:
    beside = link.path.with_name(f".{link.path.name}.{os.getpid()}.new")
    for argv in (["ln", "-sT", link.target, str(beside)], ["mv", "-T", str(beside), str(link.path)]):
        done = commands.as_root(argv, 10)
        if not done.ok:
            raise ProgramError(
                f"{' '.join(argv)}: {done.words}", f"Look at it: ls -ld {link.path.parent} {link.path}"
            )


def _restore(settings: Settings, link: Link) -> str:
    target = Path(os.path.normpath(link.path.parent / link.target))
    if not is_mounted(settings, target):
        mount = settings.mount_of(target)
        return f"sudo mount {mount.path if mount else target}"
    if target in {directory.path for directory in settings.directories}:
        return "/opt/citadel/scripts/storage_manager.py create-dirs"
    daily = settings.backup.directory / "models/daily"
    return f"Bring {target.name} back, from {daily} or by a new download into {target.parent}."
