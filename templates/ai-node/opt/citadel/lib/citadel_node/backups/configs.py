"""Backs up the host's configuration, lists these backups and unpacks one: the API for `citadel-rollback` too."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from citadel_node import commands
from citadel_node.backups import checksums, names, verify_archive, vouched
from citadel_node.backups.metadata import DAMAGED, Metadata, read
from citadel_node.backups.models import Done
from citadel_node.backups.names import CONFIGS, ArchiveName
from citadel_node.backups.record import Record, SavedEntry
from citadel_node.backups.store import Archive, Store
from citadel_node.backups.tree import Entry
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

_LIMIT_SEC = 600.0
_REAP_SEC = 1.0
_TRIES = 3
# What is saved of a generation: what a person needs to read what the host was to be. Everything else that the engine keeps
# there, now or in a later version, may hold values of secrets, password hashes or files that were replaced, and does not
# belong on a disk that may be carried away.
_OF_A_GENERATION = frozenset(
    {
        *("manifest.json", "manifest.json.gz", "index.json", "index.json.gz"),
        *("digest", "time", "who", "summary", "pinned"),
    }
)
# What tar and find say of a file that went while they were at it.
_GONE = "No such file or directory"


@dataclass(frozen=True)
class ConfigBackup:
    """`id` is the time of its name (`20261124T013000Z`); `state` what the last check said, see metadata."""

    id: str
    path: Path
    created: int
    size: int
    state: str


def list_config_backups(settings: Settings) -> list[ConfigBackup]:
    """All configuration backups, newest first. Empty where the disk is not mounted."""
    found, store = read(settings), Store(settings)
    backups = [_backup(store, found, one) for one in found.archives if one.kind == CONFIGS]
    return sorted(backups, key=lambda one: one.created, reverse=True)


def restore_config_backup(
    settings: Settings, wanted: str, destination: Path, untrusted: bool = False
) -> ConfigBackup:
    """Unpacks a backup below `destination` (made if missing, must be empty): `etc/fstab`, `opt/citadel/configs/…`.

    The archive is checked first, every file of it, and it has to be one that this host made, unless `untrusted` says that someone
    looks at what is in it. As root, owners and modes are restored too. Putting files into their places is the caller's. Raises ProgramError.
    """
    store, found = Store(settings), read(settings)
    archives = [
        one for one in found.archives if one.kind == CONFIGS and names.stamp_text(one.stamp) == wanted
    ]
    if not archives:
        raise ProgramError(
            f"there is no configuration backup {wanted}", "citadel-rollback restore lists them."
        )
    check = verify_archive.check(store, archives[0], deep=True)
    if check.state == DAMAGED:
        raise ProgramError(f"{archives[0].path} is damaged: {check.detail}", "Take another one.")
    destination.mkdir(parents=True, exist_ok=True)
    if any(destination.iterdir()):
        raise ProgramError(f"{destination} is not empty", "Give an empty directory.")
    # What is compared is what is unpacked: the archive itself may be replaced between the two.
    with tempfile.NamedTemporaryFile(prefix=".citadel-", dir=destination.parent) as copy:
        with archives[0].path.open("rb") as source:
            shutil.copyfileobj(source, copy)
        copy.flush()
        if not untrusted and not vouched.knows(
            settings, archives[0].path.name, vouched.digest_of(Path(copy.name))
        ):
            raise ProgramError(
                f"{archives[0].path} is not as this host made it, or another one did",
                f"Look at what it would change: citadel-rollback restore {wanted} --dry-run. If all of it is right: --untrusted",
            )
        argv = ["tar", "-I", "zstd", "-xpf", copy.name, "--numeric-owner", "-C", str(destination)]
        done = commands.run(argv, _LIMIT_SEC)
    if not done.ok:
        raise ProgramError(f"{archives[0].path} could not be unpacked: {done.words}", "Take another one.")
    return _backup(store, found, archives[0])


def sources(settings: Settings) -> tuple[list[Path], list[Path]]:
    """What is to be saved and is there, and what is not there."""
    wanted = list(
        dict.fromkeys([*settings.backup.config_sources, settings.paths.configs, settings.paths.generations])
    )
    outer = [path for path in wanted if not any(other in path.parents for other in wanted)]
    there = [path for path in outer if _exists(path)]
    return there, [path for path in outer if path not in there]


def back_up_configs(settings: Settings, store: Store, found: Metadata) -> Done:
    """Makes `configs-<time>.tar.zst`, readable by the account and root alone. Needs the lock `configs`."""
    there, _ = sources(settings)
    if not there:
        raise ProgramError(
            "none of the configuration's sources is there", "Look: backup_configs.py --dry-run"
        )
    of_configs = [one for one in found.archives if one.kind == CONFIGS]
    newest = max(of_configs, key=lambda one: one.stamp, default=None)
    name = ArchiveName(names.next_stamp(time.time(), newest.stamp if newest else None), CONFIGS)
    partial = store.partial(CONFIGS, name)
    started = time.time_ns()
    try:
        _pack(settings, there, partial)
        entries = _entries(partial)
        size = partial.stat().st_size
        checksum = checksums.sum_file(partial, checksums.fastest())
        record = Record(CONFIGS, "", "/", started, size, checksum, tuple(entries))
        previous = _usable(store, found, newest)
        # Another name is given only to bytes that this host wrote down: those of a forgery would be vouched for by it.
        if (
            newest is not None
            and previous is not None
            and record.same_content(previous)
            and vouched.knows(settings, newest.path.name, digest := vouched.digest_of(newest.path))
        ):
            vouched.add(settings, str(name), digest)
            target = store.publish(CONFIGS, name, newest.path, previous, keep_source=True)
            return Done(target, "same", record.source_size, previous.archive_size)
        vouched.add(settings, str(name), vouched.digest_of(partial))
        target = store.publish(CONFIGS, name, partial, record, keep_source=False)
        return Done(target, "written", record.source_size, size)
    finally:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()


def _usable(store: Store, found: Metadata, newest: Archive | None) -> Record | None:
    if newest is None:
        return None
    check = found.state(store, newest)
    if check is not None and check.state == DAMAGED:
        return None
    try:
        record = store.read_record(newest)
    except ProgramError:
        return None
    return record if record is not None and record.archive_size == newest.size else None


def _pack(settings: Settings, there: list[Path], partial: Path) -> None:
    for attempt in range(_TRIES):
        words = _pack_once(settings, there, partial)
        if words is None:
            return
        partial.unlink(missing_ok=True)
        time.sleep(0.2 * (attempt + 1))
    raise ProgramError(f"configuration changed while it was read, {_TRIES} times: {words}", "Run it again.")


def _pack_once(settings: Settings, there: list[Path], partial: Path) -> str | None:
    """None when it was packed; tar's words where a file changed meanwhile. Only tar runs as root, and only reads."""
    listed = commands.as_root(_find_argv(there), _LIMIT_SEC, errors="surrogateescape")
    if not listed.ok:
        return _changed(listed.words)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with (
        open(handle, "wb") as archive,
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as wanted,
    ):
        for path in sorted(saved_paths(listed.out.split("\0"), str(settings.paths.generations))):
            wanted.write(os.fsencode(path.lstrip("/")) + b"\0")
        wanted.seek(0)
        tar = subprocess.Popen(
            _tar_argv(),
            stdin=wanted,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "LC_ALL": "C"},
        )
        zstd = subprocess.Popen(
            ["zstd", "-q", f"-{settings.backup.compression_level}", "-c"],
            stdin=tar.stdout,
            stdout=archive,
            stderr=said,
        )
        assert tar.stdout is not None
        tar.stdout.close()
        try:
            compressed = zstd.wait(_LIMIT_SEC)
            packed = tar.wait(_LIMIT_SEC)
        except subprocess.TimeoutExpired:
            raise ProgramError(f"tar did not end within {_LIMIT_SEC:g} s", "Look for a stuck disk.") from None
        finally:
            for process in (zstd, tar):
                _end(process)
        os.fsync(handle)
        said.seek(0)
        words = " ".join(said.read(4000).decode(errors="replace").split())
    if compressed == 0 and packed == 0:
        return None
    if compressed == 0 and packed == 1 and not words.startswith("sudo:"):
        return words
    if words.startswith("sudo:"):
        raise ProgramError(
            f"sudo refuses: {words}", "Run it as root: sudo /opt/citadel/scripts/backup_configs.py"
        )
    return _changed(words)


def _changed(words: str) -> str:
    """The words, where a file went between two looks; else the end of this run."""
    if _GONE in words:
        return words
    raise ProgramError(
        f"the configuration could not be packed: {words}", "Look: df -h; backup_configs.py --dry-run"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills what still runs. tar under sudo is root's and may not be killed, and one that waits for a dead disk stays:
    neither is waited for; without zstd, tar has no one to write to."""
    if process.poll() is None:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_REAP_SEC)


def saved_paths(found: Iterable[str], generations: str) -> list[str]:
    """What of `found` is saved: all, but below `generations` only what is known to hold no secret."""
    return [path for path in found if path != "" and _is_saved(path, generations)]


def _is_saved(path: str, generations: str) -> bool:
    if path != generations and not path.startswith(f"{generations}/"):
        return True
    match path.removeprefix(generations).split("/")[1:]:
        case [] | ["current" | "generations"]:
            return True
        case ["generations", number]:
            return number.isdigit()
        case ["generations", number, name]:
            return number.isdigit() and name in _OF_A_GENERATION
    return False


def _find_argv(there: list[Path]) -> list[str]:
    """Everything that is there, each name ended by a NUL."""
    return ["find", *(str(path) for path in there), "-print0"]


def _tar_argv() -> list[str]:
    """Packs the paths that come on standard input, and nothing below them that is not named as well."""
    return [
        *([] if os.geteuid() == 0 else ["sudo", "-n", "--"]),
        *("tar", "--create", "--file=-", "--format=posix", "--pax-option=delete=atime,delete=ctime"),
        *("--numeric-owner", "--hard-dereference", "--directory=/", "--no-recursion"),
        *("--null", "--files-from=-"),
    ]


def _entries(partial: Path) -> list[SavedEntry]:
    """What an archive holds, read back from it: so it is known to be readable as well."""
    found: list[SavedEntry] = []
    try:
        with verify_archive.Unpacked(partial) as archive:
            for member in archive.members():
                kind = (
                    "link"
                    if member.issym()
                    else "dir"
                    if member.isdir()
                    else "file"
                    if member.isreg()
                    else None
                )
                if kind is None:
                    continue  # sockets and their like; tar says so itself
                entry = Entry(
                    path=member.name,
                    kind=kind,
                    mode=member.mode,
                    size=member.size if kind == "file" else 0,
                    mtime_ns=int(member.mtime) * 1_000_000_000,
                    ctime_ns=0,
                    inode=0,
                    target=member.linkname if kind == "link" else None,
                )
                digest = archive.checksum(member, checksums.SHA256) if kind == "file" else None
                found.append(SavedEntry(entry, digest, f"{member.uid}:{member.gid}"))
    except verify_archive.Broken as error:
        raise ProgramError(
            f"the new archive cannot be read back (after {error.member})",
            "Look for faults: journalctl -k -n 50",
        ) from error
    return found


def _backup(store: Store, found: Metadata, archive: Archive) -> ConfigBackup:
    check = found.state(store, archive)
    state = "unverified" if check is None else check.state
    return ConfigBackup(names.stamp_text(archive.stamp), archive.path, archive.stamp, archive.size, state)


def _exists(path: Path) -> bool:
    try:
        path.lstat()
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        return commands.as_root(["test", "-e", str(path)], 30.0).ok
