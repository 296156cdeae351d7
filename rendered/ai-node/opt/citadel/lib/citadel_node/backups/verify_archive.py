"""Checks archives: against the catalogue, or by their own structure where the catalogue does not know them."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, cast

from citadel_node.backups import checksums
from citadel_node.backups.metadata import DAMAGED, GOOD, UNKNOWN, Checked
from citadel_node.backups.record import Record
from citadel_node.backups.store import Archive, Store
from citadel_node.program import ProgramError

_NAMED = 5


def check(store: Store, archive: Archive, deep: bool = False) -> Checked:
    """Reads the whole archive once. `deep` unpacks it (to nowhere) and hashes every file in it as well."""
    try:
        known = store.read_record(archive)
        record_error = ""
    except ProgramError as error:
        known, record_error = None, error.what
    if known is None:
        state, detail = check_unknown(archive.path)
        detail = "; ".join(part for part in (record_error, detail) if part)
    else:
        state, detail = _known(archive, known, deep)
    return Checked(state, time.time(), detail, archive.size, archive.mtime)


def _known(archive: Archive, known: Record, deep: bool) -> tuple[str, str]:
    if archive.size != known.archive_size:
        words = f"has {archive.size} bytes instead of {known.archive_size}"
        return DAMAGED, f"{words}; {_contents(archive.path, known)}"
    summing = checksums.of_algorithm(known.archive_checksum)
    try:
        same = checksums.sum_file(archive.path, summing) == known.archive_checksum
    except OSError as error:
        return DAMAGED, f"cannot be read: {error.strerror}"
    if not same:
        return DAMAGED, f"its checksum is wrong; {_contents(archive.path, known)}"
    if deep:
        problems = compare(archive.path, known)
        if problems:
            return DAMAGED, _listed(problems)
    return GOOD, f"{counted(known.files)} of {known.root or 'the host'}"


def _contents(path: Path, known: Record) -> str:
    problems = compare(path, known)
    return _listed(problems) if problems else "yet every file in it still reads well"


def counted(files: int) -> str:
    return "1 file" if files == 1 else f"{files} files"


def _listed(problems: Sequence[str]) -> str:
    more = f", and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
    return f"{', '.join(problems[:_NAMED])}{more}"


def compare(path: Path, known: Record) -> list[str]:
    """What is wrong with the files in an archive, each by its name; nothing for a good one."""
    wanted = {known.member(saved.entry.path): saved for saved in known.entries}
    problems: list[str] = []
    seen: set[str] = set()
    try:
        with Unpacked(path) as archive:
            for member in archive.members():
                name = member.name
                if name == known.root and member.isdir():
                    continue
                saved = wanted.get(name)
                seen.add(name)
                if saved is None:
                    problems.append(f"extra: {name}")
                elif (
                    saved.checksum is not None and archive.checksum(member, saved.checksum) != saved.checksum
                ):
                    problems.append(f"damaged: {name}")
    except Broken as error:
        problems.append(f"unreadable from {error.member or 'its beginning'} on")
    problems.extend(f"missing: {name}" for name in wanted if name not in seen)
    return problems


def check_unknown(path: Path) -> tuple[str, str]:
    files = 0
    try:
        with Unpacked(path) as archive:
            for member in archive.members():
                files += member.isreg()
                archive.skip(member)
    except Broken as error:
        return (
            DAMAGED,
            f"the catalogue does not know it, and it is unreadable from {error.member or 'its beginning'} on",
        )
    return UNKNOWN, f"the catalogue does not know it; it reads well and has {counted(files)}"


class NotWritten(Exception):
    """What was read could not be written: the target is at fault, not the archive."""


def _written(target: int, data: memoryview) -> int:
    # A full disk is an OSError too, and so is a damaged archive's: they must not be taken for each other.
    try:
        return os.write(target, data)
    except OSError as error:
        raise NotWritten(error.strerror) from error


class Broken(Exception):
    """The archive could not be read on; `member` is the last name that was read."""

    def __init__(self, member: str | None) -> None:
        super().__init__(member)
        self.member = member


class Unpacked:
    """An archive as a stream of members, through `zstd -d`, whose own checksum counts too."""

    def __init__(self, path: Path) -> None:
        try:
            self._process = subprocess.Popen(
                ["zstd", "-q", "-d", "-c", "--", str(path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except FileNotFoundError as error:
            raise ProgramError("zstd is not installed", "Install it: sudo apt-get install zstd") from error
        assert self._process.stdout is not None
        self._stream: IO[bytes] = self._process.stdout
        self._tar: tarfile.TarFile | None = None
        self._at: str | None = None
        self._buffer = bytearray(checksums.CHUNK)

    def members(self) -> Iterator[tarfile.TarInfo]:
        while (member := self._next()) is not None:
            yield member

    def _next(self) -> tarfile.TarInfo | None:
        try:
            if self._tar is None:
                self._tar = tarfile.open(fileobj=self._stream, mode="r|", bufsize=1 << 20)  # noqa: SIM115 - open as long as we are
            member = self._tar.next()
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise Broken(self._at) from error
        if member is None:
            self._end()
        else:
            self._at = member.name
        return member

    def checksum(self, member: tarfile.TarInfo, like: str) -> str:
        """Of a member's content, by the algorithm of another checksum."""
        summing = checksums.of_algorithm(like)
        self._read(member, summing.update)
        return summing.text()

    def copy(self, member: tarfile.TarInfo, target: int, like: str | None) -> str | None:
        """Writes a member's content to a file; returns its checksum by the algorithm of another, or None without one."""
        summing = None if like is None else checksums.of_algorithm(like)

        def use(data: bytearray, length: int) -> None:
            if summing is not None:
                summing.update(data, length)
            with memoryview(data) as view:
                written = 0
                while written < length:
                    written += _written(target, view[written:length])

        self._read(member, use)
        return None if summing is None else summing.text()

    def skip(self, member: tarfile.TarInfo) -> None:
        self._read(member, lambda _data, _length: None)

    def _read(self, member: tarfile.TarInfo, use: Callable[[bytearray, int], object]) -> None:
        assert self._tar is not None
        try:
            source = cast(io.BufferedReader | None, self._tar.extractfile(member))
            left = member.size if member.isreg() else 0
            while source is not None and left > 0:
                length = source.readinto(memoryview(self._buffer)[: min(left, checksums.CHUNK)])
                if not length:
                    raise EOFError
                use(self._buffer, length)
                left -= length
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise Broken(self._at) from error

    def _end(self) -> None:
        """After the last member there is padding, and zstd's checksum of everything."""
        while self._stream.read(1 << 20):
            pass
        if self._process.wait() != 0:
            raise Broken(self._at)

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._stream.close()
        self._process.wait()
