"""What was looked at and how it is: the common form of health, storage and deployment checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from citadel_node import output

OK = "ok"
WARNING = "warning"
FAILED = "failed"
INFO = "info"

_SIGNS = {OK: ("ok", "green"), WARNING: ("warn", "yellow"), FAILED: ("FAIL", "red"), INFO: ("-", "dim")}


@dataclass(frozen=True)
class Check:
    """One thing in an area (`storage`, `models`, …). `fix` is a command or a sentence; empty when nothing need be done.

    `failed` makes the host unwell; `warning` should be seen to; `info` is only told.
    """

    area: str
    name: str
    state: str
    detail: str
    fix: str = ""


def well(checks: Iterable[Check]) -> bool:
    return all(check.state != FAILED for check in checks)


def failures(checks: Iterable[Check]) -> list[Check]:
    return [check for check in checks if check.state == FAILED]


def show(checks: Sequence[Check]) -> None:
    """A line each, below its area, and what to do below those that need it."""
    wide = max((output.width(check.name) for check in checks), default=0)
    for area, group in groupby(checks, key=lambda check: check.area):
        output.say(output.paint(area, "bold"))
        for check in group:
            sign, colour = _SIGNS[check.state]
            gap = " " * (wide - output.width(check.name))
            output.say(
                f"  {output.paint(f'{sign:4}', colour)}  {check.name}{gap}  {output.clean(check.detail)}".rstrip()
            )
            if check.fix and check.state in (FAILED, WARNING):
                for line in check.fix.splitlines():
                    output.say(f"        {line}")


def summary(checks: Sequence[Check]) -> str:
    """`All is well: 24 checks.`, or how many are not."""
    failed = len(failures(checks))
    warnings = sum(check.state == WARNING for check in checks)
    also = f", {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else ""
    if failed == 0:
        return f"All is well: {len(checks)} checks{also}."
    return f"{failed} of {len(checks)} checks failed{also}. What to do stands below each."


def report(checks: Sequence[Check], json: bool) -> int:
    """Prints the checks with a summary, or as JSON; returns the exit status."""
    ok = well(checks)
    if json:
        output.emit_json({"ok": ok, "checks": list(checks)})
    else:
        show(checks)
        output.say(output.paint(summary(checks), "green" if ok else "red"))
    return 0 if ok else 1
