"""What differs of directories, files, links and blocks. The rules are those of the engine's diff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citadel_node.program import ProgramError
from citadel_node.rollback import blocks
from citadel_node.rollback.state import (
    PATH_SECTIONS,
    Change,
    SeenBefore,
    SeenPath,
    Situation,
    is_adopted,
    last_path,
)


class PathDiff:
    """`changes`, and `touched`: paths whose contents, target or kind change, are created or go."""

    def __init__(self, situation: Situation, notes: list[str]) -> None:
        self.changes: list[Change] = []
        self.touched: set[str] = set()
        self._it = situation
        self._notes = notes
        self._wanted_paths()
        self._leaving_paths()
        self._blocks()

    def _wanted_paths(self) -> None:
        for section in PATH_SECTIONS:
            for path in self._it.wants(section):
                facts = self._it.facts[section][path]
                seen = self._it.seen(path)
                if holds(facts, seen):
                    continue
                note = ""
                if seen is not None and seen.kind == "directory" and facts["type"] != "directory":
                    note = "a directory goes, with what is in it" if seen.entries else ""
                self.changes.append(Change(section, path, "update" if seen else "create", note))
                if not _same_substance(facts, seen):
                    self.touched.add(path)

    def _leaving_paths(self) -> None:
        gone: dict[str, int] = {}
        directories: list[str] = []
        for path in self._leaving():
            seen = self._it.seen(path)
            item = last_path(self._it, path) or {}
            if item.get("type") == "directory":
                if seen is not None:
                    directories.append(path)
            elif seen is not None and seen.kind == "directory":
                self._notes.append(f"{path} stays: it is a directory now, and not ours")
            else:
                self._leave_or_remove(path, item, seen, gone)
        # The deepest first, so that a tree of empty directories goes as a whole.
        for path in sorted(directories, key=lambda one: (-one.count("/"), one)):
            reason = self._reason_to_keep(path, self._it.observed.paths[path], gone.get(path, 0))
            if reason:
                self._notes.append(f"directory {path} stays: {reason}")
            elif self._it.observed.original(path) is not None:
                self._restore(path, self._it.observed.paths[path])
            else:
                self._remove("directories", path, "removed only if it is empty by then", gone)

    def _leave_or_remove(
        self, path: str, item: Mapping[str, Any], seen: SeenPath | None, gone: dict[str, int]
    ) -> None:
        """A file or link: what stood there before us is put back; ours goes, unless it may not be ours."""
        needed = self._is_needed(path)
        note = ""
        if self._it.observed.original(path) is not None:
            if not needed:
                self._restore(path, seen)
                return
            note = "what stood here before stays in the copy kept: other paths are needed below"
        elif not needed and seen is not None:
            reason = self._reason_to_leave(path, item)
            secret = (self._it.last("files").get(path) or {}).keys() & {"secret", "secrets"}
            if reason and not secret:
                self._notes.append(f"{path} stays as it is: {reason}")
                return
            note = f"{reason}; it goes because it holds a secret" if reason else ""
        if seen is not None:
            self._remove("symlinks" if item.get("type") == "symlink" else "files", path, note, gone)

    def _reason_to_leave(self, path: str, item: Mapping[str, Any]) -> str:
        before = self._it.observed.before.get(path, SeenBefore())
        if before.owner is not None:
            return f"it belongs to the package {before.owner}, and no copy of its own version is kept"
        if before.made or item.get("adopted") is False:
            return ""
        if is_adopted(item):
            return "something stood there before it was managed, and no copy of that is kept"
        return "an older engine managed it first, and it is not known what stood there before"

    def _restore(self, path: str, seen: SeenPath | None) -> None:
        original = self._it.observed.original(path)
        if original is None:
            return
        if seen is not None and _stands_as_before(seen, original):
            self._notes.append(f"{path} stays: it is as it was before it was managed")
            return
        section = "symlinks" if original.kind == "symlink" else "files"
        note = "what stood here before it was managed is put back"
        self.changes.append(Change(section, path, "update" if seen else "create", note))
        self.touched.add(path)

    def _remove(self, section: str, path: str, note: str, gone: dict[str, int]) -> None:
        self.changes.append(Change(section, path, "delete", note))
        self.touched.add(path)
        parent = path.rpartition("/")[0]
        gone[parent] = gone.get(parent, 0) + 1

    def _leaving(self) -> list[str]:
        known = {path for section in PATH_SECTIONS for path in self._it.last(section)}
        wanted = {path for section in (*PATH_SECTIONS, "blocks") for path in self._it.wants(section)}
        return sorted(known - wanted)

    def _reason_to_keep(self, path: str, seen: SeenPath, leaving: int) -> str:
        if seen.kind != "directory":
            return "it is no directory any more"
        if is_adopted(last_path(self._it, path)):
            return "it was there before it was managed"
        others = (seen.entries or 0) - leaving
        if others > 0:
            return f"it holds {others} other entries"
        return "other paths are needed in it" if self._is_needed(path) else ""

    def _is_needed(self, path: str) -> bool:
        return any(
            wanted == path or wanted.startswith(f"{path}/")
            for section in (*PATH_SECTIONS, "blocks", "mounts")
            for wanted in self._it.wants(section)
        )

    def _blocks(self) -> None:
        it = self._it
        for path in it.wants("blocks"):
            content = current_content(it, path)
            if wanted_content(it, path) != content:
                self._block(path, "create" if content is None else "update", "")
        for path in it.leaving("blocks"):
            if path in it.wants("files") or path in it.wants("symlinks"):
                continue
            seen = it.seen(path)
            if seen is None or seen.kind != "file":
                continue
            content = current_content(it, path)
            if content is not None and wanted_content(it, path) != content:
                self._block(path, "delete", "only our blocks go; the file stays")

    def _block(self, path: str, action: str, note: str) -> None:
        self.changes.append(Change("blocks", path, action, note))
        self.touched.add(path)


def holds(facts: Mapping[str, Any], seen: SeenPath | None) -> bool:
    """Whether a path is as these facts say."""
    if seen is None or seen.kind != facts["type"]:
        return False
    if seen.kind == "symlink":
        return bool(facts["target"] == seen.target)
    access = (facts["mode"], facts["owner"], facts["group"]) == (seen.mode, seen.owner, seen.group)
    return access and (seen.kind != "file" or facts["sha256"] == seen.sha256)


def _stands_as_before(seen: SeenPath, original: SeenPath) -> bool:
    if seen.kind != original.kind:
        return False
    if seen.kind == "symlink":
        return seen.target == original.target
    mine, theirs = ((one.sha256, one.mode, one.uid, one.gid) for one in (seen, original))
    return mine == theirs


def _same_substance(facts: Mapping[str, Any], seen: SeenPath | None) -> bool:
    """Whether nothing but owner, group or mode differs."""
    if seen is None or facts["type"] != seen.kind:
        return False
    return seen.kind == "directory" or (seen.kind == "file" and seen.sha256 == facts["sha256"])


def current_content(it: Situation, path: str) -> bytes | None:
    """The whole file with blocks as it stands. Raises ProgramError when a block cannot stand there."""
    seen = it.seen(path)
    if seen is None:
        return None
    if seen.kind != "file":
        raise ProgramError(
            f"{path} is a {seen.kind}, and a block can only stand in a regular file",
            "Put a regular file there. Nothing was changed.",
        )
    return it.observed.contents.get(path)


def wanted_content(it: Situation, path: str) -> bytes:
    """The whole file with blocks as it should be."""
    wanted = it.wants("blocks").get(path) or {}
    last = it.last("blocks").get(path) or {}
    names = {name for name in last if not (name == "adopted" and is_adopted(last))}
    texts = {name: blocks.normal(text) for name, text in wanted.items()}
    return blocks.replace(current_content(it, path) or b"", texts, names - set(wanted))
