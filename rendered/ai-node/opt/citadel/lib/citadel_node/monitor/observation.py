"""What citadel-monitor knows of the host at one moment, and how it stands in metrics.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from citadel_node.exposition import Figures
from citadel_node.output import time_text

GIB = 2**30


@dataclass(frozen=True)
class ModelFacts:
    """None: not known, for example because the model is not probed."""

    active: bool | None
    up: bool | None
    probe: bool | None
    probe_sec: float | None
    #: Unix time of the last look at it; tells one probe from the next.
    looked_at: float | None


@dataclass(frozen=True)
class GpuFacts:
    utilization_percent: float | None = None
    memory_used_bytes: float | None = None
    memory_total_bytes: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    ecc_errors: float | None = None


@dataclass(frozen=True)
class MountFacts:
    mounted: bool
    size_bytes: float | None = None
    available_bytes: float | None = None

    @property
    def used_percent(self) -> float | None:
        if not self.size_bytes or self.available_bytes is None:
            return None
        return 100 * (1 - self.available_bytes / self.size_bytes)


@dataclass(frozen=True)
class Observation:
    #: Unix time.
    at: float
    #: Who measured: "exporter", or "monitor" when the exporter does not answer.
    source: str
    cpu_percent: float | None = None
    memory_percent: float | None = None
    load1: float | None = None
    boot_time: float | None = None
    gpu_query: bool | None = None
    gpus: Mapping[str, GpuFacts] = field(default_factory=dict)
    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    mounts: Mapping[str, MountFacts] = field(default_factory=dict)
    links: Mapping[str, bool] = field(default_factory=dict)
    services: Mapping[str, bool] = field(default_factory=dict)
    #: Collectors of the exporter whose last run failed or hangs.
    failing_collectors: tuple[str, ...] = ()


def observe(figures: Figures, at: float, source: str) -> Observation:
    def percent(name: str) -> float | None:
        ratio = figures.one(name)
        return None if ratio is None else 100 * ratio

    utilization = figures.by("citadel_gpu_utilization_ratio", "gpu")
    columns = {
        "memory_used_bytes": "citadel_gpu_memory_used_bytes",
        "memory_total_bytes": "citadel_gpu_memory_total_bytes",
        "temperature_celsius": "citadel_gpu_temperature_celsius",
        "power_watts": "citadel_gpu_power_draw_watts",
        "ecc_errors": "citadel_gpu_ecc_uncorrected_errors_total",
    }
    gpu_columns = {key: figures.by(name, "gpu") for key, name in columns.items()}
    gpus = {
        gpu: GpuFacts(
            utilization_percent=100 * utilization[gpu] if gpu in utilization else None,
            **{key: column.get(gpu) for key, column in gpu_columns.items()},
        )
        for gpu in sorted({*utilization, *(gpu for column in gpu_columns.values() for gpu in column)})
    }
    sizes = figures.by("citadel_storage_size_bytes", "mountpoint")
    available = figures.by("citadel_storage_available_bytes", "mountpoint")
    names = {*figures.by("citadel_model_up", "model"), *figures.by("citadel_model_service_active", "model")}
    return Observation(
        at=at,
        source=source,
        cpu_percent=percent("citadel_system_cpu_ratio"),
        memory_percent=percent("citadel_system_memory_used_ratio"),
        load1=figures.one("citadel_system_load1"),
        boot_time=figures.one("citadel_system_boot_time_seconds"),
        gpu_query=figures.flag("citadel_gpu_query_success"),
        gpus=gpus,
        models={
            name: ModelFacts(
                active=figures.flag("citadel_model_service_active", model=name),
                up=figures.flag("citadel_model_up", model=name),
                probe=figures.flag("citadel_model_probe_success", model=name),
                probe_sec=figures.one("citadel_model_probe_duration_seconds", model=name),
                looked_at=figures.one(
                    "citadel_collector_last_run_timestamp_seconds", collector=f"model/{name}"
                ),
            )
            for name in sorted(names)
        },
        mounts={
            mountpoint: MountFacts(mounted != 0, sizes.get(mountpoint), available.get(mountpoint))
            for mountpoint, mounted in figures.by("citadel_storage_mounted", "mountpoint").items()
        },
        links={path: ok != 0 for path, ok in figures.by("citadel_storage_link_ok", "path").items()},
        services={unit: active != 0 for unit, active in figures.by("citadel_service_active", "unit").items()},
        failing_collectors=tuple(
            name for name, ok in figures.by("citadel_collector_success", "collector").items() if not ok
        ),
    )


def unix(text: str) -> float:
    """The opposite of `output.time_text`. ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def entry(seen: Observation, alerts: Mapping[str, int]) -> dict[str, object]:
    """One object of metrics.json. Short on purpose: thousands of them are kept. Unknown figures are left out."""
    gpus = {
        name: _known(
            utilization_percent=_round(gpu.utilization_percent),
            memory_used_gib=_gib(gpu.memory_used_bytes),
            memory_total_gib=_gib(gpu.memory_total_bytes),
            temperature_celsius=_round(gpu.temperature_celsius),
            power_watts=_round(gpu.power_watts),
        )
        for name, gpu in seen.gpus.items()
    }
    models = {
        name: _known(
            active=model.active,
            up=model.up,
            probe=model.probe,
            probe_ms=None if model.probe_sec is None else round(1000 * model.probe_sec),
        )
        for name, model in seen.models.items()
    }
    storage = {
        path: _known(
            mounted=mount.mounted,
            used_percent=_round(mount.used_percent),
            size_gib=_gib(mount.size_bytes),
            available_gib=_gib(mount.available_bytes),
        )
        for path, mount in seen.mounts.items()
    }
    return {
        "time": time_text(seen.at),
        "source": seen.source,
        **_known(
            cpu_percent=_round(seen.cpu_percent),
            memory_percent=_round(seen.memory_percent),
            load1=_round(seen.load1),
            boot_time=None if seen.boot_time is None else time_text(seen.boot_time),
            gpu_query=seen.gpu_query,
        ),
        "gpus": gpus,
        "models": models,
        "storage": storage,
        "inactive_services": sorted(unit for unit, active in seen.services.items() if not active),
        "broken_links": sorted(path for path, ok in seen.links.items() if not ok),
        "alerts": dict(alerts),
    }


def _known(**values: object) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _gib(value: float | None) -> float | None:
    return None if value is None else round(value / GIB, 2)
