"""Processes of Citadel that no unit holds any more, or that were started by hand."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_ENGINE = "vllm.entrypoints"
_OURS = ("/opt/citadel/scripts/", "/opt/citadel/vllm-env/")
_PROGRAMS = (
    "/usr/local/bin/citadel-monitor",
    "/usr/local/bin/citadel-metrics-exporter",
    "/usr/local/bin/citadel-deploy",
)
# Only what runs a program counts: an editor or a pager of one of our files is someone at work.
_RUNNERS = re.compile(r"(python[0-9.]*|vllm|VLLM.*)\Z")


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    state: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.words)


def processes(proc: Path = PROC) -> dict[int, Process]:
    """All that run now; those that end meanwhile are left out."""
    found: dict[int, Process] = {}
    for name in os.listdir(proc):
        if not name.isdigit():
            continue
        try:
            words = (proc / name / "cmdline").read_bytes().decode(errors="replace").split("\0")
            # The name in brackets may hold anything, also brackets.
            state, parent = (proc / name / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        found[int(name)] = Process(int(name), int(parent), state, tuple(word for word in words if word))
    return found


def is_ours(process: Process) -> bool:
    """Whether a process runs a program of Citadel."""
    if not process.words or process.state == "Z":
        return False
    first = process.words[0]
    if first.startswith(_OURS):
        return True
    runs = _RUNNERS.match(os.path.basename(first)) is not None
    if runs and any(word.startswith((*_OURS, *_PROGRAMS)) for word in process.words[1:4]):
        return True
    return runs and any(_ENGINE in word for word in process.words)


def matching(known: Mapping[int, Process], spare: Iterable[int]) -> list[Process]:
    """Ours and all that descend from them, but for `spare` and their ancestors (this program is one of ours)."""
    spared: set[int] = set()
    for pid in spare:
        while pid in known and pid not in spared:
            spared.add(pid)
            pid = known[pid].parent
    chosen = {pid for pid, process in known.items() if is_ours(process)} - spared
    grown = True
    while grown:
        below = {pid for pid, process in known.items() if process.parent in chosen} - chosen - spared
        grown = bool(below)
        chosen |= below
    return [known[pid] for pid in sorted(chosen) if known[pid].state != "Z"]


def kill(found: Iterable[Process]) -> list[int]:
    """SIGKILL to each; returns those that this account may not kill."""
    refused: list[int] = []
    for process in found:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:
            refused.append(process.pid)
    return refused
