"""Telling how far a start is: lines that are rewritten on a terminal, one line for each change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Protocol

from citadel_node import output


class Progress(Protocol):
    def update(self, lines: Mapping[str, str]) -> None:
        """The present words for each name; called often, also where nothing has changed."""

    def close(self) -> None:
        """The last update stays."""


class Silent:
    """For --json."""

    def update(self, lines: Mapping[str, str]) -> None:
        pass

    def close(self) -> None:
        pass


class Lines:
    """One line whenever a name's first word changes; what only counts on (seconds) is not repeated."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def update(self, lines: Mapping[str, str]) -> None:
        for name, words in lines.items():
            phase = words.split(" ", 1)[0]
            if self._said.get(name) != phase:
                self._said[name] = phase
                output.say(f"{name}: {words}")

    def close(self) -> None:
        pass


class Live:
    """Rewrites its lines in place."""

    def __init__(self) -> None:
        self._height = 0

    def update(self, lines: Mapping[str, str]) -> None:
        wide = max((output.width(name) for name in lines), default=0)
        text = "".join(f"\033[2K{name:{wide}}  {_painted(words)}\n" for name, words in lines.items())
        back = f"\033[{self._height}A" if self._height else ""
        sys.stdout.write(f"{back}{text}")
        sys.stdout.flush()
        self._height = len(lines)

    def close(self) -> None:
        pass


def progress(json: bool) -> Progress:
    if json:
        return Silent()
    if output.colourful():
        return Live()
    return Lines()


def _painted(words: str) -> str:
    colours = {"ready": "green", "failed": "red", "waiting": "dim"}
    first = words.split(" ", 1)[0]
    return output.paint(words, colours[first]) if first in colours else words
