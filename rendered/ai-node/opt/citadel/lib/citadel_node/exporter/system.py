"""Processor, memory, load and boot time, read from /proc: a library for that would cost more memory than this program."""

from __future__ import annotations

from pathlib import Path

from citadel_node.exporter.catalogue import Sample
from citadel_node.exporter.runner import Result


class SystemCollector:
    """Processor time is a difference, so the first run speaks of the time since boot."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._before = (0, 0)

    def __call__(self) -> Result:
        stat = (self._proc / "stat").read_text()
        memory = parse_meminfo((self._proc / "meminfo").read_text())
        busy, total = parse_cpu(stat)
        before_busy, before_total = self._before
        self._before = (busy, total)
        spent = total - before_total
        ratio = (busy - before_busy) / spent if spent > 0 else 0.0
        return Result(
            [
                Sample("citadel_system_cpu_ratio", min(1.0, max(0.0, ratio))),
                Sample("citadel_system_memory_used_ratio", 1 - memory["MemAvailable"] / memory["MemTotal"]),
                Sample("citadel_system_load1", float((self._proc / "loadavg").read_text().split()[0])),
                Sample("citadel_system_boot_time_seconds", float(parse_boot_time(stat))),
            ]
        )


def parse_cpu(stat: str) -> tuple[int, int]:
    """(busy, all) ticks since boot. Waiting for a disk is not busy; a guest's time is contained in user time."""
    for line in stat.splitlines():
        words = line.split()
        if words and words[0] == "cpu":
            ticks = [int(word) for word in words[1:9]]
            ticks += [0] * (8 - len(ticks))
            idle = ticks[3] + ticks[4]
            return sum(ticks) - idle, sum(ticks)
    raise ValueError("/proc/stat has no line that begins with cpu")


def parse_boot_time(stat: str) -> int:
    for line in stat.splitlines():
        if line.startswith("btime "):
            return int(line.split()[1])
    raise ValueError("/proc/stat has no line that begins with btime")


def parse_meminfo(text: str) -> dict[str, int]:
    """Name → KiB."""
    return {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in text.splitlines())
        if rest
    }
