"""`backup_manager.py verify PATH`: archives, folders of them, and directories that came out of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from citadel_node.backups import checking, names, verify_archive, verify_tree
from citadel_node.backups.checking import Result
from citadel_node.backups.store import Archive, Store
from citadel_node.backups.verify_tree import TreeReport
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

_NAMED = 10


@dataclass(frozen=True)
class Verified:
    archives: tuple[Result, ...]
    trees: tuple[TreeReport, ...]

    @property
    def good(self) -> bool:
        return not any(one.damaged for one in self.archives) and all(one.good for one in self.trees)


def verify(settings: Settings, path: Path, deep: bool, told: Callable[[str], None]) -> Verified:
    """Raises ProgramError where there is nothing to check, or no such path."""
    store = Store(settings)
    target = path.resolve()
    if target.is_file():
        return Verified(tuple(_archives(settings, store, [target], deep, told)), ())
    if not target.is_dir():
        raise ProgramError(
            f"{path} does not exist", "Give an archive, a folder of archives or an extracted model."
        )
    inside = store.root.resolve() in (target, *target.parents)
    found = sorted(target.glob(f"**/*{names.SUFFIX}" if inside else f"*{names.SUFFIX}"))
    trees = [] if inside else _trees(store, target)
    if not found and not trees:
        raise ProgramError(
            f"{path} has no archive and no directory of a model: nothing to check",
            "Unpack an archive there first, or give a folder of archives.",
        )
    archives = _archives(settings, store, found, deep, told)
    reports = [verify_tree.check(one, verify_tree.candidates(store, one.name)) for one in trees]
    for report in reports:
        told(tree_text(report, store))
    return Verified(tuple(archives), tuple(reports))


def tree_text(report: TreeReport, store: Store) -> str:
    if report.archive is None:
        return f"unknown     {report.path}: no archive has a directory of this name; nothing to compare with"
    archive = store.relative(report.archive.path)
    if report.good:
        return f"good        {report.path}: all of {verify_archive.counted(report.files)} as in {archive}"
    lines = [f"damaged     {report.path}: not what {archive} holds"]
    for word, paths in (("damaged", report.damaged), ("missing", report.missing), ("extra", report.extra)):
        lines.extend(f"  {word}: {path}" for path in paths[:_NAMED])
        if len(paths) > _NAMED:
            lines.append(f"  {word}: {len(paths) - _NAMED} more")
    return "\n".join(lines)


def result_text(result: Result) -> str:
    return f"{result.state:<10}  {result.archive}: {result.detail}"


def _trees(store: Store, target: Path) -> list[Path]:
    """The directory itself where it is a model's, else those directly in it."""
    if verify_tree.candidates(store, target.name):
        return [target]
    return sorted(one for one in target.iterdir() if one.is_dir() and not one.is_symlink())


def _archives(
    settings: Settings, store: Store, paths: list[Path], deep: bool, told: Callable[[str], None]
) -> list[Result]:
    """Those on the backup disk by the catalogue, and written down; others by their own structure."""
    on_disk = {one.path.resolve(): one for one in store.archives()}
    known = [on_disk[path] for path in paths if path in on_disk]
    results = checking.check_archives(settings, known, deep, lambda one: told(result_text(one)))
    for path in (one for one in paths if one not in on_disk):
        result = _foreign(store, path, deep)
        told(result_text(result))
        results.append(result)
    return results


def _foreign(store: Store, path: Path, deep: bool) -> Result:
    """An archive elsewhere, such as a copy: the catalogue may still know its name."""
    name = names.parse(path.name)
    seen = path.stat()
    for kind in (*names.TYPES, names.CONFIGS) if name is not None else ():
        if name is not None and store.record_path(kind, name).exists():
            archive = Archive(name, kind, path, seen.st_size, seen.st_ino, seen.st_mtime, 1)
            found = verify_archive.check(store, archive, deep)
            return Result(str(path), name.model, found.state, found.detail)
    state, detail = verify_archive.check_unknown(path)
    return Result(str(path), name.model if name else None, state, detail)


def advice(verified: Verified, store: Store) -> str:
    """What to do about damage; empty without any."""
    damaged: dict[str | None, list[str]] = {}
    for one in verified.archives:
        if one.damaged:
            damaged.setdefault(one.model, []).append(str(store.root / one.archive))
    lines: list[str] = []
    for model, paths in damaged.items():
        again = "backup_configs.py" if model is None else f"backup_models.py --type daily --model {model}"
        lines.append(f"make a new one: {again}; then remove what is damaged: rm {' '.join(paths)}")
    lines.extend(
        f"do not use {report.path}: unpack an archive again" for report in verified.trees if not report.good
    )
    return "\n  ".join(dict.fromkeys(lines))
