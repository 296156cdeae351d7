"""The folder in which weights are gathered: each file under its digest once it is whole, so that nothing is fetched twice.

`objects/DIGEST` is whole, `objects/DIGEST.part` is not; `tree/` becomes the model's folder in one step, and what was there becomes
`before/`, which is kept until the model has served with the new one.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
from pathlib import Path

from citadel_node import files
from citadel_node.program import ProgramError
from citadel_node.weights.source import sum_of
from citadel_node.weights.wanted import Wanted, WantedFile

_RECORD = "verified.json"
_ARRIVED = "arrived"
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class Gathering:
    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.objects = wanted.work / "objects"
        self.tree = wanted.work / "tree"
        self.before = wanted.work / "before"
        self._record = wanted.work / _RECORD

    def prepare(self) -> None:
        """Makes the folders. Parts of files that are no longer wanted go: they would take room for ever."""
        self.objects.mkdir(parents=True, exist_ok=True)
        wanted = {one.sha256 for one in self._wanted.files}
        for path in self.objects.iterdir():
            if path.name.removesuffix(".part") not in wanted:
                path.unlink()

    def path_of(self, one: WantedFile) -> Path:
        return self.objects / one.sha256

    def part_of(self, one: WantedFile) -> Path:
        return self.objects / f"{one.sha256}.part"

    def missing(self) -> list[WantedFile]:
        """Each digest once."""
        found = {one.sha256: one for one in self._wanted.files if not self.path_of(one).exists()}
        return list(found.values())

    def bytes_to_come(self) -> int:
        return sum(
            one.size - min(one.size, self.part_of(one).stat().st_size if self.part_of(one).exists() else 0)
            for one in self.missing()
        )

    def is_in_place(self) -> bool:
        """Whether the model's folder has exactly the wanted files. What was verified once, and not touched since, is not read."""
        target = self._wanted.target
        if {path for path, _ in _files_below(target)} != {one.path for one in self._wanted.files}:
            return False
        known = self._known()
        for one in self._wanted.files:
            full = target / one.path
            if full.stat().st_size != one.size:
                return False
            if known.get(one.path) != _look(full) and (
                not os.access(full, os.R_OK) or sum_of(full) != one.sha256
            ):
                return False
        self.remember()
        return True

    def remember(self) -> None:
        looks = {one.path: _look(self._wanted.target / one.path) for one in self._wanted.files}
        files.atomic_json(self._record, {"digest": self._wanted.digest, "files": looks})

    def take(self, one: WantedFile, origin: Path, link: bool) -> bool:
        """The file, if a place on this host has it; by a link to the same bytes where that is asked for and can be."""
        path = self.path_of(one)
        try:
            if origin.stat().st_size != one.size or sum_of(origin) != one.sha256:
                return False
            if link:
                os.link(origin.resolve(), path)
                return True
            beside = path.with_name(f"{path.name}.copy")
            shutil.copyfile(origin, beside)
            if sum_of(beside) != one.sha256:
                beside.unlink()
                return False
            os.replace(beside, path)
            return True
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise
            return False

    def put(self) -> None:
        """Makes what was gathered the model's folder. Whoever looks sees the old one or the new one, whole."""
        target = self._wanted.target
        if os.path.islink(target) or (target.exists() and not target.is_dir()):
            raise ProgramError(f"{target} is not a folder", f"Look at it, and move it away: ls -ld {target}")
        shutil.rmtree(self.tree, ignore_errors=True)
        for one in self._wanted.files:
            path = self.tree / one.path
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(self.path_of(one), path)
            path.chmod(0o644)
        for directory, _, _ in os.walk(self.tree, topdown=False):
            files.sync_directory(Path(directory))
        # First: if the power fails after the switch, the next run still has the model started.
        files.atomic_write(self._wanted.work / _ARRIVED, "")
        if target.exists():
            if self.before.exists():
                shutil.rmtree(self.before)
            _exchange(self.tree, target)
            os.rename(self.tree, self.before)
        else:
            os.rename(self.tree, target)
        files.sync_directory(target.parent)
        self.remember()
        shutil.rmtree(self.objects)

    def settle(self) -> None:
        """Ends what a run that was killed right after the switch has left."""
        if self.tree.exists() and not self.before.exists():
            os.rename(self.tree, self.before)
        for left in (self.tree, self.objects):
            shutil.rmtree(left, ignore_errors=True)

    def has_arrived(self) -> bool:
        """Whether the folder was switched, and the model knows nothing of it yet."""
        return (self._wanted.work / _ARRIVED).exists()

    def forget_arrival(self) -> None:
        (self._wanted.work / _ARRIVED).unlink()

    def switched_at(self) -> float | None:
        """When the folder that is kept was replaced; None where there is none."""
        return self._record.stat().st_ctime if self.before.exists() and self._record.exists() else None

    def forget_before(self) -> None:
        shutil.rmtree(self.before)

    def _known(self) -> dict[str, list[int]]:
        with contextlib.suppress(ProgramError):
            data = files.read_json(self._record)
            if isinstance(data, dict) and data.get("digest") == self._wanted.digest:
                looks: dict[str, list[int]] = data["files"]
                return looks
        return {}


def _look(path: Path) -> list[int]:
    seen = path.stat()
    return [seen.st_size, seen.st_mtime_ns, seen.st_ino]


def _files_below(root: Path) -> list[tuple[str, Path]]:
    return [
        (str(full.relative_to(root)), full)
        for directory, _, names in os.walk(root)
        for full in (Path(directory) / name for name in names)
    ]


def _exchange(one: Path, other: Path) -> None:
    """Two folders take each other's names in one step; where the file system cannot, in two."""
    library = ctypes.CDLL(None, use_errno=True)
    done = library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if done == 0:
        return
    code = ctypes.get_errno()
    if code not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(code, os.strerror(code), str(other))
    aside = one.with_name(f"{one.name}.aside")
    os.rename(other, aside)
    os.rename(one, other)
    os.rename(aside, one)
