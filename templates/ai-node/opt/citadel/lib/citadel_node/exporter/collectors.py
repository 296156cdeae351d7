"""What is measured: one collector for each thing that can hang by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from citadel_node import gpus, models, mounts, systemd, xids
from citadel_node.exporter.catalogue import Sample
from citadel_node.exporter.runner import Collector, Result
from citadel_node.exporter.system import SystemCollector
from citadel_node.fetch import FetchError
from citadel_node.files import read_json
from citadel_node.gpus import GpuError, GpuState
from citadel_node.program import ProgramError
from citadel_node.rollback.processes import orphans
from citadel_node.settings import Model, Settings

#: Where citadel-monitor keeps what it did, below PATHS["state"].
MONITOR_STATE = "monitor.json"

SYSTEM_INTERVAL_SEC = 5.0
STORAGE_INTERVAL_SEC = 15.0
SERVICES_INTERVAL_SEC = 10.0
GPU_INTERVAL_SEC = 10.0
XIDS_INTERVAL_SEC = 30.0
GPU_TIMEOUT_SEC = 8.0
HEALTH_TIMEOUT_SEC = 5.0
#: Most for one token; shorter where models are probed more often than every thirty seconds.
PROBE_TIMEOUT_SEC = 20.0
#: Bounds of vLLM's histogram of the time to the first token, as its label `le` has them: what an objective can stand at.
FIRST_TOKEN_BOUNDS = ("0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0", "7.5", "10.0", "20.0", "40.0")


def probe_timeout(interval_sec: float) -> float:
    """Seconds for a model to produce its token: two thirds of the interval, 1 to 20."""
    return max(1.0, min(PROBE_TIMEOUT_SEC, interval_sec * 2 / 3))


def collectors(settings: Settings) -> list[Collector]:
    """All collectors of this node. The name of a model's collector is `model/<model>`."""
    found = [
        Collector("system", "system", SystemCollector(), SYSTEM_INTERVAL_SEC, 5.0),
        Collector("gpu", "gpu", GpuCollector(), GPU_INTERVAL_SEC, GPU_TIMEOUT_SEC + 2, _no_gpus),
        Collector("xids", "gpu", collect_xids, XIDS_INTERVAL_SEC, 10.0),
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


class GpuCollector:
    """Asks nvidia-smi. One that hangs in the kernel cannot be killed, so no second one is started next to it."""

    def __init__(
        self,
        query: Callable[[float], Sequence[GpuState]] = gpus.query,
        stuck: Callable[[str], list[int]] = lambda name: children(name),
    ) -> None:
        self._query = query
        self._stuck = stuck
        self._failed = False

    def __call__(self) -> Result:
        if self._failed and (pids := self._stuck("nvidia-smi")):
            return Result(
                _no_gpus(), f"nvidia-smi (process {pids[0]}) hangs in the kernel, even after it was killed"
            )
        try:
            states = self._query(GPU_TIMEOUT_SEC)
        except GpuError as error:
            self._failed = True
            return Result(_no_gpus(), str(error))
        self._failed = False
        return Result(
            [
                Sample("citadel_gpu_query_success", 1.0),
                *(each for state in states for each in _gpu_samples(state)),
            ]
        )


def _gpu_samples(state: GpuState) -> list[Sample]:
    """A figure that nvidia-smi does not tell is left out."""
    figures = {
        "citadel_gpu_utilization_ratio": state.utilization,
        "citadel_gpu_memory_used_bytes": state.memory_used,
        "citadel_gpu_memory_total_bytes": state.memory_total,
        "citadel_gpu_temperature_celsius": state.temperature,
        "citadel_gpu_power_draw_watts": state.power_draw,
        "citadel_gpu_power_limit_watts": state.power_limit,
        "citadel_gpu_ecc_uncorrected_errors_total": state.ecc_uncorrected,
        "citadel_gpu_memory_temperature_celsius": state.memory_temperature,
        "citadel_gpu_remap_pending": state.remap_pending,
        "citadel_gpu_remap_failed": state.remap_failed,
        "citadel_gpu_pcie_link_width": state.pcie_width,
        "citadel_gpu_pcie_link_width_max": state.pcie_width_max,
    }
    labels = (str(state.index),)
    samples = [Sample(name, float(value), labels) for name, value in figures.items() if value is not None]
    if state.throttled_by is not None:
        samples += [
            Sample("citadel_gpu_throttled", float(reason in state.throttled_by), (*labels, reason))
            for reason in gpus.THROTTLES
        ]
    return samples


def collect_xids() -> Result:
    """Errors that the driver reported. Often the last that is heard of a GPU: nvidia-smi may not answer any more."""
    try:
        found = xids.recent()
    except ProgramError as error:
        return Result([], str(error))
    return Result(
        [
            Sample("citadel_gpu_xid_timestamp_seconds", when, (pci, str(xid)))
            for (pci, xid), when in sorted(found.items())
        ]
    )


def children(name: str, proc: Path = Path("/proc")) -> list[int]:
    """Children of this process that are called so and have not ended."""
    found = []
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text(errors="replace")
        except OSError:
            continue
        # The name stands in brackets and may have brackets and spaces itself.
        command, _, rest = text.partition("(")[2].rpartition(")")
        words = rest.split()
        if command == name and len(words) > 1 and words[1] == str(os.getpid()) and words[0] not in ("Z", "X"):
            found.append(int(entry.name))
    return sorted(found)


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
    samples.append(Sample("citadel_orphaned_engines", float(len(orphans(by_unit)))))
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
        # What the model's own counters count of these probes, to be taken off what people ask.
        self._answered = 0
        self._server_errors = 0
        self._within = dict.fromkeys(FIRST_TOKEN_BOUNDS, 0)

    def __call__(self) -> Result:
        up = self._health(self._model, HEALTH_TIMEOUT_SEC)
        samples = [self._sample("up", float(up.ok))]
        if self._model.probe != "none":
            # What does not even answer is not asked for a token.
            answer = self._probe(self._model, self._timeout) if up.ok else up
            if up.ok:
                self._count(answer)
            if up.ok and (refused := self._refused(answer)) is not None:
                return Result([*samples, *self._remembered()], refused)
            if answer.ok:
                self._last_success = self._wall()
            samples.append(self._sample("probe_success", float(answer.ok)))
            if up.ok:
                samples.append(self._sample("probe_duration_seconds", answer.seconds))
        return Result([*samples, *self._remembered()])

    def _refused(self, answer: models.Answer) -> str | None:
        """Why the question cannot be asked. Says nothing about the model: no one restarts it for a key that is wrong."""
        try:
            models.authorization(self._model)
        except FetchError as error:
            return str(error)
        return answer.detail if answer.status is not None and 400 <= answer.status < 500 else None

    def nothing(self) -> Sequence[Sample]:
        """When a run is overdue, the model certainly did not answer in time."""
        failed = [] if self._model.probe == "none" else [self._sample("probe_success", 0.0)]
        return [*failed, *self._remembered()]

    def _count(self, answer: models.Answer) -> None:
        if answer.ok:
            self._answered += 1
            for bound in FIRST_TOKEN_BOUNDS:
                self._within[bound] += answer.seconds <= float(bound)
        elif answer.status is not None and answer.status >= 500:
            self._server_errors += 1

    def _remembered(self) -> list[Sample]:
        if self._model.probe == "none":
            return []
        samples = [
            self._sample("probes_total", self._answered),
            self._sample("probe_server_errors_total", self._server_errors),
            *(
                Sample("citadel_model_probes_within_total", float(count), (self._model.name, bound))
                for bound, count in self._within.items()
            ),
        ]
        if self._last_success is not None:
            samples.append(self._sample("probe_last_success_timestamp_seconds", self._last_success))
        return samples

    def _sample(self, name: str, value: float) -> Sample:
        return Sample(f"citadel_model_{name}", value, (self._model.name,))
