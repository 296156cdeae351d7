"""The backup disk: where archives, their records, partial files and locks are.

Folders of archives hold finished archives and nothing else: a restore types `ls -t *mixtral* | head -1` there. So partial
files are in `temp/` and the catalogue in `system/catalog/`: the same file system, where a rename is one step, and the
same disk, so that a disk taken out keeps the knowledge of what is on it.

    models/<type>/<model>-<time>.tar.zst     models/archive/<the same>     system/configs/configs-<time>.tar.zst
    system/catalog/<type>/<archive>.json     system/catalog/{models,configs,metadata}.lock
    temp/citadel-<models|configs>.<archive>.partial
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from citadel_node import files, mounts
from citadel_node.backups import names, record
from citadel_node.backups.names import ArchiveName
from citadel_node.backups.record import Record
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

MODELS = "models"
_PARTIAL = ".partial"
_CREATE = "Make what is missing: /opt/citadel/scripts/storage_manager.py create-dirs"


@dataclass(frozen=True)
class Archive:
    """A finished archive. `kind` is daily, weekly, monthly or configs, also once it is in `models/archive/`; an archive
    there that the catalogue does not know is `archive`. `shared` counts the names that its bytes have."""

    name: ArchiveName
    kind: str
    path: Path
    size: int
    inode: int
    mtime: float
    shared: int

    @property
    def model(self) -> str:
        return self.name.model

    @property
    def stamp(self) -> int:
        return self.name.stamp


class Store:
    """Names of places, and the few steps that change them. Knows nothing of compression or settings' meaning."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.root = settings.backup.directory
        self.temp = self.root / "temp"
        self.catalog = self.root / "system" / "catalog"

    def folder(self, kind: str) -> Path:
        return self.root / "system" / "configs" if kind == names.CONFIGS else self.root / "models" / kind

    def record_path(self, kind: str, name: ArchiveName) -> Path:
        return self.catalog / kind / f"{name}.json"

    def relative(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def require_disk(self, writable: bool = True) -> None:
        """Refuses to go on where the disk is not mounted: the root file system would fill, and look like a backup."""
        expected = self._settings.mount_of(self.root)
        if expected is None:
            if not self.root.is_dir():
                raise ProgramError(f"{self.root} does not exist", _CREATE)
            return
        mounted = mounts.mounted(expected.path)
        if mounted is None:
            raise ProgramError(
                f"no disk is mounted at {expected.path}; nothing was written",
                f"Mount it: sudo mount {expected.path}; if that fails: sudo fsck {expected.source}",
            )
        if writable and mounted.read_only:
            raise ProgramError(
                f"{expected.path} is read-only",
                f"Look why: journalctl -k | grep -i ext4; then: sudo mount -o remount,rw {expected.path}",
            )

    @contextlib.contextmanager
    def locked(self, which: str, wait_sec: float = 0.0) -> Iterator[None]:
        """`models` and `configs` allow one run of each at a time; `metadata` is held for moments."""
        path = self.catalog / f"{which}.lock"
        self.make(self.catalog)
        with files.locked(path, f"another run ({which})", wait_sec):
            self.own(path)
            yield

    def make(self, directory: Path) -> None:
        """A directory and those above it, ours also when root made them. Never above the backup disk's own."""
        missing = [
            one for one in (directory, *directory.parents) if self.root in one.parents and not one.is_dir()
        ]
        for one in reversed(missing):
            try:
                one.mkdir(mode=0o755, exist_ok=True)
            except PermissionError:
                raise ProgramError(f"{one} cannot be made by this account", _CREATE) from None
            self.own(one)

    def own(self, path: Path) -> None:
        """What root writes belongs to the account all the same, or the account's next run could not touch it."""
        if os.geteuid() != 0:
            return
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(self._settings.node.account)
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)

    def partial(self, family: str, name: ArchiveName) -> Path:
        self.make(self.temp)
        return self.temp / f"citadel-{family}.{name}{_PARTIAL}"

    def sweep(self, family: str) -> list[str]:
        """Removes what a killed run left: its partial files, and records whose archive never appeared."""
        swept: list[str] = []
        if self.temp.is_dir():
            for path in sorted(self.temp.glob(f"citadel-{family}.*{_PARTIAL}")):
                path.unlink(missing_ok=True)
                swept.append(self.relative(path))
        known = {(one.kind, str(one.name)) for one in self.archives()}
        for kind in [names.CONFIGS] if family == names.CONFIGS else names.TYPES:
            for path in sorted((self.catalog / kind).glob("*.json")):
                if (kind, path.name.removesuffix(".json")) not in known:
                    path.unlink(missing_ok=True)
                    swept.append(self.relative(path))
        return swept

    def archives(self) -> list[Archive]:
        """Everything on the disk with a name of ours, sorted by kind and name."""
        found: list[Archive] = []
        for kind in (*names.TYPES, names.ARCHIVED, names.CONFIGS):
            with contextlib.suppress(FileNotFoundError), os.scandir(self.folder(kind)) as listing:
                for child in listing:
                    found.extend(self._archive(kind, child))
        return sorted(found, key=lambda one: (one.kind, one.model, one.stamp, str(one.path)))

    def read_record(self, archive: Archive) -> Record | None:
        """None where the catalogue does not know the archive. Raises ProgramError for a damaged record."""
        path = self.record_path(archive.kind, archive.name)
        try:
            return record.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except record.RecordError as error:
            raise ProgramError(
                f"{path} {error}", f"Remove it, and the archive is unknown instead: rm {path}"
            ) from error

    def publish(self, kind: str, name: ArchiveName, source: Path, entry: Record, keep_source: bool) -> Path:
        """Makes an archive visible in one step, with its record there first.

        `source` is a synced partial file, or (`keep_source`) the archive whose bytes get a second name.
        """
        target = self.folder(kind) / str(name)
        self.make(target.parent)
        at = self.record_path(kind, name)
        self.make(at.parent)
        files.atomic_write(at, record.to_json(entry), 0o640, durable=not keep_source)
        self.own(at)
        if keep_source:
            os.link(source, target)
            # One wait instead of three: what is in the file goes to the disk, and with it both new names.
            _sync(at)
            return target
        self.own(source)
        mtime = self._mtime_after(kind, name)
        os.utime(source, (mtime, mtime))
        os.rename(source, target)
        files.sync_directory(target.parent)
        return target

    def _mtime_after(self, kind: str, name: ArchiveName) -> int:
        """The name's time, but after that of every older archive, also of one that someone wrote into: `ls -t` is how a
        restore finds the newest."""
        others = [
            one.mtime
            for one in self.archives()
            if one.name.model == name.model and (one.kind == kind or kind != names.CONFIGS)
        ]
        return max([name.stamp, *(int(mtime) + 1 for mtime in others)])

    def remove(self, archive: Archive) -> int:
        """Deletes an archive and its record; returns the bytes that became free."""
        shared = archive.path.lstat().st_nlink
        archive.path.unlink()
        self.record_path(archive.kind, archive.name).unlink(missing_ok=True)
        return archive.size if shared == 1 else 0

    def move_to_archive(self, archive: Archive) -> Path:
        target = self.folder(names.ARCHIVED) / archive.path.name
        self.make(target.parent)
        if os.path.lexists(target):
            raise ProgramError(f"{target} is there already", f"Compare them: ls -li {target} {archive.path}")
        os.rename(archive.path, target)
        files.sync_directory(target.parent)
        files.sync_directory(archive.path.parent)
        return target

    def _archive(self, folder: str, child: os.DirEntry[str]) -> Iterator[Archive]:
        name = names.parse(child.name)
        if name is None or not child.is_file(follow_symlinks=False):
            return
        try:
            seen = child.stat(follow_symlinks=False)
        except FileNotFoundError:  # another program removed it just now
            return
        kind = folder
        if folder == names.ARCHIVED:
            known = (one for one in names.TYPES if self.record_path(one, name).exists())
            kind = next(known, names.ARCHIVED)
        yield Archive(name, kind, Path(child.path), seen.st_size, seen.st_ino, seen.st_mtime, seen.st_nlink)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
