"""What citadel-rollback says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from citadel_node import output
from citadel_node.rollback.emergency import Report
from citadel_node.rollback.generations import Generation
from citadel_node.rollback.to import Outcome, Prepared

_SIGNS = {"create": "+", "update": "~", "delete": "-"}


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


def list_text(generations: Sequence[Generation]) -> str:
    """Newest first; the current one has a star."""
    if not generations:
        return "No generation yet: nothing was ever applied to this host."
    rows = [
        [
            f"{'*' if one.current else ' '} {one.number}",
            "pinned" if one.pinned else "",
            output.clean(one.time),
            output.clean(one.who),
            output.clean(one.summary)
            + (f"; cannot be gone back to: {one.missing[0]}" if one.missing else ""),
        ]
        for one in sorted(generations, key=lambda one: -one.number)
    ]
    return output.table(["  generation", "", "time", "who", "changes"], rows)


def plan_data(prepared: Prepared, said: Sequence[str]) -> dict[str, Any]:
    """The plan for programs."""
    return {
        "from": prepared.current,
        "to": prepared.number,
        "changes": prepared.plan.changes,
        "unit_actions": prepared.plan.actions,
        "stays": prepared.plan.notes,
        "cannot_be_undone": said if prepared.plan.changes else [],
    }


def plan_text(prepared: Prepared, said: Sequence[str]) -> str:
    """The plan for people."""
    plan = prepared.plan
    if not prepared.needed:
        return f"This host is at generation {prepared.number}, as it should be. Nothing to do."
    lines = [f"From generation {prepared.current} to generation {prepared.number}, as a new generation:"]
    for change in plan.changes:
        note = f"  ({change.note})" if change.note else ""
        lines.append(f"  {_SIGNS[change.action]} {change.section:<11} {change.key}{note}")
    if not plan.changes:
        lines.append("  nothing on the host differs; only the record moves")
    for action in plan.actions:
        lines.append(f"  ! {action.verb:<11} {action.unit}")
    lines += [f"  = stays: {note}" for note in plan.notes]
    if plan.changes:
        lines.append("What this cannot take back:")
        lines += [f"  · {one}" for one in said]
    return "\n".join(output.clean(line) for line in lines)


def outcome_text(outcome: Outcome, number: int) -> str:
    """How it ended, and where the host is."""
    at = "as it was" if outcome.generation is None else f"at generation {outcome.generation}"
    why = f" {output.clean(outcome.failure)}" if outcome.failure else ""
    match outcome.word:
        case "committed":
            return f"Done: the host is {at}, which equals generation {number}."
        case "rolled-back":
            return f"It failed:{why}\nThe host undid everything and is {at}."
        case "locked":
            return f"Nothing was changed:{why}. Try again later, or with --wait SEC."
        case "undo-failed" | "interrupted":
            return f"It was not brought to its end:{why}\nThe host tries again by itself: look at `citadel-rollback status`."
        case _:
            return f"Nothing was changed:{why}\nThe host is {at}."


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
