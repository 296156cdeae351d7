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
    """nvidia-smi is missing, does not answer in time, fails, or says what nobody understands."""


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


def query(timeout: float = 10.0) -> list[GpuState]:
    """All GPUs, by index. Raises GpuError."""
    states = []
    for row in _ask("--query-gpu", _GPU_FIELDS, timeout):
        index, uuid, name, load, used, total, temperature, draw, limit, ecc, persistence = row
        share = _number(load)
        errors = _number(ecc)
        if not index.isdigit():
            raise GpuError(f"nvidia-smi counts GPUs in a way that nobody understands: {index!r}", _FIX)
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


def _mebibytes(text: str) -> int | None:
    value = _number(text)
    return None if value is None else int(value * MIB)
