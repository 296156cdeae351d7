"""Where this host is, as the engine keeps it in /var/lib/citadel-iac. Only root may read it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_FOLDER = Path("/var/lib/citadel-iac")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")


@dataclass(frozen=True)
class Generation:
    """One line of the history."""

    number: int
    digest: str
    time: str
    who: str
    summary: str
    pinned: bool


class Store:
    """The engine's folder."""

    def __init__(self, folder: Path = DEFAULT_FOLDER) -> None:
        self.folder = folder

    def path(self, number: int) -> Path:
        return self.folder / "generations" / str(number)

    def current(self) -> int | None:
        try:
            name = Path(os.readlink(self.folder / "current")).name
        except OSError:
            return None
        return int(name) if _NUMBER.match(name) else None

    def numbers(self) -> list[int]:
        """Those that are kept, oldest first."""
        try:
            names = os.listdir(self.folder / "generations")
        except FileNotFoundError:
            return []
        return sorted(int(name) for name in names if _NUMBER.match(name))

    def read(self, number: int) -> Generation:
        folder = self.path(number)
        return Generation(
            number,
            digest=_first_line(folder / "digest"),
            time=_first_line(folder / "time"),
            who=_first_line(folder / "who"),
            summary=_first_line(folder / "summary"),
            pinned=(folder / "pinned").exists(),
        )

    def open_transaction(self) -> str | None:
        """The id of a transaction that has not ended, or None."""
        try:
            return Path(os.readlink(self.folder / "open")).name
        except OSError:
            return None


def _first_line(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").partition("\n")[0].strip()
    except FileNotFoundError:
        return ""
