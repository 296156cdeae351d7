"""A bounded JSON array in a file, one object a line, replaced as a whole: a reader sees the old array or the new one.

Objects are kept as encoded lines: thousands of them cost a few MiB so, and many times that as dictionaries.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Object = Mapping[str, Any]


def read_array(path: Path) -> tuple[list[bytes], int]:
    """(encoded objects, number of lines that could not be read). A missing file is empty.

    Reads line by line, so that a file which someone damaged loses no more than the damaged lines.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    found: list[bytes] = []
    damaged = 0
    for raw in data.split(b"\n"):
        line = raw.strip().rstrip(b",")
        if line in (b"", b"[", b"]", b"[]"):
            continue
        try:
            if isinstance(json.loads(line), dict):
                found.append(line)
                continue
        except ValueError:
            pass
        damaged += 1
    if damaged and not found:
        # Perhaps a program wrote it in another layout.
        try:
            whole = json.loads(data)
        except ValueError:
            return found, damaged
        if isinstance(whole, list):
            objects = [each for each in whole if isinstance(each, dict)]
            return [encode(each) for each in objects], len(whole) - len(objects)
    return found, damaged


def encode(value: Object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ")).encode()


class ArrayFile:
    def __init__(self, path: Path, keep: int) -> None:
        self.path = path
        self._lines: deque[bytes] = deque(maxlen=keep)
        lines, self.damaged = read_array(path)
        self._lines.extend(lines)

    def __len__(self) -> int:
        return len(self._lines)

    def objects(self) -> Iterator[dict[str, Any]]:
        """Oldest first, decoded one by one."""
        for line in self._lines:
            yield json.loads(line)

    def newest_first(self) -> Iterator[dict[str, Any]]:
        for line in reversed(self._lines):
            yield json.loads(line)

    def append(self, objects: Iterable[Object]) -> None:
        self._lines.extend(encode(each) for each in objects)

    def write(self) -> None:
        """Writes a new file next to it and renames. Not synced: after a power failure the old or the new file is there, which is enough."""
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with open(beside, "wb") as file:
                os.fchmod(file.fileno(), 0o644)
                if not self._lines:
                    file.write(b"[]\n")
                else:
                    file.write(b"[\n")
                    last = len(self._lines) - 1
                    for at, line in enumerate(self._lines):
                        file.write(line)
                        file.write(b",\n" if at < last else b"\n")
                    file.write(b"]\n")
            os.replace(beside, self.path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
