"""Brings models back that are missing or damaged: from the newest archive that verifies, or from a copy on another disk.

Nothing whole is read again or replaced, each model appears in one step, and what a killed run left is removed: so it
resumes by being started again.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from citadel_node import mounts
from citadel_node.backups import in_place, metadata, names, unpacking, verify_tree
from citadel_node.backups.metadata import DAMAGED, Checked, Metadata
from citadel_node.backups.store import MODELS, Archive, Store
from citadel_node.program import ProgramError
from citadel_node.settings import Model, Settings
from citadel_node.storage import weights

Told = Callable[["Outcome"], None]


@dataclass(frozen=True)
class Skipped:
    """An archive that could not be used, and why."""

    archive: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """`how`: `whole` (as an archive has it), `unverified` (there, and no archive to compare with), `restored`, `copied`,
    `missing` (nothing to bring it back from), `failed`; of a dry run also `restore` and `copy`. `source` is the archive or
    the copy; `created` when the archive was made, seconds since 1970; `bytes` what is or would be written."""

    model: str
    unit: str
    port: int
    directory: str
    how: str
    source: str | None = None
    created: int | None = None
    bytes: int = 0
    seconds: float = 0.0
    skipped: tuple[Skipped, ...] = ()
    error: str = ""
    fix: str = ""

    @property
    def there(self) -> bool:
        return self.how in ("whole", "unverified", "restored", "copied")


def restore(
    settings: Settings, wanted: Sequence[Model], kind: str | None, dry_run: bool, told: Told
) -> list[Outcome]:
    """Each model in turn; one that fails does not keep the others from it. Raises BusyError, and where no disk of models is."""
    store = Store(settings)
    _require_models_disk(settings)
    before = [_look(store, model) for model in wanted]
    if dry_run:
        return [
            one if one.there else _plan(settings, store, model, kind)
            for one, model in zip(before, wanted, strict=True)
        ]
    if all(one.there for one in before):
        return before
    with _locked(settings, store):
        return [
            one if one.there else _one(settings, store, model, kind, told)
            for one, model in zip(before, wanted, strict=True)
        ]


def _outcome(model: Model, how: str) -> Outcome:
    return Outcome(model.name, model.unit, model.port, model.path.resolve().name, how)


def _require_models_disk(settings: Settings) -> None:
    expected = settings.mount_of(settings.paths.active)
    if expected is not None and mounts.mounted(expected.path) is None:
        raise ProgramError(
            f"no disk is mounted at {expected.path}; nothing was written",
            f"Mount it: sudo mount {expected.path}; if that fails: sudo fsck {expected.source}",
        )


def _locked(settings: Settings, store: Store) -> contextlib.AbstractContextManager[None]:
    """No backup reads a model while it comes back. On a disk that is read-only, no one can make one."""
    expected = settings.mount_of(store.root)
    mounted = None if expected is None else mounts.mounted(expected.path)
    if (expected is not None and mounted is None) or (mounted is not None and mounted.read_only):
        return contextlib.nullcontext()
    return store.locked(MODELS)


def _look(store: Store, model: Model) -> Outcome:
    seen = in_place.look(store, model)
    outcome = replace(_outcome(model, seen.how), error=seen.words)
    if seen.archive is None:
        return outcome
    return replace(outcome, source=store.relative(seen.archive.path), created=seen.archive.stamp)


def _archives(
    store: Store, found: Metadata, model: Model, kind: str | None
) -> tuple[list[Archive], list[Skipped]]:
    """Newest first, those that the catalogue knows before others; what a check found damaged is left out, and said."""
    usable: list[Archive] = []
    skipped: list[Skipped] = []
    for one in found.archives:
        if one.kind == names.CONFIGS or one.model != model.name or kind not in (None, one.kind):
            continue
        check = found.state(store, one)
        if check is not None and check.state == DAMAGED:
            skipped.append(Skipped(store.relative(one.path), f"a check found it damaged: {check.detail}"))
        else:
            usable.append(one)

    def known(one: Archive) -> bool:
        return store.record_path(one.kind, one.name).exists()

    return sorted(usable, key=lambda one: (known(one), one.stamp), reverse=True), skipped


def _plan(settings: Settings, store: Store, model: Model, kind: str | None) -> Outcome:
    archives, skipped = _archives(store, metadata.read(settings), model, kind)
    if archives:
        first = archives[0]
        size = first.size
        with contextlib.suppress(ProgramError):
            record = store.read_record(first)
            size = record.source_size if record is not None else size
        source = store.relative(first.path)
        return replace(
            _outcome(model, "restore"), source=source, created=first.stamp, bytes=size, skipped=tuple(skipped)
        )
    copies = _copies(settings, store, model)
    if copies:
        return replace(_outcome(model, "copy"), source=str(copies[0]), skipped=tuple(skipped))
    return _missing(settings, model, skipped)


def _one(settings: Settings, store: Store, model: Model, kind: str | None, told: Told) -> Outcome:
    outcome = _bring_back(settings, store, model, kind)
    told(outcome)
    return outcome


def _bring_back(settings: Settings, store: Store, model: Model, kind: str | None) -> Outcome:
    started = time.time()
    archives, skipped = _archives(store, metadata.read(settings), model, kind)
    try:
        for archive in archives:
            try:
                size = _from_archive(settings, store, model, archive)
            except unpacking.Unusable as error:
                skipped.append(Skipped(store.relative(archive.path), str(error)))
                _note(settings, store, archive, str(error))
                continue
            return replace(
                _outcome(model, "restored"),
                source=store.relative(archive.path),
                created=archive.stamp,
                bytes=size,
                seconds=time.time() - started,
                skipped=tuple(skipped),
            )
        for copy in _copies(settings, store, model):
            size = _from_copy(settings, model, copy)
            took = time.time() - started
            return replace(
                _outcome(model, "copied"), source=str(copy), bytes=size, seconds=took, skipped=tuple(skipped)
            )
    except ProgramError as problem:
        return replace(_outcome(model, "failed"), skipped=tuple(skipped), error=problem.what, fix=problem.fix)
    except OSError as problem:
        words = f"{problem.filename or settings.paths.staging}: {problem.strerror}"
        fix = "Look: df -h; journalctl -k -n 50"
        return replace(_outcome(model, "failed"), skipped=tuple(skipped), error=words, fix=fix)
    return _missing(settings, model, skipped)


def _missing(settings: Settings, model: Model, skipped: Sequence[Skipped]) -> Outcome:
    expected = settings.mount_of(settings.backup.directory)
    if expected is not None and mounts.mounted(expected.path) is None:
        words = f"no disk is mounted at {expected.path}"
    else:
        words = "no archive of it is usable" if skipped else "there is no archive of it"
    fix = f"Download {model.directory} again into {settings.paths.active}, or plug in a disk that has it."
    return replace(_outcome(model, "missing"), skipped=tuple(skipped), error=words, fix=fix)


def _from_archive(settings: Settings, store: Store, model: Model, archive: Archive) -> int:
    try:
        known = store.read_record(archive)
    except ProgramError:
        known = None  # zstd's own checksum still says whether it is whole
    root = model.path.resolve().name if known is None else known.root
    unpacking.require_space(settings.paths.staging, archive.size if known is None else known.source_size)
    account = unpacking.Account(settings.node.account)
    with unpacking.beside(settings.paths.staging, model.name) as partial:
        directory, size = unpacking.unpack(archive.path, known, root, partial, account)
        _put(settings, model, directory)
    return size


def _from_copy(settings: Settings, model: Model, copy: Path) -> int:
    account = unpacking.Account(settings.node.account)
    size = sum(path.lstat().st_size for path in copy.rglob("*") if path.is_file())
    unpacking.require_space(settings.paths.staging, size)
    with unpacking.beside(settings.paths.staging, model.name) as partial:
        directory = partial / copy.name
        shutil.copytree(copy, directory, symlinks=True)
        for path in (directory, *directory.rglob("*")):
            account.own(path)
        _put(settings, model, directory)
    return size


def _put(settings: Settings, model: Model, directory: Path) -> None:
    target = model.path.resolve()
    aside = settings.paths.staging / f"{target.name}-damaged-{names.stamp_text(int(time.time()))}"
    unpacking.put(directory, target, aside)


def _copies(settings: Settings, store: Store, model: Model) -> list[Path]:
    """Folders of the model's name elsewhere on our disks, at most two folders deep, that hold a whole model."""
    found: list[Path] = []
    target = model.path.resolve()
    known = verify_tree.candidates(store, target.name)
    for mount in settings.mounts:
        if mounts.mounted(mount.path) is None:
            continue
        for pattern in (target.name, f"*/{target.name}", f"*/*/{target.name}"):
            for path in sorted(mount.path.glob(pattern)):
                if path == target or path.is_symlink() or not path.is_dir():
                    continue
                if weights.inspect(replace(model, path=path)).problems:
                    continue
                if not known or verify_tree.check(path, known).good:
                    found.append(path)
    return found


def _note(settings: Settings, store: Store, archive: Archive, words: str) -> None:
    """Metrics and the next run should know. A disk that cannot be written is no reason to stop."""
    from citadel_node.backups import runs

    seen = Checked(DAMAGED, time.time(), words, archive.size, archive.mtime)
    with contextlib.suppress(OSError, ProgramError):
        runs.save_checked(settings, lambda known: known.checks.update({store.relative(archive.path): seen}))
