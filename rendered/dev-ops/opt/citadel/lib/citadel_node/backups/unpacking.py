"""Unpacks one archive of a model: what arrives is compared with the catalogue while it is written, and appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from citadel_node import files, mounts
from citadel_node.backups.record import Record
from citadel_node.backups.verify_archive import Broken, NotWritten, Unpacked
from citadel_node.output import size_text
from citadel_node.program import ProgramError

_SPARE_BYTES = 64 << 20
_PARTIAL = ".restoring"


class Unusable(Exception):
    """The archive is damaged, or not one of this model; the text says how. Another one may be good."""


@dataclass(frozen=True)
class Account:
    """Whose the files become, where root unpacks them."""

    name: str

    def own(self, path: Path) -> None:
        if os.geteuid() != 0:
            return
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(self.name)
            os.chown(path, found.pw_uid, found.pw_gid, follow_symlinks=False)


def require_space(staging: Path, needed: int) -> None:
    available = mounts.usage(staging).available
    if available < needed + _SPARE_BYTES:
        raise ProgramError(
            f"{staging} has {size_text(available)} free; this model needs {size_text(needed + _SPARE_BYTES)}",
            f"See what is large: sudo du -xh --max-depth=2 {staging.parent} | sort -h | tail",
        )


@contextlib.contextmanager
def beside(staging: Path, name: str) -> Iterator[Path]:
    """An empty directory to fill. What a killed run left of it goes first; what an error leaves goes at once."""
    partial = staging / f"{name}{_PARTIAL}"
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(mode=0o755)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def put(filled: Path, target: Path, aside: Path) -> None:
    """Makes a filled directory the model, in one step; what stood there, damaged, is kept as `aside`."""
    if os.path.lexists(target):
        os.rename(target, aside)
    os.rename(filled, target)
    files.sync_directory(target.parent)


def unpack(archive: Path, known: Record | None, root: str, into: Path, account: Account) -> tuple[Path, int]:
    """Returns the model's directory below `into` and its bytes. Raises Unusable; ProgramError where the disk is at fault."""
    into = into.resolve()  # a link above it is a person's, one below would be the archive's
    wanted = None if known is None else {known.member(one.entry.path): one for one in known.entries}
    seen: set[str] = set()
    modes: list[tuple[Path, int]] = []
    size = 0
    try:
        with Unpacked(archive) as unpacked:
            for member in unpacked.members():
                name = _safe(member.name, root)
                saved = None if wanted is None else wanted.get(name)
                if name != root and wanted is not None and saved is None:
                    raise Unusable(f"it holds {name}, which the catalogue does not know")
                like = None if saved is None else saved.checksum
                if _write(unpacked, member, into / name, like, account) != like and like is not None:
                    raise Unusable(f"{name} is damaged")
                seen.add(name)
                if member.isdir():
                    modes.append((into / name, member.mode & 0o777))
                size += member.size if member.isreg() else 0
    except Broken as error:
        raise Unusable(f"it is unreadable from {error.member or 'its beginning'} on") from error
    except NotWritten as error:
        raise ProgramError(
            f"{into} cannot be written: {error}", "Look: df -h; journalctl -k -n 50"
        ) from error
    missing = sorted((wanted or {}).keys() - seen)
    if missing or not seen:
        raise Unusable(f"{missing[0] if missing else 'everything'} is missing in it")
    directory = into / root
    if not directory.is_dir():
        raise Unusable(f"it has no directory {root}")
    _times(directory, known)
    for path, mode in reversed(modes):  # last of all: one without `w` takes no more files
        path.chmod(mode)
    return directory, size


def _safe(name: str, root: str) -> str:
    """Nothing outside of the model's own directory is ever written, whatever the archive says."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] != root or ".." in parts:
        raise Unusable(f"it holds {name}, which is not in {root}")
    return "/".join(parts)


def _write(
    unpacked: Unpacked, member: tarfile.TarInfo, path: Path, like: str | None, account: Account
) -> str | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.parent.resolve(strict=True) != path.parent:
        raise Unusable(f"{member.name} lies behind a link")
    if member.isdir():
        path.mkdir(exist_ok=True)
    elif member.issym():
        os.symlink(member.linkname, path)
    elif member.isreg():
        digest = _write_file(unpacked, member, path, like)
        account.own(path)
        return digest
    else:
        raise Unusable(f"{member.name} is neither a file, a directory nor a link")
    account.own(path)
    return None


def _write_file(unpacked: Unpacked, member: tarfile.TarInfo, path: Path, like: str | None) -> str | None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        digest = unpacked.copy(member, handle, like)
        os.fchmod(handle, member.mode & 0o777)
        os.fsync(handle)
        seconds = int(member.mtime)
        os.utime(handle, (seconds, seconds))
    finally:
        os.close(handle)
    return digest


def _times(directory: Path, known: Record | None) -> None:
    """As the catalogue has them, to the nanosecond: by them a later look knows the model without reading it."""
    for saved in () if known is None else known.entries:
        path = directory / saved.entry.path
        if stat.S_ISREG(path.lstat().st_mode):
            os.utime(path, ns=(saved.entry.mtime_ns, saved.entry.mtime_ns))
