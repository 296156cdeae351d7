"""The units of Citadel on this host: from the settings where they can be read, and in any case from systemd itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from citadel_node import commands
from citadel_node import settings as settings_module
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

PATTERNS = ("citadel-*.service", "citadel-*.socket", "citadel-*.target", "citadel-*.timer", "citadel-*.path")
# What is on every node, should systemd not answer.
KNOWN = (
    "citadel-ai.target",
    "citadel-models.target",
    "citadel-storage.service",
    "citadel-gpu.service",
    "citadel-lan.service",
    "citadel-monitor.service",
    "citadel-metrics-exporter.service",
)
# The engine's own transactions: they must be able to end.
ENGINE = "citadel-iac-"


@dataclass(frozen=True)
class Found:
    """Unit names; `problem` says why they may be not all."""

    units: tuple[str, ...]
    problem: str = ""


def settings_or_none() -> Settings | None:
    """The settings, or None when they cannot be read: an emergency does not wait for them."""
    try:
        return settings_module.load()
    except (ProgramError, OSError, ValueError):
        return None


def citadel_units(timeout: float = 2.0) -> Found:
    """Every loaded or enabled unit of Citadel, less those of the engine."""
    named: set[str] = set(KNOWN)
    settings = settings_or_none()
    if settings is not None:
        units = settings.units
        named |= {units.all, units.models, units.storage, units.gpu, units.monitor, units.exporter}
        named |= {model.unit for model in settings.models.values()}
    problem = ""
    try:
        listed = _listed(timeout)
        known = {unit for unit in named if unit in listed}
        named = known | {unit for unit in listed if unit.startswith("citadel-")}
    except ProgramError as error:
        problem = error.what
    return Found(tuple(sorted(unit for unit in named if not unit.startswith(ENGINE))), problem)


def _listed(timeout: float) -> set[str]:
    argv = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", "--", *PATTERNS]
    done = commands.run(argv, timeout)
    if not done.ok:
        raise ProgramError(f"systemd does not answer: {done.words}")
    return {line.split()[0] for line in done.out.splitlines() if line.split()}


def states(units: Sequence[str], timeout: float = 2.0) -> dict[str, str]:
    """ActiveState of each unit, as systemd says it; empty when it does not answer."""
    if not units:
        return {}
    argv = ["systemctl", "show", "--property=Id,ActiveState", "--", *units]
    try:
        done = commands.run(argv, timeout)
    except ProgramError:
        return {}
    blocks = [block for block in done.out.strip().split("\n\n") if block.strip()]
    if len(blocks) != len(units):
        return {}
    found = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return {unit: one.get("ActiveState", "unknown") for unit, one in zip(units, found, strict=True)}
