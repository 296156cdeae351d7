"""What is measured: one collector for each thing that can hang by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from citadel_node import gpus, models, mounts, systemd
from citadel_node.exporter.catalogue import Sample
from citadel_node.exporter.runner import Collector, Result
from citadel_node.exporter.system import SystemCollector
from citadel_node.files import read_json
from citadel_node.gpus import GpuError, GpuState
from citadel_node.program import ProgramError
from citadel_node.settings import Model, Settings

#: Where citadel-monitor keeps what it did, below PATHS["state"].
MONITOR_STATE = "monitor.json"

SYSTEM_INTERVAL_SEC = 5.0
STORAGE_INTERVAL_SEC = 15.0
SERVICES_INTERVAL_SEC = 10.0
GPU_INTERVAL_SEC = 10.0
GPU_TIMEOUT_SEC = 8.0
HEALTH_TIMEOUT_SEC = 5.0
#: Most for one token; shorter where models are probed more often than every thirty seconds.
PROBE_TIMEOUT_SEC = 20.0


def probe_timeout(interval_sec: float) -> float:
    """Seconds for a model to produce its token: two thirds of the interval, 1 to 20."""
    return max(1.0, min(PROBE_TIMEOUT_SEC, interval_sec * 2 / 3))


def collectors(settings: Settings) -> list[Collector]:
    """All collectors of this node. The name of a model's collector is `model/<model>`."""
    found = [
        Collector("system", "system", SystemCollector(), SYSTEM_INTERVAL_SEC, 5.0),
        Collector("gpu", "gpu", collect_gpus, GPU_INTERVAL_SEC, GPU_TIMEOUT_SEC + 2, _no_gpus),
        Collector("storage", "storage", lambda: collect_storage(settings), STORAGE_INTERVAL_SEC, 10.0),
        Collector("services", "services", lambda: collect_services(settings), SERVICES_INTERVAL_SEC, 15.0),
        Collector("restarts", "models", lambda: collect_restarts(settings), SERVICES_INTERVAL_SEC, 5.0),
    ]
    interval = settings.exporter.probe_interval_sec
    timeout = probe_timeout(interval)
    deadline = HEALTH_TIMEOUT_SEC + timeout + 2
    for model in settings.models.values():
        look = ModelCollector(model, timeout)
        found.append(Collector(f"model/{model.name}", "models", look, interval, deadline, look.nothing))
    return found


def collect_gpus(query: Callable[[float], Sequence[GpuState]] = gpus.query) -> Result:
    """A GPU figure that nvidia-smi does not tell is left out."""
    try:
        states = query(GPU_TIMEOUT_SEC)
    except GpuError as error:
        return Result(_no_gpus(), str(error))
    samples = [Sample("citadel_gpu_query_success", 1.0)]
    for state in states:
        figures = {
            "citadel_gpu_utilization_ratio": state.utilization,
            "citadel_gpu_memory_used_bytes": state.memory_used,
            "citadel_gpu_memory_total_bytes": state.memory_total,
            "citadel_gpu_temperature_celsius": state.temperature,
            "citadel_gpu_power_draw_watts": state.power_draw,
            "citadel_gpu_power_limit_watts": state.power_limit,
            "citadel_gpu_ecc_uncorrected_errors_total": state.ecc_uncorrected,
        }
        samples += [
            Sample(name, float(value), (str(state.index),))
            for name, value in figures.items()
            if value is not None
        ]
    return Result(samples)


def _no_gpus() -> list[Sample]:
    return [Sample("citadel_gpu_query_success", 0.0)]


def collect_storage(settings: Settings) -> Result:
    """Expected mounts, the root file system and our links. What is not mounted has no size: the one below it would lie."""
    samples: list[Sample] = []
    problems: list[str] = []
    mounted = mounts.table()
    for path in dict.fromkeys([Path("/"), *(mount.path for mount in settings.mounts)]):
        labels = (str(path),)
        samples.append(Sample("citadel_storage_mounted", float(path in mounted), labels))
        if path not in mounted:
            continue
        try:
            usage = mounts.usage(path)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
            continue
        samples.append(Sample("citadel_storage_size_bytes", float(usage.size), labels))
        samples.append(Sample("citadel_storage_available_bytes", float(usage.available), labels))
    for link in settings.links:
        try:
            ok = os.readlink(link.path) == link.target and link.path.exists()
        except OSError:
            ok = False
        samples.append(Sample("citadel_storage_link_ok", float(ok), (str(link.path),)))
    return Result(samples, "; ".join(problems) or None)


def collect_services(settings: Settings) -> Result:
    units = list(dict.fromkeys(vars(settings.units).values()))
    by_unit = {model.unit: model.name for model in settings.models.values()}
    try:
        states = systemd.show([*units, *by_unit], 10.0)
    except ProgramError as error:
        return Result([], str(error))
    samples = [
        Sample("citadel_service_active", float(state.is_active), (unit,)) for unit, state in states.items()
    ]
    samples += [
        Sample("citadel_model_service_active", float(states[unit].is_active), (name,))
        for unit, name in by_unit.items()
    ]
    return Result(samples)


def collect_restarts(settings: Settings) -> Result:
    """Counts of citadel-monitor; zero where it never restarted a model."""
    try:
        state = read_json(settings.paths.state / MONITOR_STATE)
    except (ProgramError, OSError) as error:
        return Result([], str(error))
    counted = state.get("models") if isinstance(state, dict) else None
    samples = []
    for name in settings.models:
        each = counted.get(name) if isinstance(counted, dict) else None
        total = each.get("total") if isinstance(each, dict) else 0
        samples.append(
            Sample(
                "citadel_monitor_model_restarts_total",
                float(total) if isinstance(total, int) else 0.0,
                (name,),
            )
        )
    return Result(samples)


class ModelCollector:
    """Asks one model whether it answers and, unless it is not to be probed, for one token."""

    def __init__(
        self,
        model: Model,
        timeout_sec: float = PROBE_TIMEOUT_SEC,
        *,
        health: Callable[[Model, float], models.Answer] = models.health,
        probe: Callable[[Model, float], models.Answer] = models.probe,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._timeout = timeout_sec
        self._health = health
        self._probe = probe
        self._wall = wall
        self._last_success: float | None = None

    def __call__(self) -> Result:
        up = self._health(self._model, HEALTH_TIMEOUT_SEC)
        samples = [self._sample("up", float(up.ok))]
        if self._model.probe != "none":
            # What does not even answer is not asked for a token.
            answer = self._probe(self._model, self._timeout) if up.ok else up
            if answer.ok:
                self._last_success = self._wall()
            samples.append(self._sample("probe_success", float(answer.ok)))
            if up.ok:
                samples.append(self._sample("probe_duration_seconds", answer.seconds))
        return Result([*samples, *self._remembered()])

    def nothing(self) -> Sequence[Sample]:
        """When a run is overdue, the model certainly did not answer in time."""
        failed = [] if self._model.probe == "none" else [self._sample("probe_success", 0.0)]
        return [*failed, *self._remembered()]

    def _remembered(self) -> list[Sample]:
        if self._last_success is None:
            return []
        return [self._sample("probe_last_success_timestamp_seconds", self._last_success)]

    def _sample(self, name: str, value: float) -> Sample:
        return Sample(f"citadel_model_{name}", value, (self._model.name,))
