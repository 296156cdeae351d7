"""The catalogue's record of one archive: its checksum, and every file in it with its checksum. JSON on the backup disk."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from citadel_node.backups.tree import Entry, total_size

VERSION = 1
_T = TypeVar("_T")


class RecordError(ValueError):
    """The record is not one that we wrote."""


@dataclass(frozen=True)
class SavedEntry:
    """What an archive holds, as it was when it was read. `checksum` is of files only; `owner` is `uid:gid`, of configuration
    only: models are the account's wherever they are restored."""

    entry: Entry
    checksum: str | None
    owner: str = ""

    def content(self) -> tuple[object, ...]:
        """What a restored copy must have. Modes of links mean nothing."""
        mode = None if self.entry.kind == "link" else self.entry.mode
        return (
            self.entry.path,
            self.entry.kind,
            mode,
            self.entry.size,
            self.entry.target,
            self.checksum,
            self.owner,
        )


@dataclass(frozen=True)
class Record:
    """`root` is the directory's name, which is the archive's only top entry; empty for configuration, whose paths are
    those of the host without the leading `/`. `started_ns`: when reading began."""

    model: str
    root: str
    source: str
    started_ns: int
    archive_size: int
    archive_checksum: str
    entries: tuple[SavedEntry, ...]

    @property
    def source_size(self) -> int:
        return total_size([saved.entry for saved in self.entries])

    @property
    def files(self) -> int:
        return sum(1 for saved in self.entries if saved.entry.kind == "file")

    def tree(self) -> list[Entry]:
        return [saved.entry for saved in self.entries]

    def same_content(self, other: Record) -> bool:
        return self.root == other.root and same_content(self.entries, other.entries)

    def member(self, path: str) -> str:
        """An entry's name in the archive."""
        return f"{self.root}/{path}" if self.root else path


def same_content(one: Sequence[SavedEntry], other: Sequence[SavedEntry]) -> bool:
    return [saved.content() for saved in one] == [saved.content() for saved in other]


def to_json(record: Record) -> str:
    """One line per entry: thousands of files stay readable, and `grep` finds them."""
    head = {
        "version": VERSION,
        "model": record.model,
        "root": record.root,
        "source": record.source,
        "started_ns": record.started_ns,
        "archive_size": record.archive_size,
        "archive_checksum": record.archive_checksum,
    }
    lines = [json.dumps(_entry_data(saved)) for saved in record.entries]
    body = ",\n  ".join(lines)
    return f'{json.dumps(head)[:-1]}, "entries": [\n  {body}\n]}}\n'


def from_json(text: str) -> Record:
    try:
        data: Any = json.loads(text)
        if data["version"] != VERSION:
            raise RecordError(f"has version {data['version']}, not {VERSION}")
        return Record(
            model=_typed(data, "model", str),
            root=_typed(data, "root", str),
            source=_typed(data, "source", str),
            started_ns=_typed(data, "started_ns", int),
            archive_size=_typed(data, "archive_size", int),
            archive_checksum=_typed(data, "archive_checksum", str),
            entries=tuple(_entry(one) for one in data["entries"]),
        )
    except RecordError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"is damaged ({type(error).__name__}: {error})") from error


def _entry_data(saved: SavedEntry) -> dict[str, Any]:
    data = dataclasses.asdict(saved.entry)
    if saved.entry.target is None:
        del data["target"]
    if saved.checksum is not None:
        data["checksum"] = saved.checksum
    if saved.owner:
        data["owner"] = saved.owner
    return data


def _entry(data: Mapping[str, Any]) -> SavedEntry:
    target, digest, owner = data.get("target"), data.get("checksum"), data.get("owner", "")
    if not isinstance(target, str | None) or not isinstance(digest, str | None) or not isinstance(owner, str):
        raise RecordError("is damaged (an entry's target, checksum or owner is no text)")
    numbers = {key: _typed(data, key, int) for key in ("mode", "size", "mtime_ns", "ctime_ns", "inode")}
    entry = Entry(path=_typed(data, "path", str), kind=_typed(data, "kind", str), target=target, **numbers)
    return SavedEntry(entry, digest, owner)


def _typed(data: Mapping[str, Any], key: str, kind: type[_T]) -> _T:
    value = data[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RecordError(f'is damaged ("{key}" is {value!r})')
    return value
