"""What citadel-rollback says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citadel_node import output
from citadel_node.rollback.emergency import Report
from citadel_node.rollback.generations import Generation


def start_again(first_model: str | None) -> list[str]:
    """The commands, in the order in which they are safe."""
    steps = ["storage", "gpu", *([first_model] if first_model else []), "models"]
    return [
        "To start again, one after another:",
        *(f"  citadel start {step}" for step in steps),
        "  citadel health",
    ]


def emergency_text(report: Report, dry_run: bool, first_model: str | None) -> str:
    """What became of everything, and how to start again."""
    if dry_run:
        units = "\n".join(f"  {unit}" for unit in report.running) or "  nothing: no unit of Citadel runs"
        left = "".join(f"\n  process {one}" for one in report.left)
        return f"Would stop at once:\n{units}{left}"
    lines = [f"{len(report.stopped)} units stopped in {report.seconds:.1f} s. Disks stay mounted."]
    lines += [f"  stopped  {unit}" for unit in report.stopped]
    lines += [f"  killed   {one}" for one in report.killed]
    lines += [f"  note     {one}" for one in report.problems]
    if report.done:
        return "\n".join([*lines, "Nothing of Citadel runs any more.", *start_again(first_model)])
    lines += [output.paint(f"  STILL THERE  {one}", "red") for one in (*report.running, *report.left)]
    lines.append(
        "What waits in the kernel ends with the device it waits for, or with a reboot: sudo systemctl reboot"
    )
    return "\n".join(lines)


def status_text(status: Mapping[str, Any]) -> str:
    """One thing a line."""
    generation: Generation | None = status["generation"]
    lines = []
    if generation is None:
        lines.append("generation: none yet")
    else:
        lines.append(f"generation: {generation.number}, {generation.time} by {output.clean(generation.who)}")
        lines.append(f"            {output.clean(generation.summary)}")
    pinned = ", ".join(str(number) for number in status["pinned"]) or "none"
    lines.append(f"kept:       {status['kept']} generations; pinned: {pinned}")
    if status["open"]:
        lines.append(f"open:       transaction {status['open']} has not ended")
    lines.append(f"backup:     {status['config_backup'] or 'no backup of the configuration yet'}")
    units: Mapping[str, str] = status["units"]
    lines += [f"  {state:<12} {unit}" for unit, state in units.items()]
    return "\n".join(lines)
