"""What stands on the host, what a generation wants, and how they differ: data of the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# A section of a manifest or of a generation's index: key of the item → its facts.
Section = Mapping[str, Mapping[str, Any]]
Index = Mapping[str, Section]

PATH_SECTIONS = ("directories", "files", "symlinks")
SECTIONS = (
    "packages",
    "groups",
    "users",
    "directories",
    "files",
    "blocks",
    "symlinks",
    "mounts",
    "units",
    "checks",
)


@dataclass(frozen=True)
class SeenPath:
    """`kind` is file, directory, symlink or other; `mode` four octal digits; `entries` of a directory that may leave."""

    kind: str
    owner: str
    group: str
    uid: int
    gid: int
    mode: str
    size: int = 0
    sha256: str | None = None
    target: str | None = None
    entries: int | None = None


@dataclass(frozen=True)
class SeenBefore:
    """What is known of a path from before any generation named it: a copy, that it was ours, the package it belongs to."""

    copy: str | None = None
    made: bool = False
    owner: str | None = None


@dataclass(frozen=True)
class SeenUnit:
    load: str = "not-found"
    active: str = "inactive"
    file_state: str = ""
    stale: bool = False

    @property
    def enabled(self) -> bool:
        return self.file_state == "enabled"

    @property
    def running(self) -> bool:
        return self.active in ("active", "reloading", "refreshing", "activating")


@dataclass(frozen=True)
class SeenUser:
    uid: int
    gid: int
    group: str
    home: str
    shell: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class SeenMount:
    source: str
    type: str
    options: tuple[str, ...]
    label: str | None = None
    uuid: str | None = None
    part_label: str | None = None
    part_uuid: str | None = None
    fs_root: str | None = None


@dataclass(frozen=True)
class Observed:
    """The host, as `observe.sh` of the engine sees it. `contents` are whole files, by path."""

    paths: Mapping[str, SeenPath] = field(default_factory=dict)
    contents: Mapping[str, bytes] = field(default_factory=dict)
    units: Mapping[str, SeenUnit] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)
    users: Mapping[str, SeenUser] = field(default_factory=dict)
    mounts: Mapping[str, SeenMount] = field(default_factory=dict)
    # Of paths that leave.
    before: Mapping[str, SeenBefore] = field(default_factory=dict)

    def original(self, path: str) -> SeenPath | None:
        """What stood at a path before us, as far as a copy of it is kept."""
        known = self.before.get(path)
        return self.paths.get(known.copy) if known is not None and known.copy is not None else None

    def unit(self, name: str) -> SeenUnit:
        return self.units.get(name, SeenUnit())


@dataclass(frozen=True)
class Change:
    """One difference. `action` is create, update or delete; `note` is for people."""

    section: str
    key: str
    action: str
    note: str = ""


@dataclass(frozen=True)
class UnitAction:
    unit: str
    verb: str
    wave: int


@dataclass(frozen=True)
class Situation:
    """What a plan is made of: the wanted document and its facts, those of the current generation, and the host."""

    wanted: Mapping[str, Any]
    facts: Index
    applied: Index
    observed: Observed

    def seen(self, path: str) -> SeenPath | None:
        """What stands at a path; nothing where only a link leads to it that a directory will replace."""
        for top in self.wants("directories"):
            link = self.observed.paths.get(top)
            if path.startswith(f"{top}/") and link is not None and link.kind == "symlink":
                return None
        return self.observed.paths.get(path)

    def wants(self, section: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.wanted.get(section) or {}
        return found

    def last(self, section: str) -> Section:
        return self.applied.get(section) or {}

    def leaving(self, section: str) -> list[str]:
        """What the current generation has and the wanted one has not."""
        return sorted(key for key in self.last(section) if key not in self.wants(section))


def is_adopted(item: Mapping[str, Any] | None) -> bool:
    """Whether it stood on the host before the first generation that named it."""
    return item is not None and item.get("adopted") is True


def last_path(situation: Situation, path: str) -> Mapping[str, Any] | None:
    """What the current generation made of a path, whatever it was then."""
    for section in PATH_SECTIONS:
        item = situation.last(section).get(path)
        if item is not None:
            return item
    return None
