"""The directories that the node's programs need."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from citadel_node import commands
from citadel_node.checks import FAILED, OK, WARNING, Check
from citadel_node.program import ProgramError
from citadel_node.settings import Directory, Settings
from citadel_node.storage.disks import is_mounted

AREA = "directories"
_CREATE = "/opt/citadel/scripts/storage_manager.py create-dirs"


def check_all(settings: Settings) -> list[Check]:
    """Each directory; those on a disk that is not mounted in one line for the disk."""
    checks, absent = [], unreachable(settings)
    for mount, lost in absent.items():
        detail = f"{len(lost)} cannot be looked at: it is not mounted"
        checks.append(Check(AREA, f"on {mount}", FAILED, detail, f"sudo mount {mount}"))
    hidden = {directory for lost in absent.values() for directory in lost}
    return [*checks, *(check(directory) for directory in settings.directories if directory not in hidden)]


def unreachable(settings: Settings) -> dict[Path, list[Directory]]:
    """Directories on disks that are not mounted, by mount point."""
    found: dict[Path, list[Directory]] = {}
    for directory in settings.directories:
        mount = settings.mount_of(directory.path)
        if mount is not None and not is_mounted(settings, directory.path):
            found.setdefault(mount.path, []).append(directory)
    return found


def check(directory: Directory) -> Check:
    name = str(directory.path)
    try:
        seen = os.lstat(directory.path)
    except (FileNotFoundError, NotADirectoryError):
        return Check(AREA, name, FAILED, "is missing", _CREATE)
    except PermissionError:
        return Check(AREA, name, WARNING, "may not be looked at by this account", f"sudo ls -ld {name}")
    if not stat.S_ISDIR(seen.st_mode):
        return Check(
            AREA, name, FAILED, "is not a directory; it is not touched", f"Look at it: ls -ld {name}"
        )
    found = ownership(seen)
    wanted = (directory.owner, directory.group, directory.mode)
    if found != wanted:
        return Check(AREA, name, WARNING, f"is {_words(found)}, and should be {_words(wanted)}", _CREATE)
    return Check(AREA, name, OK, _words(found))


def ownership(seen: os.stat_result) -> tuple[str, str, int]:
    """Owner, group and mode; numbers where there are no names."""
    try:
        owner = pwd.getpwuid(seen.st_uid).pw_name
    except KeyError:
        owner = str(seen.st_uid)
    try:
        group = grp.getgrgid(seen.st_gid).gr_name
    except KeyError:
        group = str(seen.st_gid)
    return owner, group, stat.S_IMODE(seen.st_mode)


def commands_for(directory: Directory) -> list[list[str]]:
    """What makes it, or sets it right; nothing where it is right. Other things in its place are never touched."""
    path = str(directory.path)
    try:
        seen = os.lstat(directory.path)
    except FileNotFoundError:
        mode = f"{directory.mode:04o}"
        return [["install", "-d", "-o", directory.owner, "-g", directory.group, "-m", mode, path]]
    if not stat.S_ISDIR(seen.st_mode):
        raise ProgramError(f"{path} is not a directory; it is not touched", f"Look at it: ls -ld {path}")
    owner, group, mode_now = ownership(seen)
    found: list[list[str]] = []
    if (owner, group) != (directory.owner, directory.group):
        found.append(["chown", "--no-dereference", f"{directory.owner}:{directory.group}", path])
    if mode_now != directory.mode:
        found.append(["chmod", f"{directory.mode:04o}", path])
    return found


def create(directory: Directory) -> list[list[str]]:
    """Makes a directory or sets it right, and returns the commands that did so. Root's through sudo."""
    done: list[list[str]] = []
    for argv in commands_for(directory):
        result = commands.run(argv, 10)
        if not result.ok and os.geteuid() != 0:
            result = commands.as_root(argv, 10)
        if not result.ok:
            raise ProgramError(
                f"{' '.join(argv)}: {result.words}", f"Look at it: ls -ld {directory.path.parent}"
            )
        done.append(argv)
    return done


def _words(ownership_: tuple[str, str, int]) -> str:
    owner, group, mode = ownership_
    return f"{owner}:{group} {mode:04o}"
