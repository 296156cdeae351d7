"""The generations of this host, as the engine keeps them in /var/lib/citadel-iac. Only root may read them."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citadel_node.program import ProgramError
from citadel_node.rollback.document import SecretMissing, expand, materialise, secrets_of
from citadel_node.rollback.payload import sha256

DEFAULT_FOLDER = Path("/var/lib/citadel-iac")
PROGRAMS = ("apply.sh", "expect.sh", "observe.sh", "tx.sh")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}\Z")
_RETENTION = re.compile(r"(keep|max_age_days)=(\d+)\Z")


@dataclass(frozen=True)
class Generation:
    """One line of the history. `missing`: what it lacks to go back to it without the operator's machine."""

    number: int
    digest: str
    time: str
    who: str
    summary: str
    current: bool
    pinned: bool
    missing: tuple[str, ...] = field(default=())


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

    def list(self) -> list[Generation]:
        """All of them, oldest first, each with what it lacks."""
        return [self.read(number) for number in self.numbers()]

    def read(self, number: int) -> Generation:
        folder = self.path(number)
        return Generation(
            number,
            digest=_first_line(folder / "digest"),
            time=_first_line(folder / "time"),
            who=_first_line(folder / "who"),
            summary=_first_line(folder / "summary"),
            current=number == self.current(),
            pinned=(folder / "pinned").exists(),
            missing=tuple(self.complete(number).missing),
        )

    def need(self, number: int) -> None:
        """Raises ProgramError when there is no such generation."""
        if number not in self.numbers():
            kept = ", ".join(str(one) for one in self.numbers()) or "none"
            raise ProgramError(
                f"there is no generation {number} on this host; kept are: {kept}", "citadel-rollback list"
            )

    def document(self, number: int, name: str) -> Any:
        """manifest.json or index.json; of older generations it is compressed."""
        try:
            return json.loads(self.document_bytes(number, name))
        except (ValueError, OSError, EOFError) as error:
            raise ProgramError(f"{name} of generation {number} cannot be read: {error}") from error

    def document_bytes(self, number: int, name: str) -> bytes:
        plain = self.path(number) / name
        try:
            return plain.read_bytes()
        except FileNotFoundError:
            return gzip.decompress((self.path(number) / f"{name}.gz").read_bytes())

    def secrets(self, number: int) -> dict[str, bytes]:
        folder = self.path(number) / "secrets"
        if not folder.is_dir():
            return {}
        return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}

    def complete(self, number: int) -> Content:
        """The contents of a generation, each file proven by the digest that its index holds."""
        content = Content()
        try:
            content.wanted = expand(self.document(number, "manifest.json"))
            content.facts = self.document(number, "index.json")
            content.secrets = self.secrets(number)
        except (ProgramError, OSError) as error:
            content.missing.append(str(error).splitlines()[0])
            return content
        facts = content.facts.get("files") or {}
        lost: dict[str, list[str]] = {}
        for path, file in sorted((content.wanted.get("files") or {}).items()):
            try:
                digest = sha256(materialise(file, content.secrets))
            except SecretMissing as error:
                lost.setdefault(str(error.args[0]), []).append(path)
                continue
            if digest != (facts.get(path) or {}).get("sha256"):
                names = ", ".join(secrets_of(file))
                content.missing.append(
                    f"the content of {path}" + (f" (its secrets: {names})" if names else "")
                )
        for name, paths in sorted(lost.items()):
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            content.missing.append(f"the secret {name}, which {paths[0]}{more} needs")
        return content

    def programs(self) -> dict[str, bytes]:
        """The engine's programs of the current generation."""
        current = self.current()
        if current is None:
            raise ProgramError(
                "nothing was ever applied to this host", "Deploy it from the operator's machine."
            )
        folder = self.path(current) / "bin"
        absent = [name for name in PROGRAMS if not (folder / name).is_file()]
        if absent:
            raise ProgramError(
                f"generation {current} was made by an older citadel-iac, which left no {absent[0]} here",
                "Apply once from the operator's machine: after that this host can go back by itself.",
            )
        return {name: (folder / name).read_bytes() for name in PROGRAMS}

    def retention(self) -> dict[str, str]:
        """What the operator said about how long generations stay, as lines of a transaction's meta file."""
        current = self.current()
        if current is None:
            return {}
        text = _text(self.path(current) / "meta")
        found = (_RETENTION.match(line) for line in text.splitlines())
        return {match[1]: match[2] for match in found if match}

    def open_transaction(self) -> str | None:
        """The id of a transaction that has not ended, or None."""
        try:
            return Path(os.readlink(self.folder / "open")).name
        except OSError:
            return None

    def pin(self, number: int, pinned: bool) -> None:
        """Marks a generation as one that is never dropped, or takes the mark away."""
        self.need(number)
        mark = self.path(number) / "pinned"
        if pinned:
            mark.touch(0o600)
        else:
            mark.unlink(missing_ok=True)


@dataclass
class Content:
    """What a generation holds; usable when nothing is `missing`."""

    wanted: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def _first_line(file: Path) -> str:
    return _text(file).partition("\n")[0].strip()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
