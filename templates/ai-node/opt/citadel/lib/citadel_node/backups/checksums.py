"""Checksums, written `<algorithm>:<hexadecimal digits>`: of archives, and of every file in them.

An archive has XXH3-128 (SHA-256 where the host has no libxxhash): it finds damaged bytes and nothing more, and is made while
processors are busy compressing. A file has SHA-256, by which its publisher knows it, where the host has processors to
spare for it; where it has not, XXH3-128 too, or hashing would take a fifth of the time of a backup.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from citadel_node.program import ProgramError

XXH3 = "xxh3-128"
SHA256 = "sha256"
CHUNK = 1 << 20
_SPARE_PROCESSORS = 4


class Summing(Protocol):
    """What both kinds can do. `text` is `<algorithm>:<hexadecimal digits>`."""

    def update(self, data: bytearray | mmap.mmap, length: int) -> None: ...

    def text(self) -> str: ...


class Sha256:
    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def update(self, data: bytearray | mmap.mmap, length: int) -> None:
        with memoryview(data) as view:
            self._state.update(view[:length])

    def text(self) -> str:
        return f"{SHA256}:{self._state.hexdigest()}"


class _Canonical(ctypes.Structure):
    _fields_ = (("digest", ctypes.c_ubyte * 16),)


class _Hash128(ctypes.Structure):
    _fields_ = (("low64", ctypes.c_uint64), ("high64", ctypes.c_uint64))


@functools.cache
def _library() -> ctypes.CDLL | None:
    """libxxhash 0.8: its XXH3 is final. apt needs it, so it is on every Debian."""
    try:
        library = ctypes.CDLL("libxxhash.so.0")
        if library.XXH_versionNumber() < 800:
            return None
        library.XXH3_createState.restype = ctypes.c_void_p
        library.XXH3_freeState.argtypes = [ctypes.c_void_p]
        library.XXH3_128bits_reset.argtypes = [ctypes.c_void_p]
        library.XXH3_128bits_update.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        library.XXH3_128bits_digest.argtypes = [ctypes.c_void_p]
        library.XXH3_128bits_digest.restype = _Hash128
        library.XXH128_canonicalFromHash.argtypes = [ctypes.POINTER(_Canonical), _Hash128]
    except (OSError, AttributeError):
        return None
    return library


class Xxh3:
    """As `xxh128sum` prints it. Lets other threads run while it works."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._state = ctypes.c_void_p(library.XXH3_createState())
        library.XXH3_128bits_reset(self._state)

    def update(self, data: bytearray | mmap.mmap, length: int) -> None:
        view = (ctypes.c_char * length).from_buffer(data)
        self._library.XXH3_128bits_update(self._state, ctypes.addressof(view), length)
        del view  # what is mapped can only be unmapped when no one looks at it

    def text(self) -> str:
        canonical = _Canonical()
        digest = self._library.XXH3_128bits_digest(self._state)
        self._library.XXH128_canonicalFromHash(ctypes.byref(canonical), digest)
        return f"{XXH3}:{bytes(canonical.digest).hex()}"

    def __del__(self) -> None:
        self._library.XXH3_freeState(self._state)


def fastest() -> Summing:
    library = _library()
    if library is None:
        return Sha256()
    return Xxh3(library)


def for_files() -> Summing:
    """SHA-256 at 1 GB/s keeps up with a disk, if it has a processor of its own."""
    return Sha256() if len(os.sched_getaffinity(0)) >= _SPARE_PROCESSORS else fastest()


def of_algorithm(text: str) -> Summing:
    """For checking a recorded `<algorithm>:…`. Raises ProgramError where this host cannot make that kind."""
    algorithm = text.partition(":")[0]
    if algorithm == SHA256:
        return Sha256()
    library = _library()
    if algorithm == XXH3 and library is not None:
        return Xxh3(library)
    raise ProgramError(
        f"checksums of the kind {algorithm!r} cannot be made on this host",
        "Install what makes them: sudo apt-get install libxxhash0",
    )


def sum_file(path: Path, summing: Summing, progress: Callable[[int], None] | None = None) -> str:
    """Reads the file once. Raises OSError, also for a disk that cannot read it."""
    buffer = bytearray(CHUNK)
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        while length := os.readv(handle, [buffer]):
            summing.update(buffer, length)
            if progress is not None:
                progress(length)
    finally:
        os.close(handle)
    return summing.text()
