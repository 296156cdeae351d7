"""Files of a configuration backup against those of the host, and putting them back one rename at a time."""

from __future__ import annotations

import difflib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

# Not configuration but its history: what the host is at is not for a backup to say.
_NOT_OURS = ("var/lib/citadel-iac",)
_SHOWN_BYTES = 256 * 1024


@dataclass(frozen=True)
class Difference:
    """`path` is relative to the root. `lines` is a unified diff, of text that everybody may read; else `why` says more."""

    path: str
    why: str
    lines: tuple[str, ...] = ()

    def text(self) -> str:
        return "\n".join([f"/{self.path}: {self.why}", *self.lines])


def compare(extracted: Path, root: Path) -> list[Difference]:
    """Files and links of the backup that are not so on the host. What is only on the host is left alone."""
    found: list[Difference] = []
    for folder, _directories, names in os.walk(extracted):
        for name in names:
            file = Path(folder) / name
            path = str(file.relative_to(extracted))
            if path.startswith(_NOT_OURS):
                continue
            difference = _difference(path, file, root / path)
            if difference is not None:
                found.append(difference)
    return sorted(found, key=lambda one: one.path)


def _difference(path: str, saved: Path, live: Path) -> Difference | None:
    was = saved.lstat()
    try:
        now = live.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Difference(path, "is not there any more")
    if stat.S_IFMT(was.st_mode) != stat.S_IFMT(now.st_mode):
        return Difference(path, "was something else")
    if stat.S_ISLNK(was.st_mode):
        target = os.readlink(saved)
        return None if os.readlink(live) == target else Difference(path, f"pointed to {target}")
    if not stat.S_ISREG(was.st_mode):
        return None
    before, after = saved.read_bytes(), live.read_bytes()
    if before != after:
        # What others may not read may hold a secret.
        public = was.st_mode & now.st_mode & stat.S_IROTH
        if not public or max(len(before), len(after)) > _SHOWN_BYTES or b"\0" in before + after:
            return Difference(path, "differs (not shown)")
        return Difference(path, "differs", _diff(path, after, before))
    if (was.st_mode, was.st_uid, was.st_gid) != (now.st_mode, now.st_uid, now.st_gid):
        return Difference(
            path, f"had mode {stat.S_IMODE(was.st_mode):04o} and owner {was.st_uid}:{was.st_gid}"
        )
    return None


def _diff(path: str, now: bytes, then: bytes) -> tuple[str, ...]:
    def lines(content: bytes) -> list[str]:
        return content.decode(errors="replace").splitlines()

    return tuple(
        difflib.unified_diff(lines(now), lines(then), f"/{path}", f"/{path} (backup)", lineterm="", n=3)
    )


def put_back(extracted: Path, root: Path, path: str) -> None:
    """One file or link of the backup, written next to its place and renamed."""
    saved, live = extracted / path, root / path
    was = saved.lstat()
    live.parent.mkdir(parents=True, exist_ok=True)
    if live.is_dir() and not live.is_symlink():
        raise IsADirectoryError(21, "Is a directory, and is left alone", str(live))
    beside = live.with_name(f".{live.name}.citadel-restore")
    beside.unlink(missing_ok=True)
    if stat.S_ISLNK(was.st_mode):
        os.symlink(os.readlink(saved), beside)
        os.chown(beside, was.st_uid, was.st_gid, follow_symlinks=False)
    else:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as target, saved.open("rb") as source:
            shutil.copyfileobj(source, target)
            os.fchown(descriptor, was.st_uid, was.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(was.st_mode))
            target.flush()
            os.fsync(descriptor)
    os.replace(beside, live)
