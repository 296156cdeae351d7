"""The GPUs: all there, cool, without errors, set as they should be."""

from __future__ import annotations

from citadel_node import gpus
from citadel_node.checks import FAILED, OK, WARNING, Check
from citadel_node.gpus import GpuState
from citadel_node.output import size_text
from citadel_node.settings import Gpu, Settings

AREA = "gpus"
_GIB = 1024**3
_KERNEL = "journalctl -k | grep -iE 'nvrm|xid'; nvidia-smi -q"


def gpu_checks(settings: Settings) -> list[Check]:
    if not settings.gpus:
        return []
    try:
        seen = {state.index: state for state in gpus.query(5)}
    except gpus.GpuError as error:
        return [Check(AREA, "nvidia-smi", FAILED, error.what, error.fix)]
    checks = []
    for gpu in settings.gpus:
        state = seen.get(gpu.index)
        name = f"GPU {gpu.index}"
        if state is None:
            detail = f"is not there; {len(seen)} of {len(settings.gpus)} are"
            checks.append(Check(AREA, name, FAILED, detail, f"lspci | grep -i nvidia; {_KERNEL}"))
        else:
            checks.append(_check(settings, name, gpu, state))
    return checks


def _check(settings: Settings, name: str, gpu: Gpu, state: GpuState) -> Check:
    limits = settings.thresholds.gpu_temperature_celsius
    level = "ok" if state.temperature is None else limits.level(state.temperature)
    used, total = state.memory_used, state.memory_total
    memory = "memory unknown" if used is None or total is None else f"{size_text(used)} of {size_text(total)}"
    warm = "" if state.temperature is None else f", {state.temperature:.0f} °C"
    power = "" if state.power_draw is None else f", {state.power_draw:.0f} W"
    detail = f"{state.name}, {memory}{warm}{power}"
    if level != "ok":
        fix = "Look at the fans and at the room; nvidia-smi -q -d TEMPERATURE,PERFORMANCE"
        return Check(AREA, name, FAILED if level == "critical" else WARNING, f"{detail}: too hot", fix)
    if state.ecc_uncorrected:
        detail = f"{detail}: {state.ecc_uncorrected} memory errors that could not be corrected"
        return Check(
            AREA, name, WARNING, detail, f"{_KERNEL}; a reboot sets the count back, a sick GPU counts on"
        )
    if total is not None and total < 0.9 * gpu.memory_gib * _GIB:
        fix = "Is it the right GPU? Models were planned for the memory that the inventory says."
        return Check(AREA, name, WARNING, f"{detail}, where {gpu.memory_gib:g} GiB were expected", fix)
    wanted = gpu.power_limit_watts
    if wanted is not None and state.power_limit is not None and abs(state.power_limit - wanted) > 1:
        fix = "citadel restart gpu"
        return Check(
            AREA, name, WARNING, f"{detail}; its limit is {state.power_limit:g} W and not {wanted:g} W", fix
        )
    return Check(AREA, name, OK, detail)
