"""Processes of Citadel that no unit holds any more, or that were started by hand."""

from __future__ import annotations

import os
import pwd
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
_RUNNERS = re.compile(r"(python[0-9.]*|vllm)\Z")
# What vLLM calls its workers: nothing is left of their command lines, and when the server that began them is killed (by
# hand, or when memory runs out), they live on with its memory.
_RETITLED = "VLLM::"
# The accounts that the role makes, one for each model: nothing but a model runs as one.
_MODEL_ACCOUNT = "citadel-model-"


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    state: str
    words: tuple[str, ...]
    uid: int = -1
    name: str = ""

    @property
    def text(self) -> str:
        return " ".join(self.words) or f"[{self.name}]"

    @property
    def is_retitled(self) -> bool:
        """Whether it is a worker of vLLM by the title that it gave itself."""
        return (self.words[0] if self.words else self.name).startswith(_RETITLED)


def model_accounts() -> frozenset[int]:
    """Numbers of the accounts that run models."""
    return frozenset(one.pw_uid for one in pwd.getpwall() if one.pw_name.startswith(_MODEL_ACCOUNT))


def processes(proc: Path = PROC) -> dict[int, Process]:
    """All that run now; those that end meanwhile are left out."""
    found: dict[int, Process] = {}
    for name in os.listdir(proc):
        if not name.isdigit():
            continue
        try:
            words = (proc / name / "cmdline").read_bytes().decode(errors="replace").split("\0")
            # The name in brackets may hold anything, also brackets.
            head, _, tail = (proc / name / "stat").read_text(errors="replace").rpartition(")")
            state, parent = tail.split()[:2]
            uid = (proc / name).stat().st_uid
        except (OSError, ValueError):
            continue
        found[int(name)] = Process(
            int(name), int(parent), state, tuple(word for word in words if word), uid, head.partition("(")[2]
        )
    return found


def is_ours(process: Process, accounts: frozenset[int] = frozenset()) -> bool:
    """Whether a process runs a program of Citadel, or is a model's by its title or its account."""
    if process.state == "Z":
        return False
    if process.is_retitled or process.uid in accounts:
        return True
    if not process.words:
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
    accounts = model_accounts()
    chosen = {pid for pid, process in known.items() if is_ours(process, accounts)} - spared
    grown = True
    while grown:
        below = {pid for pid, process in known.items() if process.parent in chosen} - chosen - spared
        grown = bool(below)
        chosen |= below
    return [known[pid] for pid in sorted(chosen) if known[pid].state != "Z"]


def engines(known: Mapping[int, Process]) -> list[Process]:
    """Servers of models and their workers, by their words, their titles or their accounts."""
    accounts = model_accounts()
    return [
        known[pid]
        for pid in sorted(known)
        if is_ours(known[pid], accounts)
        and (
            known[pid].is_retitled
            or known[pid].uid in accounts
            or any(_ENGINE in word for word in known[pid].words)
        )
    ]


def orphans(units: Iterable[str], proc: Path = PROC) -> list[Process]:
    """Engines that none of `units` holds: started by hand, or left over from a server that was killed."""
    held = set(units)
    return [one for one in engines(processes(proc)) if unit_of(one.pid, proc) not in held]


def unit_of(pid: int, proc: Path = PROC) -> str | None:
    """The service that a process belongs to, from its control group."""
    try:
        text = (proc / str(pid) / "cgroup").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        for part in reversed(line.split(":", 2)[-1].split("/")):
            if part.endswith(".service"):
                return part
    return None


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
