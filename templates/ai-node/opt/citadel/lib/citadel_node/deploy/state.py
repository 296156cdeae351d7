"""What became of each phase, in a file that outlives reboots."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from citadel_node import files, output
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

VERSION = 1
_STATES = ("done", "failed", "running")


@dataclass(frozen=True)
class Record:
    """`state`: done, failed or running; `at`: when it came to that (seconds since 1970); `seconds`: how long it took."""

    state: str
    at: float
    seconds: float = 0.0
    reason: str = ""
    fix: str = ""


@dataclass
class State:
    """Phases by name. One that is not there has never been run."""

    phases: dict[str, Record] = field(default_factory=dict)


def file_of(settings: Settings) -> Path:
    return settings.paths.state / "deploy.json"


@contextlib.contextmanager
def held(settings: Settings) -> Iterator[None]:
    """One deployment at a time. BusyError where another one is at it."""
    with files.locked(settings.paths.state / "deploy.lock", "another citadel-deploy"):
        yield


def load(settings: Settings) -> State:
    """A file that cannot be understood is put aside and said: every phase is looked at before it counts as done."""
    path = file_of(settings)
    try:
        return _parse(files.read_json(path))
    except (ProgramError, KeyError, TypeError, ValueError):
        aside = path.with_name(f"{path.name}.damaged")
        with contextlib.suppress(OSError):
            os.replace(path, aside)
        output.warn(f"{path} is damaged and was moved to {aside.name}; phases are looked at again")
        return State()


def save(settings: Settings, state: State) -> None:
    files.atomic_json(file_of(settings), {"version": VERSION, "phases": output.to_data(state.phases)})


def _parse(data: object) -> State:
    if data is None:
        return State()
    if not isinstance(data, dict) or data["version"] != VERSION:
        raise ValueError(data)
    phases = {}
    for name, one in data["phases"].items():
        record = Record(
            str(one["state"]), float(one["at"]), float(one["seconds"]), str(one["reason"]), str(one["fix"])
        )
        if record.state not in _STATES:
            raise ValueError(record.state)
        phases[str(name)] = record
    return State(phases)
