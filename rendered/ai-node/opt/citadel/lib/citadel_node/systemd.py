"""Units: what systemd says of them, and starting and stopping them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from citadel_node import commands
from citadel_node.program import ProgramError

_PROPERTIES = (
    "Id",
    "Description",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "UnitFileState",
    "MainPID",
    "NRestarts",
    "ActiveEnterTimestamp",
    "InactiveEnterTimestamp",
    "ExecMainStatus",
    "Job",
)
_REFUSED = (
    "interactive authentication required",
    "access denied",
    "not authorized",
    "authentication is required",
)


@dataclass(frozen=True)
class UnitState:
    """One unit. `load` is `loaded` or `not-found`; `active` is `active`, `inactive`, `activating`, `failed`, …"""

    unit: str
    description: str
    load: str
    active: str
    sub: str
    result: str
    enabled: str
    main_pid: int
    restarts: int
    exit_status: int
    active_since: float | None
    inactive_since: float | None
    job: bool

    @property
    def exists(self) -> bool:
        return self.load not in ("not-found", "masked", "error", "bad-setting")

    @property
    def is_active(self) -> bool:
        return self.active == "active"

    @property
    def is_failed(self) -> bool:
        return self.active == "failed"

    @property
    def words(self) -> str:
        """In a few words: `active (running)`, `failed (exit-code)`, `not installed`, `masked`."""
        if self.load == "not-found":
            return "not installed"
        if self.load != "loaded":
            return self.load
        return f"{self.active} ({self.result if self.is_failed else self.sub})"


def show(units: Sequence[str], timeout: float = 10.0) -> dict[str, UnitState]:
    """The state of each unit, in the order asked; a unit that does not exist has load `not-found`."""
    if not units:
        return {}
    argv = ["systemctl", "show", "--timestamp=unix", f"--property={','.join(_PROPERTIES)}", "--", *units]
    done = commands.run(argv, timeout)
    if not done.ok:
        raise ProgramError(f"systemd does not answer: {done.words}", "Look: systemctl status")
    blocks = [block for block in done.out.strip().split("\n\n") if block.strip()]
    if len(blocks) != len(units):
        raise ProgramError(f"systemctl show says {len(blocks)} units where {len(units)} were asked for")
    return {unit: _state(unit, block) for unit, block in zip(units, blocks, strict=True)}


def show_one(unit: str, timeout: float = 10.0) -> UnitState:
    return show([unit], timeout)[unit]


def start(units: Sequence[str], timeout: float = 60.0, block: bool = True) -> None:
    """Starts units; with `block=False` only asks systemd to. Raises ProgramError with systemd's words."""
    _verb("start", units, timeout, block)


def stop(units: Sequence[str], timeout: float = 120.0, block: bool = True) -> None:
    _verb("stop", units, timeout, block)


def restart(units: Sequence[str], timeout: float = 180.0, block: bool = True) -> None:
    _verb("restart", units, timeout, block)


def reset_failed(units: Sequence[str], timeout: float = 10.0) -> None:
    """Forgets failures and counted starts (`StartLimitBurst=`); a unit that has none is no error."""
    control(["reset-failed", "--", *units], timeout)


def prepare(states: Mapping[str, UnitState], timeout: float = 60.0) -> None:
    """Before a start or restart that someone asks for: nothing that went wrong earlier stands in its way.

    Counted starts are forgotten; a unit that waits to be tried again is stopped, so that the start is one of its own, at once.
    """
    units = [unit for unit in states if not unit.endswith(".target")]
    retrying = [unit for unit in units if states[unit].sub.startswith("auto-restart")]
    stop(retrying, timeout)
    reset_failed(units)


def control(arguments: Sequence[str], timeout: float) -> commands.Completed:
    """`systemctl ARGUMENTS`, as the account that we are (polkit lets agent0 manage our units), else through sudo."""
    argv = ["systemctl", "--no-ask-password", *arguments]
    done = commands.run(argv, timeout)
    if not done.ok and any(words in done.err.lower() for words in _REFUSED):
        return commands.as_root(argv, timeout)
    return done


def last_lines(unit: str, count: int = 15, timeout: float = 10.0, own: bool = False) -> list[str]:
    """The unit's last log lines, oldest first; none where the journal has none or may not be read.

    With `own`, only what its processes said, and not what systemd says about them.
    """
    match = f"_SYSTEMD_UNIT={unit}" if own else f"--unit={unit}"
    argv = ["journalctl", f"--lines={count}", "--output=cat", "--no-pager", "--quiet", match]
    try:
        done = commands.run(argv, timeout)
    except ProgramError:
        return []
    return [line for line in done.out.splitlines() if line.strip()][-count:]


def _verb(verb: str, units: Sequence[str], timeout: float, block: bool) -> None:
    if not units:
        return
    done = control([verb, *([] if block else ["--no-block"]), "--", *units], timeout)
    if not done.ok:
        names = " ".join(units)
        raise ProgramError(
            f"{verb} {names}: {done.words}", f"Look: systemctl status {names}; journalctl -u {units[0]} -n 50"
        )


def _state(unit: str, block: str) -> UnitState:
    found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return UnitState(
        unit=unit,
        description=found.get("Description", ""),
        load=found.get("LoadState", "not-found"),
        active=found.get("ActiveState", "unknown"),
        sub=found.get("SubState", "unknown"),
        result=found.get("Result", ""),
        enabled=found.get("UnitFileState", ""),
        main_pid=_whole(found.get("MainPID")),
        restarts=_whole(found.get("NRestarts")),
        exit_status=_whole(found.get("ExecMainStatus")),
        active_since=_time(found.get("ActiveEnterTimestamp")),
        inactive_since=_time(found.get("InactiveEnterTimestamp")),
        job=found.get("Job", "") not in ("", "0"),
    )


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0


def _time(text: str | None) -> float | None:
    """`@1732412691`, as `--timestamp=unix` prints it; None for never."""
    if not text or not text.startswith("@"):
        return None
    try:
        return float(text[1:]) or None
    except ValueError:
        return None
