"""collect_smart.py: what the disks say about their own health, as metrics for node exporter.

A disk without SMART (a virtual one, most RAID volumes) has no `citadel_smart_healthy`: no one knows whether it is.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citadel_node import commands, output, textfile
from citadel_node import settings as settings_module
from citadel_node.program import EXIT_FAILED, EXIT_OK, ProgramError
from citadel_node.settings import Settings
from citadel_node.textfile import Metric, Sample

TEXTFILE = "citadel-smart.prom"
TIMEOUT_SEC = 60.0
_LINKS = {"LABEL": "by-label", "UUID": "by-uuid", "PARTUUID": "by-partuuid", "PARTLABEL": "by-partlabel"}
_PARTITION = re.compile(r"(/dev/(?:nvme\d+n\d+|mmcblk\d+|nbd\d+))p\d+\Z|(/dev/(?:sd|hd|vd|xvd)[a-z]+)\d+\Z")
#: Bits of smartctl's exit status: the command line was wrong, the device did not open.
_NO_ANSWER = 0b11


@dataclass(frozen=True)
class DiskHealth:
    """None: the disk does not say. `problem`: why nothing is known, in words."""

    device: str
    healthy: bool | None = None
    temperature_celsius: float | None = None
    #: Share of the rated life that is used; more than 1 is possible.
    percentage_used_ratio: float | None = None
    #: NVMe's warning bits.
    critical_warning: int | None = None
    problem: str | None = None
    #: It answered, and has no SMART: nothing is wrong with asking it, there is only nothing to know.
    without_smart: bool = False
    #: Since the disk was made. They grow months before its own test fails.
    media_errors: float | None = None
    pending_sectors: float | None = None
    reallocated_sectors: float | None = None


def disks_of(
    sources: Iterable[str], dev: Path = Path("/dev"), sys: Path = Path("/sys")
) -> tuple[list[str], list[str]]:
    """(whole disks below the mounts' sources, sorted; words about sources that lead to none)."""
    found: set[str] = set()
    problems: list[str] = []
    for source in sources:
        device = _device_of(source, dev)
        if device is None:
            problems.append(f"{source}: there is no such device")
        else:
            found.update(_disks_below(device, sys))
    return sorted(found), problems


def _device_of(source: str, dev: Path) -> str | None:
    kind, separator, value = source.partition("=")
    path = Path(source)
    if separator and kind in _LINKS:
        path = dev / "disk" / _LINKS[kind] / value.strip('"')
    if not str(path).startswith(str(dev)):
        return None
    real = os.path.realpath(path)
    return real if os.path.exists(real) else None


def _disks_below(device: str, sys: Path) -> list[str]:
    """A partition's disk by its name, which is fixed; the disks of a volume (LVM, RAID, encryption) by sysfs."""
    match = _PARTITION.match(device)
    if match is not None:
        return [match[1] or match[2]]
    below = sys / "class/block" / os.path.basename(device) / "slaves"
    try:
        slaves = sorted(each.name for each in below.iterdir())
    except OSError:
        slaves = []
    return [disk for name in slaves for disk in _disks_below(f"/dev/{name}", sys)] or [device]


def read_health(device: str, said: object, status: int) -> DiskHealth:
    """What `smartctl --json --all` said. Its exit status has bits for failing disks, so it alone is no error."""
    if not isinstance(said, dict):
        return DiskHealth(device, problem="smartctl says nothing that can be read")
    passed = _at(said, "smart_status", "passed")
    if status & _NO_ANSWER and not isinstance(passed, bool):
        return DiskHealth(device, problem=_words(said) or f"smartctl ended with {status}")
    support = _at(said, "smart_support", "available"), _at(said, "smart_support", "enabled")
    if not isinstance(passed, bool):
        why = "SMART is switched off" if support == (True, False) else "it has no SMART"
        return DiskHealth(device, problem=_words(said) or why, without_smart=True)
    used = _number(said, "nvme_smart_health_information_log", "percentage_used")
    if used is None:
        used = _number(said, "endurance_used", "current_percent")
    warning = _number(said, "nvme_smart_health_information_log", "critical_warning")
    return DiskHealth(
        device,
        healthy=passed,
        temperature_celsius=_number(said, "temperature", "current"),
        percentage_used_ratio=None if used is None else used / 100,
        critical_warning=None if warning is None else int(warning),
        media_errors=_number(said, "nvme_smart_health_information_log", "media_errors"),
        pending_sectors=_attribute(said, 197),
        reallocated_sectors=_attribute(said, 5),
    )


def metrics(found: Iterable[DiskHealth], now: float) -> list[Metric]:
    disks = list(found)

    def gauge(name: str, help_: str, value: Callable[[DiskHealth], float | None]) -> Metric:
        known = [(each, value(each)) for each in disks]
        samples = [
            Sample(float(figure), {"device": each.device}) for each, figure in known if figure is not None
        ]
        return Metric(f"citadel_smart_{name}", help_, samples)

    return [
        gauge(
            "available", "Whether the disk tells its health, 1 or 0.", lambda each: each.healthy is not None
        ),
        gauge("healthy", "Whether the disk says that it is well, 1 or 0.", lambda each: each.healthy),
        gauge("temperature_celsius", "Temperature of the disk.", lambda each: each.temperature_celsius),
        gauge(
            "percentage_used_ratio",
            "Share of the rated life that is used; may exceed 1.",
            lambda each: each.percentage_used_ratio,
        ),
        gauge("critical_warning", "Warning bits of an NVMe disk.", lambda each: each.critical_warning),
        gauge(
            "media_errors", "Blocks that an NVMe disk could not read back.", lambda each: each.media_errors
        ),
        gauge("pending_sectors", "Sectors that cannot be read.", lambda each: each.pending_sectors),
        gauge("reallocated_sectors", "Sectors given up.", lambda each: each.reallocated_sectors),
        Metric(
            "citadel_smart_last_run_timestamp_seconds",
            "When the disks were last asked, Unix time.",
            [Sample(now)],
        ),
    ]


def ask(device: str) -> DiskHealth:
    done = commands.as_root(["smartctl", "--json", "--all", device], TIMEOUT_SEC)
    try:
        said = json.loads(done.out)
    except ValueError:
        return DiskHealth(device, problem=f"smartctl says nothing that can be read: {done.words}")
    return read_health(device, said, done.code)


def main(argv: list[str]) -> int:
    import time

    options = _parser().parse_args(argv)
    settings = settings_module.load()
    devices, problems = disks_of(mount.source for mount in settings.mounts)
    found = [_ask_quietly(device) for device in devices]
    if not options.dry_run:
        _write(settings, metrics(found, time.time()))
    if options.json:
        output.emit_json({"disks": found, "problems": problems})
    elif found:
        output.say(
            output.table(("device", "health", "temperature", "life used"), [_row(each) for each in found])
        )
    for each in found:
        if each.problem is not None:
            output.warn(f"{each.device}: {each.problem}; its health is not known")
    for problem in problems:
        output.warn(problem)
    failing = any(each.healthy is False or each.critical_warning for each in found)
    unanswered = any(each.problem is not None and not each.without_smart for each in found)
    return EXIT_FAILED if failing or unanswered or problems else EXIT_OK


def _ask_quietly(device: str) -> DiskHealth:
    """One disk that does not answer must not hide the others; a missing smartctl is an error."""
    try:
        return ask(device)
    except commands.CommandTimeout as error:
        return DiskHealth(device, problem=error.what)


def _write(settings: Settings, found: list[Metric]) -> None:
    try:
        textfile.write(settings.paths.textfiles / TEXTFILE, found)
    except OSError as error:
        raise ProgramError(
            f"cannot write {settings.paths.textfiles}/{TEXTFILE}: {error.strerror}", "Run it with sudo."
        ) from error


def _row(each: DiskHealth) -> tuple[str, ...]:
    health = {True: "well", False: "FAILING", None: "not known"}[each.healthy]
    if each.critical_warning:
        health += f" (warning bits {each.critical_warning:#04x})"
    return (
        each.device,
        health,
        "-" if each.temperature_celsius is None else f"{each.temperature_celsius:.0f} °C",
        "-" if each.percentage_used_ratio is None else f"{100 * each.percentage_used_ratio:.0f} %",
    )


def _at(value: Mapping[str, Any], *keys: str) -> Any:
    found: Any = value
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _number(value: Mapping[str, Any], *keys: str) -> float | None:
    found = _at(value, *keys)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _attribute(said: Mapping[str, Any], number: int) -> float | None:
    """The count behind an ATA attribute; its raw value, because the normalised one says nothing for months."""
    table = _at(said, "ata_smart_attributes", "table")
    for each in table if isinstance(table, list) else []:
        if isinstance(each, dict) and each.get("id") == number:
            return _number(each, "raw", "value")
    return None


def _words(said: Mapping[str, Any]) -> str:
    messages = _at(said, "smartctl", "messages")
    texts = (
        [str(each.get("string", "")) for each in messages if isinstance(each, dict)]
        if isinstance(messages, list)
        else []
    )
    return output.clean("; ".join(text for text in texts if text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="collect_smart.py",
        description="Asks the disks behind the mounts for their health, and writes it for Prometheus. Needs root (uses sudo).",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--dry-run", action="store_true", help="ask and print; write no metrics")
    return parser
