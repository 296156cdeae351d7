"""The file systems that must be mounted."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from citadel_node import commands, mounts
from citadel_node.checks import FAILED, OK, WARNING, Check
from citadel_node.output import size_text
from citadel_node.program import ProgramError
from citadel_node.settings import Mount, Settings
from citadel_node.thresholds import Threshold

AREA = "disks"
_GIB = 1024**3
_BY = {"LABEL": "label", "UUID": "uuid", "PARTLABEL": "partlabel", "PARTUUID": "partuuid"}


def is_mounted(settings: Settings, path: Path) -> bool:
    """Whether the disk that a path lies on is there; True where it lies on none of ours."""
    mount = settings.mount_of(path)
    return mount is None or mounts.mounted(mount.path) is not None


def mount_checks(settings: Settings) -> list[Check]:
    """Each expected mount: there, of its type, writable, from its device, about as large as it should be."""
    return [_mount_check(mount) for mount in settings.mounts]


def level_checks(settings: Settings) -> list[Check]:
    """How full the disks and the root are, in bytes and inodes, against the thresholds."""
    limits = settings.thresholds.disk_percent
    paths = [Path("/"), *(mount.path for mount in settings.mounts if mounts.mounted(mount.path) is not None)]
    return [_level_check(path, limits) for path in paths]


def _mount_check(mount: Mount) -> Check:
    name = str(mount.path)
    seen = mounts.mounted(mount.path)
    if seen is None:
        detail, fix = _why_not_mounted(mount)
        return Check(AREA, name, FAILED, detail, fix)
    if seen.type != mount.type:
        return Check(
            AREA,
            name,
            FAILED,
            f"is {seen.type}, and should be {mount.type}",
            f"Look which disk this is: findmnt {name}; lsblk -f {seen.source}",
        )
    if seen.read_only:
        return Check(
            AREA,
            name,
            FAILED,
            f"is read-only ({seen.source}): the kernel does so after errors of the disk",
            f"journalctl -k | grep -iE 'ext4|i/o error'; sudo umount {name} && sudo fsck {seen.source} && sudo mount {name}",
        )
    if mounts.same_source(seen, mount.source) is False:
        return Check(
            AREA,
            name,
            FAILED,
            f"comes from {seen.source}, and should come from {mount.source}",
            f"sudo umount {name} && sudo mount {name}",
        )
    usage = mounts.usage(mount.path)
    detail = f"{seen.type} from {seen.source}, {size_text(usage.size)}"
    if mount.size_gib is not None and usage.size < 0.85 * mount.size_gib * _GIB:
        wanted = size_text(mount.size_gib * _GIB)
        return Check(
            AREA,
            name,
            WARNING,
            f"{detail}, of which {wanted} were expected",
            "The budget of models and backups was counted with that: correct sizeGiB in the inventory.",
        )
    return Check(AREA, name, OK, detail)


def _level_check(path: Path, limits: Threshold) -> Check:
    usage = mounts.usage(path)
    percent, what = max((usage.percent, "space"), (usage.inodes_percent, "inodes"))
    level = limits.level(percent)
    state = {"ok": OK, "warning": WARNING, "critical": FAILED}[level]
    detail = f"{usage.percent:.0f} % used, {size_text(usage.available)} free"
    if level == "ok":
        return Check(AREA, f"room on {path}", OK, detail)
    limit = limits.critical if level == "critical" else limits.warning
    return Check(
        AREA,
        f"room on {path}",
        state,
        f"{detail}; {percent:.0f} % of its {what} are taken, {level} from {limit:g} %",
        f"See what is large: sudo du -xh --max-depth=2 {path} | sort -h | tail; "
        "old backups: /opt/citadel/scripts/backup_manager.py cleanup 30",
    )


def _why_not_mounted(mount: Mount) -> tuple[str, str]:
    """What keeps it from being mounted, and the command that would help. Nothing is ever formatted by us."""
    device = device_of(mount.source)
    if device is None:
        return "is not mounted", f"sudo mount {mount.path}"
    try:
        there = os.stat(device)
    except OSError:
        return (
            f"is not mounted: there is no {mount.source}",
            "Is the disk plugged in, and is it the right one? lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINTS",
        )
    if not stat.S_ISBLK(there.st_mode):
        return f"is not mounted: {mount.source} is not a disk", f"Look at it: ls -l {device}"
    elsewhere = [
        str(path)
        for path, seen in mounts.table().items()
        if path != mount.path and mounts.same_source(seen, device) is True
    ]
    if elsewhere:
        return (
            f"is not mounted: {mount.source} is mounted at {', '.join(elsewhere)}",
            "Is it the right disk? lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINTS",
        )
    try:
        found = _file_system(device)
    except ProgramError:
        return "is not mounted", f"sudo mount {mount.path}"
    if found is None:
        return (
            f"is not mounted: no one can tell what is on {mount.source}",
            f"It may have partitions, or be failing: lsblk -f {device}; sudo smartctl -a {device}; journalctl -k -n 50",
        )
    if found == "":
        return (
            f"is not mounted: {mount.source} has no file system",
            "This would make one, and DESTROYS what is on the disk; make sure that it is the right one first:\n"
            f"sudo mkfs.{mount.type} -L {label_for(mount)} {device} && sudo mount {mount.path}",
        )
    if found != mount.type:
        return (
            f"is not mounted: {mount.source} holds {found}, and not {mount.type}",
            f"Is it the right disk? lsblk -f {device}",
        )
    return "is not mounted", f"sudo mount {mount.path}"


def device_of(source: str) -> str | None:
    """The device node of what fstab names; None for what is none (a share, a directory)."""
    kind, separator, value = source.partition("=")
    if separator and kind in _BY:
        return f"/dev/disk/by-{_BY[kind]}/{value.strip(chr(34))}"
    return source if source.startswith("/dev/") else None


def label_for(mount: Mount) -> str:
    """A label of at most 16 characters: that of the source, or the last part of the path."""
    kind, _, value = mount.source.partition("=")
    return (value.strip('"') if kind == "LABEL" else mount.path.name)[:16]


def _file_system(device: str) -> str | None:
    """The type of the file system on a device, '' for none, None where that cannot be told.

    Raises ProgramError where no one may look.
    """
    done = commands.as_root(["blkid", "-p", "-s", "TYPE", "-o", "value", device], 10)
    if done.ok:
        return done.out.strip() or None
    # 2: nothing found, but also where the device could not be read. Anything else (4, 8) says that blkid could not tell.
    return "" if done.code == 2 and _can_be_read(device) else None


def _can_be_read(device: str) -> bool:
    """As far as any superblock at the start reaches. A disk that is gone may answer with nothing, and no error."""
    done = commands.as_root(["dd", f"if={device}", "of=/dev/null", "bs=4096", "count=32"], 10)
    return done.ok and "32+0 records in" in done.err
