"""What programs print: tables, JSON, sizes and times. Colours only on a terminal, and not with NO_COLOR."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def colourful(stream: TextIO | None = None) -> bool:
    """Whether colours may be written to the stream (default: standard output)."""
    target = sys.stdout if stream is None else stream
    return target.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """The text in a colour (bold, dim, red, green, yellow, cyan), or as it is where there are no colours."""
    return f"\033[{_CODES[colour]}m{text}\033[0m" if colourful(stream) else text


def clean(text: str) -> str:
    """Without control characters: what comes from elsewhere must not steer the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def say(text: str = "") -> None:
    """One line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """One line on standard error, at once."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def width(text: str) -> int:
    """Columns that a text takes, colour codes not counted."""
    columns, in_code = 0, False
    for sign in text:
        if sign == "\033":
            in_code = True
        elif in_code:
            in_code = sign != "m"
        elif not unicodedata.combining(sign):
            columns += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
    return columns


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Columns with two spaces between; `right` are the columns that stand on the right. No spaces at line ends."""
    lines = [list(headers), *[list(row) for row in rows]]
    widths = [max(width(line[at]) for line in lines) for at in range(len(headers))]

    def cell(at: int, text: str) -> str:
        space = " " * (widths[at] - width(text))
        return space + text if at in right else text + space

    shown = ["  ".join(cell(at, text) for at, text in enumerate(line)).rstrip() for line in lines]
    return "\n".join([paint(shown[0], "bold"), *shown[1:]])


def to_data(value: object) -> Any:
    """Dataclasses, paths, times and mappings as JSON has them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_data(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_data(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


def emit_json(value: object) -> None:
    """Prints a value as JSON, two spaces, keys in their order. What would steer the terminal is written out."""
    text = json.dumps(to_data(value), indent=2, ensure_ascii=False)
    say("".join(sign if sign == "\n" or sign.isprintable() else json.dumps(sign)[1:-1] for sign in text))


def size_text(size: float) -> str:
    """Bytes in binary units: `0 B`, `12.3 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def duration_text(seconds: float) -> str:
    """Two units at most: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    big, ratio, small, divisor = next(unit for unit in _UNITS if whole >= unit[1])
    rest = whole % ratio // divisor
    return f"{whole // ratio} {big}" + (f" {rest} {small}" if rest else "")


def time_text(timestamp: float) -> str:
    """Seconds since 1970 as `2026-11-24T01:44:51Z`."""
    return datetime.datetime.fromtimestamp(int(timestamp), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
