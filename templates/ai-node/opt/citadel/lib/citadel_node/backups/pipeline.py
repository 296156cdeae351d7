"""Writes one archive: reads every file once, and hashes it while `zstd` compresses it and the archive is being hashed.

Three things go on at once besides zstd's own threads: this thread reads and feeds zstd, one hashes what was read, one
hashes what zstd has written so far. Feeding goes by splice(2), from the page cache into the pipe without a copy.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import queue
import subprocess
import tarfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from citadel_node.backups.checksums import CHUNK, Summing, fastest, for_files
from citadel_node.backups.record import SavedEntry
from citadel_node.backups.tree import Entry
from citadel_node.program import ProgramError

_BUFFERS = 8
_PIPE_BYTES = 1 << 20
_FOLLOW_SEC = 0.02
_WINDOW = 8 << 20
# The kernel starts writing to the disk by itself only after seconds; then the final fsync would wait for all of it.
_SYNC_BYTES = 256 << 20
# Debian's mypy does not know os.splice.
_splice: Callable[[int, int, int, int], int] = vars(os)["splice"]


class Changed(ProgramError):
    """The source changed while it was read."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "Run the backup again when no one writes to it.")


class Compressor:
    """`zstd` writing to a file. Used as a context: leaving it by an exception kills zstd."""

    def __init__(self, target: int, level: int) -> None:
        argv = ["zstd", "-q", "-T0", f"-{level}", "-c"]
        try:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=target, stderr=subprocess.PIPE
            )
        except FileNotFoundError as error:
            raise ProgramError("zstd is not installed", "Install it: sudo apt-get install zstd") from error
        assert self._process.stdin is not None
        self.pipe = self._process.stdin.fileno()
        with contextlib.suppress(OSError):  # the limit of an account; the default works too
            fcntl.fcntl(self.pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def write(self, data: memoryview) -> None:
        try:
            while data:
                data = data[os.write(self.pipe, data) :]
        except BrokenPipeError:
            self._failed()

    def splice(self, source: int, offset: int, length: int) -> bool:
        """Sends a piece of a file. False, with nothing sent, where its file system cannot."""
        sent = 0
        try:
            while sent < length:
                moved = _splice(source, self.pipe, length - sent, offset + sent)
                if moved == 0:
                    raise Changed("a file became shorter while it was read")
                sent += moved
        except BrokenPipeError:
            self._failed()
        except OSError as error:
            if error.errno == errno.EINVAL and sent == 0:
                return False
            raise
        return True

    def finish(self) -> None:
        """Ends the stream and waits. Raises ProgramError with zstd's words."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if self._process.wait() != 0:
            self._failed()

    def _failed(self) -> None:
        words = b""
        if self._process.stderr is not None:
            words = self._process.stderr.read()
        said = " ".join(words.decode(errors="replace").split())
        raise ProgramError(
            f"zstd failed: {said or f'status {self._process.wait()}'}",
            "Look at the backup disk: df -h shows whether it is full.",
        )

    def __enter__(self) -> Compressor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        for stream in (self._process.stdin, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()


class Follower(threading.Thread):
    """Hashes a file that is being written, some steps behind, and keeps it going to the disk.

    It looks at the file through the page cache (mmap), where zstd has just put it: nothing is copied. No one else
    knows the file, so no one makes it shorter.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(name="archive checksum", daemon=True)
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._complete = threading.Event()
        self._summing: Summing = fastest()
        self._error: OSError | None = None
        self.size = 0

    def run(self) -> None:
        synced = 0
        try:
            while True:
                complete = self._complete.is_set()
                ready = os.fstat(self._file).st_size - self.size
                if ready >= _WINDOW or (complete and ready > 0):
                    self._hash(min(ready, _WINDOW))
                elif complete:
                    return
                else:
                    self._complete.wait(_FOLLOW_SEC)
                if self.size - synced >= _SYNC_BYTES:
                    os.fdatasync(self._file)
                    synced = self.size
        except OSError as error:
            self._error = error
        finally:
            os.close(self._file)

    def finish(self) -> str:
        """The checksum, once nothing more is written."""
        self._complete.set()
        self.join()
        if self._error is not None:
            raise self._error
        return self._summing.text()

    def _hash(self, length: int) -> None:
        # A private mapping, because hashing asks for a buffer that could be written to.
        with mmap.mmap(self._file, length, access=mmap.ACCESS_COPY, offset=self.size) as window:
            self._summing.update(window, length)
        self.size += length


class _Hasher(threading.Thread):
    """Hashes what was read, file by file, while it is being compressed."""

    def __init__(self) -> None:
        super().__init__(name="file checksums", daemon=True)
        self.free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[tuple[bytearray, int] | None] = queue.SimpleQueue()
        self._sums: list[str] = []
        self._current = for_files()
        for _ in range(_BUFFERS):
            self.free.put(bytearray(CHUNK))

    def run(self) -> None:
        while (item := self._work.get()) is not None:
            buffer, length = item
            if length == 0:
                self._sums.append(self._current.text())
                self._current = for_files()
            else:
                self._current.update(buffer, length)
            self.free.put(buffer)

    def add(self, buffer: bytearray, length: int) -> None:
        """A piece of the current file; none ends the file."""
        self._work.put((buffer, length))

    def finish(self) -> list[str]:
        self._work.put(None)
        self.join()
        return self._sums


def write_archive(
    directory: Path, entries: Sequence[Entry], target: Path, level: int
) -> tuple[list[SavedEntry], int, str]:
    """Writes `target` (a new file, synced), whose only top entry is the directory's own name.

    Returns the entries with their checksums, the archive's size and its checksum. Raises Changed where a file is not
    what `entries` says; the caller removes `target` then, and compares a second scan.
    """
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    hasher = _Hasher()
    try:
        follower = Follower(target)
        hasher.start()
        follower.start()
        try:
            with Compressor(handle, level) as compressor:
                _feed(directory, entries, compressor, hasher)
                compressor.finish()
        finally:
            sums = hasher.finish()
            checksum = follower.finish()
        os.fsync(handle)
        # No one reads it soon; the memory is the models'.
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)
    of_files = iter(sums)
    saved = [SavedEntry(entry, next(of_files) if entry.kind == "file" else None) for entry in entries]
    return saved, follower.size, checksum


def _feed(directory: Path, entries: Sequence[Entry], compressor: Compressor, hasher: _Hasher) -> None:
    top = _header(directory.name, directory.lstat(), tarfile.DIRTYPE)
    compressor.write(memoryview(top))
    written = len(top)
    for entry in entries:
        path = directory / entry.path
        name = f"{directory.name}/{entry.path}"
        if entry.kind == "file":
            written += _feed_file(path, name, entry, compressor, hasher)
            continue
        kind = tarfile.DIRTYPE if entry.kind == "dir" else tarfile.SYMTYPE
        header = _header(name, path.lstat(), kind, entry.target or "")
        compressor.write(memoryview(header))
        written += len(header)
    # Two empty blocks end an archive; whole records are what tar writes.
    end = 2 * tarfile.BLOCKSIZE
    end += -(written + end) % tarfile.RECORDSIZE
    compressor.write(memoryview(bytes(end)))


def _feed_file(path: Path, name: str, entry: Entry, compressor: Compressor, hasher: _Hasher) -> int:
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        seen = os.fstat(source)
        if (seen.st_ino, seen.st_size, seen.st_mtime_ns) != (entry.inode, entry.size, entry.mtime_ns):
            raise Changed(f"{path} changed while the backup ran")
        os.posix_fadvise(source, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        header = _header(name, seen, tarfile.REGTYPE)
        compressor.write(memoryview(header))
        offset, splices = 0, True
        while True:
            buffer = hasher.free.get()
            length = os.readv(source, [buffer])
            hasher.add(buffer, length)
            if length == 0:
                break
            if offset + length > entry.size:
                raise Changed(f"{path} grew while the backup ran")
            splices = splices and compressor.splice(source, offset, length)
            if not splices:
                # The hasher only reads it, and no one else takes it again before we do.
                compressor.write(memoryview(buffer)[:length])
            offset += length
        if offset != entry.size:
            raise Changed(f"{path} became shorter while the backup ran")
    finally:
        os.close(source)
    padding = -entry.size % tarfile.BLOCKSIZE
    compressor.write(memoryview(bytes(padding)))
    return len(header) + entry.size + padding


def _header(name: str, seen: os.stat_result, kind: bytes, target: str = "") -> bytes:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.mode = seen.st_mode & 0o7777
    member.uid, member.gid = seen.st_uid, seen.st_gid
    member.mtime = int(seen.st_mtime)
    member.linkname = target
    member.size = seen.st_size if kind == tarfile.REGTYPE else 0
    return member.tobuf(tarfile.PAX_FORMAT)
