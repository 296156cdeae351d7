"""Our blocks in files that are shared with others. Works on bytes: foreign lines stay as they are."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

BEGIN = b"# BEGIN citadel-iac "
END = b"# END citadel-iac "


def normal(text: str) -> bytes:
    """A block's text as it stands between its markers."""
    return (text if text == "" or text.endswith("\n") else f"{text}\n").encode()


@dataclass(frozen=True)
class Found:
    """A block of a file: where its first marker begins and its last one ends. Not closed: somebody edited the file."""

    name: str
    start: int
    end: int
    closed: bool


@dataclass(frozen=True)
class _Line:
    text: bytes
    start: int
    end: int


def find(content: bytes, texts: Mapping[str, bytes]) -> list[Found]:
    """The blocks of a file. One whose end is missing takes those lines after its begin that are the ones of `texts`."""
    lines = _lines(content)
    found: list[Found] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        stray = _marker(line.text, END)
        if stray is not None:
            found.append(Found(stray, line.start, line.end, False))
            continue
        name = _marker(line.text, BEGIN)
        if name is None:
            continue
        last = _end_of(lines, at - 1, name)
        if last is not None:
            found.append(Found(name, line.start, lines[last].end, True))
            at = last + 1
            continue
        end = _end_of_known(lines, at - 1, texts.get(name, b""))
        found.append(Found(name, line.start, end, False))
        while at < len(lines) and lines[at].end <= end:
            at += 1
    return found


def replace(content: bytes, wanted: Mapping[str, bytes], remove: Set[str]) -> bytes:
    """The file with exactly the wanted blocks: replaced where they stand, else added at the end by name."""
    result = b""
    position = 0
    placed: set[str] = set()
    for block in find(content, wanted):
        text = wanted.get(block.name)
        if text is None and block.name not in remove:
            continue
        result += content[position : block.start]
        position = block.end
        stray = not block.closed and content.startswith(END, block.start)
        if text is None or block.name in placed or stray:
            continue
        result += _format(block.name, text)
        placed.add(block.name)
    result += content[position:]
    for name in sorted(wanted):
        if name not in placed:
            if result and not result.endswith(b"\n"):
                result += b"\n"
            result += _format(name, wanted[name])
    return result


def _format(name: str, text: bytes) -> bytes:
    return BEGIN + name.encode() + b"\n" + text + END + name.encode() + b"\n"


def _lines(content: bytes) -> list[_Line]:
    lines: list[_Line] = []
    start = 0
    for piece in content.split(b"\n"):
        end = min(start + len(piece) + 1, len(content))
        if end > start:
            lines.append(_Line(piece, start, end))
        start = end
    return lines


def _marker(line: bytes, marker: bytes) -> str | None:
    return line[len(marker) :].decode(errors="surrogateescape") if line.startswith(marker) else None


def _end_of(lines: list[_Line], begin: int, name: str) -> int | None:
    for at in range(begin + 1, len(lines)):
        text = lines[at].text
        if _marker(text, END) == name:
            return at
        if text.startswith((BEGIN, END)):
            return None
    return None


def _end_of_known(lines: list[_Line], begin: int, text: bytes) -> int:
    known = text.split(b"\n")
    at = begin
    while at + 1 < len(lines) and at - begin < len(known) - 1 and known[at - begin] == lines[at + 1].text:
        at += 1
    return lines[at].end
