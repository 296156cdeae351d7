"""What differs of directories, files, links and blocks. The rules are those of the engine's diff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citadel_node.program import ProgramError
from citadel_node.rollback import blocks
from citadel_node.rollback.state import (
    PATH_SECTIONS,
    Change,
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
                seen = self._it.observed.paths.get(path)
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
            seen = self._it.observed.paths.get(path)
            item = last_path(self._it, path) or {}
            if seen is None:
                continue
            if item.get("type") == "directory":
                directories.append(path)
            elif seen.kind == "directory":
                self._notes.append(f"{path} stays: it is a directory now, and not ours")
            else:
                self._remove("symlinks" if item.get("type") == "symlink" else "files", path, "", gone)
        # The deepest first, so that a tree of empty directories goes as a whole.
        for path in sorted(directories, key=lambda one: (-one.count("/"), one)):
            reason = self._reason_to_keep(path, self._it.observed.paths[path], gone.get(path, 0))
            if reason:
                self._notes.append(f"directory {path} stays: {reason}")
            else:
                self._remove("directories", path, "removed only if it is empty by then", gone)

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
        needed = any(
            wanted == path or wanted.startswith(f"{path}/")
            for section in (*PATH_SECTIONS, "blocks", "mounts")
            for wanted in self._it.wants(section)
        )
        return "other paths are needed in it" if needed else ""

    def _blocks(self) -> None:
        it = self._it
        for path in it.wants("blocks"):
            content = current_content(it, path)
            if wanted_content(it, path) != content:
                self._block(path, "create" if content is None else "update", "")
        for path in it.leaving("blocks"):
            if path in it.wants("files") or path in it.wants("symlinks"):
                continue
            seen = it.observed.paths.get(path)
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


def _same_substance(facts: Mapping[str, Any], seen: SeenPath | None) -> bool:
    """Whether nothing but owner, group or mode differs."""
    if seen is None or facts["type"] != seen.kind:
        return False
    return seen.kind == "directory" or (seen.kind == "file" and seen.sha256 == facts["sha256"])


def current_content(it: Situation, path: str) -> bytes | None:
    """The whole file with blocks as it stands. Raises ProgramError when a block cannot stand there."""
    seen = it.observed.paths.get(path)
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
