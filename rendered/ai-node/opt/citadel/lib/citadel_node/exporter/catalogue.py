"""The metrics of the exporter: name, kind, page and words. A sample of any other name is a mistake in the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAGES = ("system", "gpu", "models", "storage", "services")


@dataclass(frozen=True)
class Sample:
    name: str
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    #: One of PAGES, or "" for what every page shows of its own collectors.
    page: str
    help: str
    labels: tuple[str, ...] = ()


CATALOGUE: Mapping[str, Entry] = {
    "citadel_system_cpu_ratio": Entry(
        "system", "Share of processor time in use since the last look, 0 to 1."
    ),
    "citadel_system_memory_used_ratio": Entry("system", "Share of memory that is not available, 0 to 1."),
    "citadel_system_load1": Entry("system", "Load average of one minute."),
    "citadel_system_boot_time_seconds": Entry("system", "When the host booted, Unix time."),
    "citadel_gpu_query_success": Entry("gpu", "Whether nvidia-smi answered in time, 1 or 0."),
    "citadel_gpu_utilization_ratio": Entry("gpu", "Share of time in which a kernel ran, 0 to 1.", ("gpu",)),
    "citadel_gpu_memory_used_bytes": Entry("gpu", "GPU memory in use.", ("gpu",)),
    "citadel_gpu_memory_total_bytes": Entry("gpu", "GPU memory.", ("gpu",)),
    "citadel_gpu_temperature_celsius": Entry("gpu", "Temperature of the GPU.", ("gpu",)),
    "citadel_gpu_power_draw_watts": Entry("gpu", "Power that the GPU draws.", ("gpu",)),
    "citadel_gpu_power_limit_watts": Entry("gpu", "Power limit in force.", ("gpu",)),
    "citadel_gpu_ecc_uncorrected_errors_total": Entry(
        "gpu", "Uncorrected memory errors since the driver was loaded.", ("gpu",)
    ),
    "citadel_gpu_memory_temperature_celsius": Entry("gpu", "Temperature of the GPU's memory.", ("gpu",)),
    "citadel_gpu_remap_pending": Entry(
        "gpu", "Whether rows of memory are mapped out at the next reset, 1 or 0.", ("gpu",)
    ),
    "citadel_gpu_remap_failed": Entry(
        "gpu", "Whether a row of memory could not be mapped out, 1 or 0.", ("gpu",)
    ),
    "citadel_gpu_pcie_link_width": Entry("gpu", "Lanes of the PCIe link in use.", ("gpu",)),
    "citadel_gpu_pcie_link_width_max": Entry("gpu", "Lanes that GPU and slot allow.", ("gpu",)),
    "citadel_gpu_throttled": Entry(
        "gpu", "Whether this reason slows the GPU down now, 1 or 0.", ("gpu", "reason")
    ),
    "citadel_gpu_xid_timestamp_seconds": Entry(
        "gpu", "When the driver last reported this error, within the last hour, Unix time.", ("pci", "xid")
    ),
    "citadel_model_up": Entry("models", "Whether /health of the model answers with 200, 1 or 0.", ("model",)),
    "citadel_model_service_active": Entry(
        "models", "Whether the unit of the model is active, 1 or 0.", ("model",)
    ),
    "citadel_model_probe_success": Entry(
        "models", "Whether the model produced one token in time, 1 or 0.", ("model",)
    ),
    "citadel_model_probe_duration_seconds": Entry(
        "models", "How long the last probe took, failed or not.", ("model",)
    ),
    "citadel_model_probe_last_success_timestamp_seconds": Entry(
        "models", "When the model last produced a token for the probe, Unix time.", ("model",)
    ),
    "citadel_model_probes_total": Entry(
        "models",
        "Probes that the model answered with a token: its own counters count them as well.",
        ("model",),
    ),
    "citadel_model_probe_server_errors_total": Entry(
        "models", "Probes that the model answered with a server's error.", ("model",)
    ),
    "citadel_model_probes_within_total": Entry(
        "models", "Probes that the model answered with a token within so many seconds.", ("model", "seconds")
    ),
    "citadel_monitor_model_restarts_total": Entry(
        "models", "Restarts of the model by citadel-monitor because it was up but dead.", ("model",)
    ),
    "citadel_storage_mounted": Entry(
        "storage", "Whether something is mounted there, 1 or 0.", ("mountpoint",)
    ),
    "citadel_storage_size_bytes": Entry("storage", "Size of the file system.", ("mountpoint",)),
    "citadel_storage_available_bytes": Entry(
        "storage", "Space for programs that are not root.", ("mountpoint",)
    ),
    "citadel_storage_link_ok": Entry(
        "storage", "Whether the link is there, as configured, and leads somewhere, 1 or 0.", ("path",)
    ),
    "citadel_service_active": Entry("services", "Whether the unit is active, 1 or 0.", ("unit",)),
    "citadel_orphaned_engines": Entry(
        "services", "Processes of engines that no model's unit holds: started by hand, or left over."
    ),
    "citadel_collector_success": Entry(
        "", "Whether the collector's last run ended well, in time, 1 or 0.", ("collector",)
    ),
    "citadel_collector_duration_seconds": Entry(
        "", "How long the collector's last run took.", ("collector",)
    ),
    "citadel_collector_last_run_timestamp_seconds": Entry(
        "", "When the collector's last run ended, Unix time.", ("collector",)
    ),
    "citadel_collector_age_seconds": Entry(
        "", "Age of the collector's figures at this scrape.", ("collector",)
    ),
}
