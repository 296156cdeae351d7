"""Files that readers never see half written, links that are never missing, and one run at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citadel_node.program import BusyError, ProgramError


def atomic_write(path: Path, content: str | bytes, mode: int = 0o644, durable: bool = True) -> None:
    """Writes a new file next to it and renames: readers see the old file or the new one, also after a power failure.

    `durable=False` does not wait for the disk: for what is written again anyway, as metrics are. After a power failure it
    may be older, or empty.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = _beside(path)
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(handle, mode)
            if durable:
                os.fsync(handle)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    if durable:
        sync_directory(path.parent)


def atomic_json(path: Path, data: object, mode: int = 0o644) -> None:
    """As atomic_write: JSON with sorted keys, two spaces and a final newline."""
    atomic_write(path, json.dumps(data, indent=2, sort_keys=True) + "\n", mode)


def atomic_symlink(path: Path, target: str) -> None:
    """Makes or replaces a symbolic link in one step. Never replaces anything but a symbolic link."""
    if os.path.lexists(path) and not path.is_symlink():
        raise ProgramError(f"{path} is there and is not a symbolic link", f"Look at it: ls -ld {path}")
    beside = _beside(path)
    os.symlink(target, beside)
    try:
        os.rename(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Makes renames in a directory survive a power failure."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_json(path: Path) -> Any | None:
    """The file's content, or None where there is no such file. Raises ProgramError for what is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise ProgramError(
            f"{path} is not JSON: {error}", f"Move it away and run again: mv {path} {path}.damaged"
        ) from error


@contextlib.contextmanager
def locked(path: Path, what: str = "another run", wait_sec: float = 0.0) -> Iterator[None]:
    """Holds the lock `path` (a file that stays) inside the `with`. BusyError names the holder after `wait_sec` seconds.

    The kernel lets go of it when the process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _open_lock(path)
    try:
        until = time.monotonic() + wait_sec
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise BusyError(f"{what} holds {path} ({_holder(handle)})") from None
                time.sleep(0.1)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _open_lock(path: Path) -> int:
    """A lock that root makes belongs to whom its directory belongs to: `sudo PROGRAM`, once, must not keep the account out."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o664)
    except FileExistsError:
        return os.open(path, flags)
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)
    return handle


def _holder(handle: int) -> str:
    text = os.pread(handle, 32, 0).decode(errors="replace").strip()
    return f"process {text}" if text.isdigit() else "process unknown"


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.new")
