"""`citadel status` and `citadel models`: what runs, since when, and what it takes."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from citadel_node import gpus, output, systemd
from citadel_node import models as servers
from citadel_node.output import duration_text, paint, size_text
from citadel_node.program import ProgramError
from citadel_node.rollback.processes import orphans, processes, unit_of
from citadel_node.settings import Model, Settings
from citadel_node.systemd import UnitState

_COLOURS = {"ready": "green", "loading": "yellow", "stopped": "dim", "active": "green", "inactive": "dim"}


@dataclass(frozen=True)
class ModelRow:
    """`state`: ready, loading, unwell (active, but /health does not answer), stopped, failed, missing."""

    model: str
    port: int
    start: str
    state: str
    gpus: tuple[int, ...]
    gpu_memory: int | None
    since: float | None
    restarts: int
    unit: str


def model_rows(settings: Settings) -> tuple[list[ModelRow], str]:
    """All models, in their order, and why GPU memory is unknown (empty where it is known)."""
    models = list(settings.models.values())
    with ThreadPoolExecutor(max_workers=max(2, len(models) + 1)) as pool:
        memory = pool.submit(_memory_by_unit, models)
        states = systemd.show([model.unit for model in models])
        running = [model for model in models if states[model.unit].is_active]
        answers = dict(zip((model.name for model in running), pool.map(servers.health, running), strict=True))
        used, trouble = memory.result()
    rows = []
    for model in models:
        state = states[model.unit]
        answer = answers.get(model.name)
        rows.append(
            ModelRow(
                model=model.name,
                port=model.port,
                start=model.start,
                state=_model_state(state, answer is not None and answer.ok),
                gpus=model.gpus,
                gpu_memory=used.get(model.unit, 0) if state.is_active and not trouble else None,
                since=state.active_since if state.is_active else None,
                restarts=state.restarts,
                unit=model.unit,
            )
        )
    return rows, trouble


def _model_state(state: UnitState, healthy: bool) -> str:
    if not state.exists:
        return "missing"
    if state.is_active:
        return "ready" if healthy else "unwell"
    return {"activating": "loading", "failed": "failed", "deactivating": "stopping"}.get(
        state.active, "stopped"
    )


def _memory_by_unit(models: list[Model]) -> tuple[dict[str, int], str]:
    """GPU memory in bytes by unit: each process counts for the unit whose control group it is in."""
    try:
        holders = gpus.processes(5)
    except ProgramError as error:
        return {}, error.what
    units = {model.unit for model in models}
    found: dict[str, int] = {}
    for process in holders:
        unit = unit_of(process.pid)
        if unit in units and process.memory_used is not None:
            found[unit] = found.get(unit, 0) + process.memory_used
    return found, ""


@dataclass(frozen=True)
class Orphan:
    """A process of an engine, or one that holds a GPU, which no unit of a model holds."""

    pid: int
    what: str
    gpu_memory: int | None


def orphan_rows(settings: Settings) -> list[Orphan]:
    """By process number. Who holds a GPU is known only while the driver answers; engines are known without it."""
    units = {model.unit for model in settings.models.values()}
    known = processes()
    found: dict[int, Orphan] = {one.pid: Orphan(one.pid, one.text[:80], None) for one in orphans(units)}
    with contextlib.suppress(ProgramError):
        for holder in gpus.processes(5):
            if holder.pid not in known or unit_of(holder.pid) in units:
                continue
            before = found.get(holder.pid)
            memory = (before.gpu_memory or 0 if before else 0) + (holder.memory_used or 0)
            found[holder.pid] = Orphan(holder.pid, known[holder.pid].text[:80], memory)
    return [found[pid] for pid in sorted(found)]


def show_models(settings: Settings, json: bool) -> int:
    rows, trouble = model_rows(settings)
    if json:
        output.emit_json({"models": rows, "gpu_problem": trouble or None})
        return 0
    now = time.time()
    lines = [
        [
            row.model,
            str(row.port),
            paint(row.state, _COLOURS.get(row.state, "red")),
            ",".join(map(str, row.gpus)),
            "?"
            if row.gpu_memory is None and row.state in ("ready", "unwell")
            else size_text(row.gpu_memory or 0),
            "" if row.since is None else duration_text(now - row.since),
            str(row.restarts),
            row.start,
        ]
        for row in rows
    ]
    headers = ["MODEL", "PORT", "STATE", "GPU", "GPU MEMORY", "SINCE", "RESTARTS", "START"]
    output.say(output.table(headers, lines, right=[1, 4, 5, 6]))
    if trouble:
        output.warn(f"GPU memory is not known: {trouble}")
    return 0


def show_status(settings: Settings, json: bool) -> int:
    """The units that are not models, then the models."""
    units = settings.units
    names = [
        units.all,
        units.models,
        units.storage,
        units.gpu,
        units.monitor,
        units.exporter,
        units.node_exporter,
    ]
    states = systemd.show(names)
    if json:
        rows, trouble = model_rows(settings)
        output.emit_json(
            {
                "units": list(states.values()),
                "models": rows,
                "gpu_problem": trouble or None,
                "orphans": orphan_rows(settings),
            }
        )
        return 0
    now = time.time()
    lines = []
    for state in states.values():
        colour = "red" if state.is_failed or not state.exists else _COLOURS.get(state.active, "yellow")
        since = duration_text(now - state.active_since) if state.is_active and state.active_since else ""
        lines.append([state.unit, paint(state.words, colour), since, state.description])
    output.say(output.table(["UNIT", "STATE", "SINCE", "WHAT"], lines, right=[2]))
    output.say()
    show_models(settings, json=False)
    for orphan in orphan_rows(settings):
        memory = "" if orphan.gpu_memory is None else f", {size_text(orphan.gpu_memory)} of GPU memory"
        output.warn(
            f"process {orphan.pid} is held by no model's unit{memory}: {orphan.what} (sudo kill -KILL {orphan.pid})"
        )
    return 0
