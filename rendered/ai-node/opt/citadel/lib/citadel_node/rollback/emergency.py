"""Everything stopped within seconds, whatever state it is in. Waits for no one, writes nothing, needs no settings."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from citadel_node import commands
from citadel_node.program import ProgramError
from citadel_node.rollback import units as unit_names
from citadel_node.rollback.processes import Process, kill, matching, processes

LIMIT_SEC = 9.0
_STEP_SEC = 2.0
_AT_REST = ("inactive", "failed")


@dataclass
class Report:
    """What was stopped, what is left, and how long it took."""

    seconds: float = 0.0
    stopped: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return not self.running and not self.left


def emergency(dry_run: bool = False, limit: float = LIMIT_SEC) -> Report:
    """Stop jobs that nothing can take back, then SIGKILL to all that the units hold, then to what is left over."""
    began = time.monotonic()
    report = Report()
    found = unit_names.citadel_units(_STEP_SEC)
    if found.problem:
        report.problems.append(found.problem)
    hands = _Hands(report, silent=bool(found.problem))
    if found.problem and not dry_run:
        # systemd is silent: what it should stop is ended now, and not after each of its time limits.
        hands.end_all()
    before = unit_names.states(found.units)
    report.running = [unit for unit in found.units if before.get(unit, "unknown") not in _AT_REST]
    if dry_run:
        report.left = [_words(process) for process in matching(processes(), [os.getpid()])]
        return report
    until = began + limit
    asked = False
    while True:
        # A stop job cancels starts that hang, and no Restart= or dependency brings the unit back while it is there.
        if not asked:
            asked = hands.systemctl(
                "stop", "--no-block", "--job-mode=replace-irreversibly", "--", *found.units
            )
        # The units' processes at once, so that no stop timeout is waited for; also those that stop them.
        if not hands.silent:
            hands.systemctl("kill", "--signal=KILL", "--", *(report.running or found.units))
        # Another round with a silent systemd takes two time limits.
        over = time.monotonic() >= until - (2 * _STEP_SEC if hands.silent else 0.0)
        time.sleep(0.2)
        now = unit_names.states(found.units)
        report.running = [unit for unit in found.units if now.get(unit, "unknown") not in _AT_REST]
        left = matching(processes(), [os.getpid()])
        if left and (not report.running or time.monotonic() - began > limit / 3):
            left = hands.end_all()
        report.left = [_words(process) for process in left]
        if report.done or over:
            break
    # After SIGKILL they count as failed, and would run into their start limits.
    if not hands.silent:
        hands.systemctl("reset-failed", "--", *found.units)
    report.stopped = [
        unit
        for unit in found.units
        if before.get(unit, "unknown") not in _AT_REST and unit not in report.running
    ]
    report.seconds = time.monotonic() - began
    return report


def _words(process: Process) -> str:
    stuck = ", waits in the kernel" if process.state == "D" else ""
    return f"{process.pid}{stuck}: {process.text[:120]}"


class _Hands:
    """systemctl and kill, as root where that goes, else as who we are."""

    def __init__(self, report: Report, silent: bool) -> None:
        self._report = report
        self._sudo = os.geteuid() != 0
        #: systemd has not answered yet. One that is only slow, now and then, is asked on.
        self.silent = silent

    def systemctl(self, *words: str) -> bool:
        argv = ["systemctl", *words]
        for attempt in ([["sudo", "-n", "--", *argv]] if self._sudo else []) + [argv]:
            try:
                done = commands.run(attempt, _STEP_SEC)
            except commands.CommandTimeout as error:
                # It would not answer another account either.
                self._note(error.what)
                return False
            except ProgramError as error:
                self._note(error.what)
                self._sudo = self._sudo and attempt[0] != "sudo"
                continue
            self.silent = False
            # Some of the units may not exist, or hold no process: that is no failure.
            if done.ok or attempt[0] != "sudo" or not done.err.lstrip().startswith("sudo:"):
                return done.ok or not _refused(done.err)
            self._sudo = False
            self._note(f"sudo refuses: {done.words}")
        return False

    def end_all(self) -> list[Process]:
        """SIGKILL to every process of ours; returns those that are left a moment later."""
        found = matching(processes(), [os.getpid()])
        told = self._report.killed
        told += [words for process in found if (words := _words(process)) not in told]
        self._kill(found)
        time.sleep(0.1)
        return matching(processes(), [os.getpid()])

    def _kill(self, found: Sequence[Process]) -> None:
        refused = kill(found)
        if refused and self._sudo:
            try:
                commands.run(["sudo", "-n", "--", "kill", "-KILL", *map(str, refused)], _STEP_SEC)
            except ProgramError as error:
                self._note(error.what)

    def _note(self, text: str) -> None:
        if text not in self._report.problems:
            self._report.problems.append(text)


def _refused(err: str) -> bool:
    words = err.lower()
    return any(one in words for one in ("access denied", "authentication", "timed out", "failed to connect"))
