"""Which weights a model shall have: the part of the lock file that the host got, /opt/citadel/configs/weights/MODEL.json."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from citadel_node import files
from citadel_node.program import ProgramError

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class WantedFile:
    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Wanted:
    """`base` is a URL that ends in a slash, or a folder; `work` is where the weights are gathered before they become `target`.
    `disks` are mount points that may have copies; `digest` is that of the whole list."""

    model: str
    unit: str
    at_boot: bool
    origin: str
    kind: str
    base: str
    target: Path
    work: Path
    disks: tuple[Path, ...]
    bytes_per_sec: float | None
    files: tuple[WantedFile, ...]
    digest: str

    @property
    def size(self) -> int:
        return sum(one.size for one in self.files)


def read(path: Path) -> Wanted:
    """Raises ProgramError for what the tool has not written like this."""
    data = files.read_json(path)
    if data is None:
        raise ProgramError(f"{path} is not there", "Apply the host again: citadel-iac apply.")
    try:
        return _read(data)
    except (KeyError, TypeError, ValueError) as error:
        raise ProgramError(
            f"{path} is damaged: {error}", "Apply the host again: citadel-iac apply."
        ) from error


def _read(data: Any) -> Wanted:
    listed = tuple(
        WantedFile(_inside(one["path"]), int(one["size"]), _digest(one["sha256"])) for one in data["files"]
    )
    limit = data["bytesPerSec"]
    if data["kind"] not in ("http", "folder") or not listed:
        raise ValueError("it has no files, or they come from a source of an unknown kind")
    text = json.dumps([[one.path, one.size, one.sha256] for one in listed])
    return Wanted(
        model=str(data["model"]),
        unit=str(data["unit"]),
        at_boot=data["start"] == "boot",
        origin=str(data["from"]),
        kind=str(data["kind"]),
        base=str(data["base"]),
        target=Path(data["target"]),
        work=Path(data["work"]),
        disks=tuple(Path(one) for one in data["disks"]),
        bytes_per_sec=None if limit is None else float(limit),
        files=listed,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "/".join(parts) != path:
        raise ValueError(f"{path!r} is not a path inside of a folder")
    return path


def _digest(text: str) -> str:
    if _SHA256.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not a SHA-256")
    return text
