"""What units are asked to do, in order. The rules are those of the engine's plan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from citadel_node.rollback.state import Change, SeenUnit, Situation, UnitAction

_UNIT_FILE = re.compile(r"/etc/systemd/system/([^/]+)\Z")
_LINKS = ("unmask", "disable", "enable")
_RUNS = ("stop", "restart", "start", "reload")


def unit_actions(
    it: Situation, changes: Sequence[Change], touched: Set[str], reinstalled: Set[str]
) -> list[UnitAction]:
    """Units that leave are stopped and disabled; links of the others are put right; then wave by wave."""
    leaving = [
        action
        for change in changes
        if change.section == "units" and change.action == "delete"
        for action in _leaving(change.key, it.observed.unit(change.key))
    ]
    changed = {change.key for change in changes if change.section == "units"}
    staying = [
        UnitAction(name, verb, int(unit["wave"]))
        for name, unit in sorted(it.wants("units").items())
        for verb in _verbs(
            name,
            unit,
            it.observed.unit(name),
            touched,
            name in changed or f"/etc/systemd/system/{name}" in touched,
            name in reinstalled,
        )
    ]
    links = [action for action in staying if action.verb in _LINKS]
    runs = sorted(
        (action for action in staying if action.verb in _RUNS),
        key=lambda action: (action.wave, _RUNS.index(action.verb)),
    )
    return [*leaving, *links, *runs]


def _leaving(unit: str, seen: SeenUnit) -> Iterator[UnitAction]:
    if seen.running:
        yield UnitAction(unit, "stop", 0)
    if seen.enabled:
        yield UnitAction(unit, "disable", 0)


def _verbs(
    name: str, unit: Mapping[str, Any], seen: SeenUnit, touched: Set[str], changed: bool, reinstalled: bool
) -> Iterator[str]:
    enabled, state = unit["enabled"], unit["state"]
    if enabled is False:
        if seen.enabled:
            yield "disable"
    else:
        masked = seen.load == "masked" or seen.file_state.startswith("masked")
        if masked and (enabled is True or state == "running"):
            yield "unmask"
        if enabled is True and seen.enabled and reinstalled:
            yield from ("disable", "enable")
        if enabled is True and not seen.enabled and changed:
            yield "enable"
    if state == "stopped":
        if seen.running:
            yield "stop"
    elif not seen.running:
        if state == "running":
            yield "start"
    elif any(path in touched for path in unit["restartOn"]):
        yield "restart"
    elif any(path in touched for path in unit["reloadOn"]):
        yield "reload"


def reinstalled_units(
    it: Situation, written: Mapping[str, bytes], current: Mapping[str, bytes]
) -> frozenset[str]:
    """Enabled units whose [Install] section changes: their links have to be made again."""
    found: set[str] = set()
    for path, content in written.items():
        match = _UNIT_FILE.match(path)
        if match is None or path not in current:
            continue
        unit = it.wants("units").get(match[1])
        if unit is None or unit.get("enabled") is not True:
            continue
        if _install_section(current[path]) != _install_section(content):
            found.add(match[1])
    return frozenset(found)


def _install_section(content: bytes) -> list[str]:
    inside = False
    lines: list[str] = []
    for line in (one.strip() for one in content.decode(errors="replace").split("\n")):
        if line.startswith("["):
            inside = line == "[Install]"
        elif inside and line and line[0] not in "#;":
            lines.append(line)
    return lines
