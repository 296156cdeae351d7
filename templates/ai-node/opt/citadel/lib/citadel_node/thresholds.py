"""The levels at which the node's programs warn, and at which they say that it is critical: THRESHOLDS of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from citadel_node.literals import Literal

__all__ = ["Threshold", "Thresholds", "read_thresholds"]


@dataclass(frozen=True)
class Threshold:
    warning: float
    critical: float

    def level(self, value: float) -> str:
        """'critical', 'warning' or 'ok'."""
        return "critical" if value >= self.critical else "warning" if value >= self.warning else "ok"


@dataclass(frozen=True)
class Thresholds:
    """The levels that Prometheus alerts at as well; percentages from 0 to 100."""

    cpu_percent: Threshold
    memory_percent: Threshold
    disk_percent: Threshold
    gpu_temperature_celsius: Threshold
    #: Used share of a disk's life; only a warning.
    smart_used_percent: float


def read_thresholds(entry: Literal) -> Thresholds:
    """The part THRESHOLDS of the settings. Raises SettingsError with file, line and key."""
    return Thresholds(
        cpu_percent=_threshold(entry["cpu_percent"]),
        memory_percent=_threshold(entry["memory_percent"]),
        disk_percent=_threshold(entry["disk_percent"]),
        gpu_temperature_celsius=_threshold(entry["gpu_temperature_celsius"]),
        smart_used_percent=entry["smart_used_percent"].number(),
    )


def _threshold(entry: Literal) -> Threshold:
    limits = Threshold(entry["warning"].number(), entry["critical"].number())
    if limits.warning > limits.critical:
        raise entry.wrong(f"warns at {limits.warning:g}, after it is critical at {limits.critical:g}")
    return limits
