"""Sequential speed of a file system, with a file that has no name: nothing is left, however this ends."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citadel_node import mounts
from citadel_node.settings import Settings

MIB = 1024 * 1024
BLOCK = 4 * MIB
#: A file system is never filled further than this share of what is free.
SHARE_OF_FREE = 0.25


@dataclass(frozen=True)
class DiskSpeed:
    """Speeds in MiB/s; None with the reason in `problem`."""

    path: str
    write_mib_per_sec: float | None = None
    read_mib_per_sec: float | None = None
    size_mib: int = 0
    #: `direct` (around the page cache) or `synced` (through it, with fdatasync, and dropped before reading).
    method: str = ""
    problem: str | None = None


def places(settings: Settings) -> dict[str, Path | None]:
    """Mount point → a directory on it that we may write to; None where there is none, or nothing is mounted."""
    table = mounts.table()
    ours = [settings.paths.staging, settings.paths.active, *(each.path for each in settings.directories)]
    found: dict[str, Path | None] = {}
    for mount in settings.mounts:
        candidates = [mount.path, *(each for each in ours if mount.path in each.parents)]
        there = [each for each in candidates if each.is_dir() and os.access(each, os.W_OK)]
        found[str(mount.path)] = there[0] if mount.path in table and there else None
    return found


def measure(
    path: str,
    directory: Path | None,
    size_mib: int,
    limit_sec: float,
    clock: Callable[[], float] = time.monotonic,
) -> DiskSpeed:
    """Writes and reads `size_mib` at most, less where little is free; each direction ends after `limit_sec`."""
    if directory is None:
        return DiskSpeed(path, problem="it is not mounted, or no directory on it may be written")
    free = os.statvfs(directory)
    size = min(size_mib * MIB, int(free.f_bavail * free.f_frsize * SHARE_OF_FREE)) // BLOCK * BLOCK
    if size < 2 * BLOCK:
        return DiskSpeed(path, problem="too little space is free to measure")
    try:
        handle, direct = _open(directory)
    except OSError as error:
        return DiskSpeed(path, problem=f"no file can be made in {directory}: {error.strerror}")
    try:
        with contextlib.closing(mmap.mmap(-1, BLOCK)) as block:
            # Random, so that no file system compresses it away.
            block.write(os.urandom(BLOCK))
            written, write_sec = _write(handle, block, size, limit_sec, clock)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            read, read_sec = _read(handle, block, written, limit_sec, clock)
    except OSError as error:
        return DiskSpeed(path, problem=f"{directory}: {error.strerror}")
    finally:
        os.close(handle)
    return DiskSpeed(
        path,
        write_mib_per_sec=round(written / MIB / max(write_sec, 1e-9), 1),
        read_mib_per_sec=round(read / MIB / max(read_sec, 1e-9), 1),
        size_mib=written // MIB,
        method="direct" if direct else "synced",
    )


def _open(directory: Path) -> tuple[int, bool]:
    """A file without a name; direct where the file system can."""
    flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
    try:
        handle = os.open(directory, flags | os.O_DIRECT, 0o600)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        return os.open(directory, flags, 0o600), False
    try:
        with contextlib.closing(mmap.mmap(-1, BLOCK)) as block:
            os.pwrite(handle, block, 0)
        os.ftruncate(handle, 0)
    except OSError:
        os.close(handle)
        return os.open(directory, flags, 0o600), False
    return handle, True


def _write(
    handle: int, block: mmap.mmap, size: int, limit_sec: float, clock: Callable[[], float]
) -> tuple[int, float]:
    began = clock()
    done = 0
    while done < size and clock() - began < limit_sec:
        done += os.pwrite(handle, block, done)
    os.fdatasync(handle)
    return done // BLOCK * BLOCK, clock() - began


def _read(
    handle: int, block: mmap.mmap, size: int, limit_sec: float, clock: Callable[[], float]
) -> tuple[int, float]:
    began = clock()
    done = 0
    while done < size and clock() - began < limit_sec:
        count = os.preadv(handle, [block], done)
        if count == 0:
            break
        done += count
    return done, clock() - began
