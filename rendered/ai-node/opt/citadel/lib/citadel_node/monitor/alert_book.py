"""Which alerts fire. Conditions come in each cycle; events go out when something begins, gets worse or ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from citadel_node.monitor.observation import unix
from citadel_node.output import time_text

#: Cycles in a row without the condition until an alert is resolved.
CLEAR_CYCLES = 2


@dataclass(frozen=True)
class Condition:
    """Something that is wrong now. `source` and `subject` together say what it is about; they are the alert's identity."""

    severity: str
    source: str
    subject: str
    message: str
    #: What to do about it.
    fix: str
    #: Cycles in a row until it is an alert.
    cycles: int = 1

    @property
    def key(self) -> str:
        return f"{self.source}/{self.subject}"


@dataclass
class _Entry:
    condition: Condition
    seen: int = 0
    clear: int = 0
    #: Unix time of the first cycle with the condition.
    since: float = 0.0
    firing: bool = False


def event(condition: Condition, state: str, now: float, since: float) -> dict[str, str]:
    """One object of alerts.json."""
    return {
        "time": time_text(now),
        "severity": condition.severity,
        "state": state,
        "source": condition.source,
        "subject": condition.subject,
        "message": condition.message,
        "fix": condition.fix,
        "since": time_text(since),
    }


class AlertBook:
    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def update(self, conditions: Iterable[Condition], now: float) -> list[dict[str, str]]:
        """The events of this cycle, in the order of the conditions, ends last."""
        events: list[dict[str, str]] = []
        current: dict[str, Condition] = {}
        for each in conditions:
            # Of two about the same thing, the worse one counts.
            if each.key not in current or each.severity == "critical":
                current[each.key] = each
        for key, condition in current.items():
            entry = self._entries.setdefault(key, _Entry(condition, since=now))
            worse = condition.severity == "critical" and entry.condition.severity == "warning"
            entry.condition = (
                condition if worse or not entry.firing else _reworded(entry.condition, condition)
            )
            entry.seen += 1
            entry.clear = 0
            if worse and entry.firing or not entry.firing and entry.seen >= condition.cycles:
                entry.firing = True
                events.append(event(condition, "firing", now, entry.since))
        for key in [key for key in self._entries if key not in current]:
            entry = self._entries[key]
            entry.clear += 1
            entry.seen = 0
            if not entry.firing:
                del self._entries[key]
            elif entry.clear >= CLEAR_CYCLES:
                del self._entries[key]
                events.append(event(entry.condition, "resolved", now, entry.since))
        return events

    def firing(self) -> list[dict[str, str]]:
        """What fires now, worst first."""
        found = [
            event(entry.condition, "firing", entry.since, entry.since)
            for entry in self._entries.values()
            if entry.firing
        ]
        return sorted(
            found, key=lambda each: (each["severity"] != "critical", each["since"], each["subject"])
        )

    def counts(self) -> dict[str, int]:
        severities = [entry.condition.severity for entry in self._entries.values() if entry.firing]
        return {name: severities.count(name) for name in ("critical", "warning")}

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {**asdict(entry.condition), "since": time_text(entry.since)}
            for entry in self._entries.values()
            if entry.firing
        ]

    @staticmethod
    def from_json(value: object) -> AlertBook:
        """Goes on where the monitor stopped, so that a restart repeats no alert."""
        book = AlertBook()
        for each in value if isinstance(value, list) else ():
            try:
                words = {key: str(each[key]) for key in ("severity", "source", "subject", "message", "fix")}
                since = unix(each["since"])
            except (KeyError, TypeError, ValueError):
                continue
            condition = Condition(**words, cycles=1)
            book._entries[condition.key] = _Entry(condition, seen=1, since=since, firing=True)
        return book


def _reworded(old: Condition, new: Condition) -> Condition:
    """New figures in the words, the severity as it was said: it gets better only by being resolved."""
    return Condition(old.severity, new.source, new.subject, new.message, new.fix, new.cycles)


def severities(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many alerts began, by severity."""
    began = [each.get("severity") for each in events if each.get("state") == "firing"]
    return {name: began.count(name) for name in ("critical", "warning")}
