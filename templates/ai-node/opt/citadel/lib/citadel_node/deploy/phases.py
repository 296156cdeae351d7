"""The phases in their order, what each starts, and when it counts as well."""

from __future__ import annotations

import time
from dataclasses import dataclass

from citadel_node import models as servers
from citadel_node import systemd
from citadel_node.checks import FAILED, OK, Check, failures, well
from citadel_node.control.progress import Progress
from citadel_node.control.waiting import wait_until_ready, waits_for
from citadel_node.health import hardware, node, services
from citadel_node.program import ProgramError
from citadel_node.settings import Model, Settings
from citadel_node.storage import disks, links

# The first tokens of a model may take long: kernels are compiled, caches are cold.
_PROBE_SEC = 120.0
_SETTLE_SEC = 20.0
_PROBED = {"completion": "a token", "embedding": "an embedding", "none": "an answer"}


@dataclass(frozen=True)
class Phase:
    """`level`: phases of lower levels must be well before this one is begun."""

    name: str
    level: int
    what: str
    units: tuple[str, ...]
    model: Model | None = None


def phases(settings: Settings) -> list[Phase]:
    """storage, gpu, the first model, the other models that start at boot, monitoring."""
    units = settings.units
    found = [Phase("storage", 0, "disks, directories, links", (units.storage,))]
    if settings.gpus:
        found.append(Phase("gpu", 1, "GPUs and their settings", (units.gpu,)))
    boot = settings.boot_models()
    first = settings.models.get(settings.first_model) if settings.first_model else None
    ordered = [*([first] if first else []), *(model for model in boot if model is not first)]
    for at, model in enumerate(ordered):
        what = f"port {model.port}, GPU {','.join(map(str, model.gpus))}"
        found.append(Phase(model.name, 2 if at == 0 else 3, what, (model.unit,), model))
    watch = (units.monitor, units.exporter, units.node_exporter)
    found.append(Phase("monitoring", 4, "monitor, exporter, node exporter", watch))
    return found


def look(settings: Settings, phase: Phase, probe: bool = True) -> list[Check]:
    """The checks that a phase is gated on; with `probe`, a model must make a token."""
    if phase.name == "monitoring":
        return node.area_checks(settings, "monitoring")
    try:
        if phase.model is not None:
            return _model_checks(phase.model, probe)
        unit = [_active(phase.name, phase.units[0])]
        if phase.name == "gpu":
            return [*hardware.gpu_checks(settings), *unit]
        return [*disks.mount_checks(settings), *links.check_all(settings), *unit]
    except (ProgramError, OSError) as error:
        return [Check("deployment", phase.name, FAILED, str(error))]


def carry_out(settings: Settings, phase: Phase, progress: Progress) -> bool:
    """Brings a phase up and returns whether anything had to be done. Raises ProgramError where it does not become well."""
    before = look(settings, phase)
    if well(before):
        return False
    if phase.name == "storage":
        _mend_links(settings)
    states = systemd.show(phase.units)
    absent = [unit for unit, state in states.items() if not state.exists]
    if absent:
        raise ProgramError(
            f"{absent[0]} is {states[absent[0]].words}", "Apply the inventory again (citadel-iac apply)."
        )
    systemd.prepare(states)
    idle = [unit for unit, state in states.items() if not state.is_active]
    # What runs and is not well is not fixed by starting it.
    if idle:
        systemd.start(idle, 60, block=False)
    elif phase.name != "storage":
        systemd.restart(phase.units, 60, block=False)
    result = wait_until_ready(waits_for(phase.units, [phase.model] if phase.model else []), progress)
    if result.failed:
        wait = result.failed[0]
        log = systemd.last_lines(wait.unit, 2, own=True)
        said = f"; it said: {' | '.join(log)}" if log else ""
        raise ProgramError(
            f"{wait.name}: {wait.reason}{said}", f"citadel logs {phase.name}" if phase.model else ""
        )
    _settle(settings, phase)
    return True


def _settle(settings: Settings, phase: Phase) -> None:
    """A service that has just started may need a moment until all its pages answer."""
    until = time.monotonic() + _SETTLE_SEC
    while True:
        found = look(settings, phase)
        if well(found):
            return
        if phase.name != "monitoring" or time.monotonic() >= until:
            worst = failures(found)
            raise ProgramError(
                "; ".join(f"{check.name} {check.detail}" for check in worst[:3]),
                next((check.fix for check in worst if check.fix), ""),
            )
        time.sleep(1)


def _model_checks(model: Model, probe: bool) -> list[Check]:
    check = services.model_check(model, systemd.show_one(model.unit))
    if check.state != OK:
        # In a deployment, a model that starts by hand is required like any other.
        return [Check(check.area, check.name, FAILED, check.detail, check.fix)]
    if not probe:
        return [check]
    answer = servers.probe(model, _PROBE_SEC)
    fix = f"citadel logs {model.name}; citadel restart {model.name}"
    state, detail = (
        (OK, f"made {_PROBED[model.probe]} in {answer.seconds:.2f} s")
        if answer.ok
        else (FAILED, f"makes no token: {answer.detail}")
    )
    return [check, Check("models", f"{model.name} token", state, detail, fix)]


def _active(name: str, unit: str) -> Check:
    state = systemd.show_one(unit)
    return Check(
        "services",
        name,
        OK if state.is_active else FAILED,
        f"{unit} is {state.words}",
        f"citadel start {name}",
    )


def _mend_links(settings: Settings) -> None:
    for link in settings.links:
        if links.inspect(settings, link).repairable:
            links.repair(link)
