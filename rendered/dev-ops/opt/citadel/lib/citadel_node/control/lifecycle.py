"""start, stop and restart."""

from __future__ import annotations

from dataclasses import dataclass

from citadel_node import output, systemd
from citadel_node.control.names import Subject
from citadel_node.control.progress import progress
from citadel_node.control.waiting import Wait, wait_until_ready, waits_for
from citadel_node.program import ProgramError
from citadel_node.settings import Model, Settings

_STOP_SEC = 180.0


@dataclass(frozen=True)
class Wish:
    """What the command line wants of an action."""

    wait: bool = True
    dry_run: bool = False
    json: bool = False


def start(settings: Settings, subject: Subject, wish: Wish) -> int:
    return _begin(settings, subject, wish, "start", (*subject.start, *subject.around))


def restart(settings: Settings, subject: Subject, wish: Wish) -> int:
    """Restarts what should run; models that were started by hand come back as well."""
    also = tuple(
        unit
        for unit, state in systemd.show([one for one in subject.stop if one not in subject.start]).items()
        if state.is_active
    )
    return _begin(settings, subject, wish, "restart", (*subject.start, *also))


def stop(settings: Settings, subject: Subject, wish: Wish) -> int:
    states = systemd.show(subject.stop)
    running = [
        unit for unit, state in states.items() if state.exists and state.active not in ("inactive", "failed")
    ]
    units = [unit for unit, state in states.items() if state.exists]
    if wish.dry_run:
        return _planned("stop", units, wish)
    if not units:
        raise ProgramError(f"{subject.name}: its unit {subject.stop[0]} is not installed", _INSTALL)
    # All of them, also those that are not running: a stop takes back a start that waits.
    systemd.stop(units, _STOP_SEC)
    left = [unit for unit, state in systemd.show(units).items() if state.active not in ("inactive", "failed")]
    if left:
        names = " ".join(left)
        raise ProgramError(
            f"still running: {names}", f"systemctl status {names}; at once: citadel-rollback emergency"
        )
    if wish.json:
        output.emit_json({"stopped": running})
    else:
        for unit in running:
            output.say(f"{_name(settings, unit)}: stopped")
        if not running:
            output.say(f"{subject.name}: was not running")
    return 0


_INSTALL = "Apply the inventory again from the operator's machine (citadel-iac apply)."


def _begin(settings: Settings, subject: Subject, wish: Wish, verb: str, units: tuple[str, ...]) -> int:
    if wish.dry_run:
        return _planned(verb, list(units), wish)
    before = systemd.show(units)
    absent = [unit for unit, state in before.items() if not state.exists]
    if absent:
        raise ProgramError(f"{absent[0]} is {before[absent[0]].words}", _INSTALL)
    if not wish.json:
        for line in _displaced(settings, subject.models):
            output.say(line)
    systemd.prepare(before)
    (systemd.restart if verb == "restart" else systemd.start)(units, 60, block=False)
    if not wish.wait:
        if wish.json:
            output.emit_json({"asked": list(units)})
        else:
            output.say(f"asked systemd to {verb} {' '.join(units)}; `citadel models` shows how far they are")
        return 0
    waits = waits_for(units, settings.models.values())
    try:
        result = wait_until_ready(waits, progress(wish.json))
    except KeyboardInterrupt:
        output.warn("\nNot waiting any longer; systemd goes on. `citadel models` shows how far it is.")
        raise
    if wish.json:
        failures = {
            wait.name: {"reason": wait.reason, "log": systemd.last_lines(wait.unit)} for wait in result.failed
        }
        output.emit_json({"ready": result.ready, "failed": failures})
        return 1 if failures else 0
    if result.failed:
        raise ProgramError(*_why(settings, result.failed))
    return 0


def _why(settings: Settings, failed: list[Wait]) -> tuple[str, str]:
    """What failed, with the last words of its log, and what to do about it."""
    parts = []
    for wait in failed:
        lines = [f"    {output.clean(line)}" for line in systemd.last_lines(wait.unit, 8)]
        said = "\n".join(["  its last log lines:", *lines]) if lines else "  it logged nothing"
        parts.append(f"{wait.name} is not ready: {wait.reason}\n{said}")
    first = failed[0]
    hints = [
        f"All of it: citadel logs {first.name} -n 200"
        if first.model
        else f"All of it: journalctl -u {first.unit}"
    ]
    if first.model:
        hints.append(
            "Are its weights whole, and is the GPU free? storage_manager.py verify-prereq; nvidia-smi"
        )
    hints.append(f"Then: citadel start {first.name}")
    return "\n".join(parts), "\n  ".join(hints)


def _displaced(settings: Settings, models: tuple[Model, ...]) -> list[str]:
    """Running models that cannot run together with those that are to start; systemd stops them."""
    starting = {model.name for model in models}
    rivals = {
        other.name: other
        for model in models
        for other in settings.models.values()
        if other.name not in starting and conflict(model, other)
    }
    states = systemd.show([rival.unit for rival in rivals.values()])
    return [
        f"{name}: is stopped, there is no room for both"
        for name, rival in rivals.items()
        if states[rival.unit].is_active
    ]


def conflict(one: Model, other: Model) -> bool:
    """Whether two models cannot run together; it is enough that one of them says so, by name or by unit."""
    return bool({other.name, other.unit} & set(one.conflicts) or {one.name, one.unit} & set(other.conflicts))


def _planned(verb: str, units: list[str], wish: Wish) -> int:
    argv = ["systemctl", verb, *units]
    if wish.json:
        output.emit_json({"would_run": argv})
    else:
        output.say(f"would run: {' '.join(argv)}")
    return 0


def _name(settings: Settings, unit: str) -> str:
    return next((model.name for model in settings.models.values() if model.unit == unit), unit)
