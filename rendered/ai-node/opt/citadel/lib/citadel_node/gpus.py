"""GPUs, as nvidia-smi sees them; never longer than its time limit."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from citadel_node import commands
from citadel_node.program import ProgramError

MIB = 1024 * 1024
_FIX = "Look: nvidia-smi; journalctl -k | grep -i nvrm"


class GpuError(ProgramError):
    """nvidia-smi is missing, does not answer in time, fails, or says what no one understands."""


@dataclass(frozen=True)
class GpuState:
    """One GPU. Memory in bytes, utilization 0–1, power in watts, degrees Celsius; None is what it does not tell."""

    index: int
    uuid: str
    name: str
    utilization: float | None
    memory_used: int | None
    memory_total: int | None
    temperature: float | None
    power_draw: float | None
    power_limit: float | None
    ecc_uncorrected: int | None
    persistence: bool | None
    memory_temperature: float | None = None
    #: Reasons in THROTTLES that slow it down now; None where it does not say.
    throttled_by: frozenset[str] | None = None
    #: Rows of memory that are mapped out at the next reset, and whether mapping out has failed.
    remap_pending: bool | None = None
    remap_failed: bool | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None


#: Bits of `clocks_event_reasons.active` that mean harm, as nvml.h names them (nvmlClocksEventReason...).
THROTTLES = {
    "hw_slowdown": 0x08,
    "sw_thermal": 0x20,
    "hw_thermal": 0x40,
    "hw_power_brake": 0x80,
}


@dataclass(frozen=True)
class GpuProcess:
    pid: int
    gpu_uuid: str
    memory_used: int | None


_GPU_FIELDS = (
    "index",
    "uuid",
    "name",
    "utilization.gpu",
    "memory.used",
    "memory.total",
    "temperature.gpu",
    "power.draw",
    "power.limit",
    "ecc.errors.uncorrected.volatile.total",
    "persistence_mode",
)
#: What drivers before 535 do not know by these names: one unknown name, and nvidia-smi answers nothing at all.
_MORE_FIELDS = (
    "temperature.memory",
    "clocks_event_reasons.active",
    "remapped_rows.pending",
    "remapped_rows.failure",
    "pcie.link.width.current",
    "pcie.link.width.max",
)


def query(timeout: float = 10.0) -> list[GpuState]:
    """All GPUs, by index. Raises GpuError."""
    states = []
    for row in _ask_gpus(timeout):
        index, uuid, name, load, used, total, temperature, draw, limit, ecc, persistence, *more = row
        hbm, reasons, pending, failed, width, width_max = more or ("",) * len(_MORE_FIELDS)
        share = _number(load)
        errors = _number(ecc)
        if not index.isdigit():
            raise GpuError(f"nvidia-smi counts GPUs in a way that no one understands: {index!r}", _FIX)
        states.append(
            GpuState(
                index=int(index),
                uuid=uuid,
                name=name,
                utilization=None if share is None else share / 100,
                memory_used=_mebibytes(used),
                memory_total=_mebibytes(total),
                temperature=_number(temperature),
                power_draw=_number(draw),
                power_limit=_number(limit),
                ecc_uncorrected=None if errors is None else int(errors),
                persistence={"enabled": True, "disabled": False}.get(persistence.lower()),
                memory_temperature=_number(hbm),
                throttled_by=_reasons(reasons),
                remap_pending=_flag(pending),
                remap_failed=_flag(failed),
                pcie_width=_whole(width),
                pcie_width_max=_whole(width_max),
            )
        )
    return sorted(states, key=lambda state: state.index)


def processes(timeout: float = 10.0) -> list[GpuProcess]:
    """Processes that hold GPU memory; one that uses several GPUs stands there once for each. Raises GpuError."""
    return [
        GpuProcess(int(pid), uuid, _mebibytes(used))
        for pid, uuid, used in _ask("--query-compute-apps", ("pid", "gpu_uuid", "used_memory"), timeout)
        if pid.isdigit()
    ]


def _ask_gpus(timeout: float) -> list[list[str]]:
    try:
        return _ask("--query-gpu", (*_GPU_FIELDS, *_MORE_FIELDS), timeout)
    except GpuError as error:
        if "not a valid field" not in error.what:
            raise
        return _ask("--query-gpu", _GPU_FIELDS, timeout)


def _ask(query_: str, fields: Sequence[str], timeout: float) -> list[list[str]]:
    try:
        done = commands.run(
            ["nvidia-smi", f"{query_}={','.join(fields)}", "--format=csv,noheader,nounits"], timeout
        )
    except ProgramError as error:
        raise GpuError(error.what, _FIX) from error
    if not done.ok:
        raise GpuError(f"nvidia-smi fails: {done.words}", _FIX)
    rows = [[cell.strip() for cell in row] for row in csv.reader(done.out.splitlines()) if row]
    for row in rows:
        if len(row) != len(fields):
            raise GpuError(
                f"nvidia-smi says {len(row)} things where {len(fields)} were asked for: {row}", _FIX
            )
    return rows


def _number(text: str) -> float | None:
    """None for `[N/A]`, `[Not Supported]` and their like."""
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str) -> int | None:
    value = _number(text)
    return None if value is None else int(value)


def _flag(text: str) -> bool | None:
    return {"yes": True, "1": True, "no": False, "0": False}.get(text.lower())


def _reasons(text: str) -> frozenset[str] | None:
    try:
        bits = int(text, 16)
    except ValueError:
        return None
    return frozenset(name for name, bit in THROTTLES.items() if bits & bit)


def _mebibytes(text: str) -> int | None:
    value = _number(text)
    return None if value is None else int(value * MIB)
