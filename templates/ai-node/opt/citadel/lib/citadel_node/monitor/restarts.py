"""When a model that is up but dead is restarted. Pure: facts and a memory in, a verdict and a new memory out.

Dead means: its unit has been active for a while, and so many looks in a row found that it serves nothing: it answers
/health but produces no token, or it no longer answers although it did since it was started. A model that is loading
(its unit is still activating), stopped by someone, or busy (its token counters move) is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from citadel_node.monitor.observation import ModelFacts

HOUR = 3600.0


class Verdict(Enum):
    WELL = "well"
    #: Not served now, too few times in a row to be sure.
    FAILING = "failing"
    #: Enough failures: to be restarted, if a last look says the same.
    DEAD = "dead"
    #: Dead, but restarted as often as allowed within the hour.
    LIMITED = "limited"
    #: Its unit is not active (stopped, loading, failed): nothing to judge.
    OUT = "out"


@dataclass(frozen=True)
class Watch:
    """What is remembered of one model."""

    failures: int = 0
    #: Unix time of the first of these failures.
    failing_since: float | None = None
    #: The look that was counted last, so that none is counted twice.
    looked_at: float | None = None
    #: It answered /health since its unit became active.
    answered: bool = False
    #: Unix times of our restarts within the last hour.
    recent: tuple[float, ...] = ()
    #: All restarts ever.
    total: int = 0


def judge(
    watch: Watch, facts: ModelFacts, now: float, *, after_failures: int, per_hour: int
) -> tuple[Watch, Verdict]:
    watch = replace(watch, recent=tuple(at for at in watch.recent if now - HOUR < at <= now))
    if not facts.active:
        return replace(
            watch, failures=0, failing_since=None, answered=False, looked_at=facts.looked_at
        ), Verdict.OUT
    if facts.looked_at is None or facts.looked_at == watch.looked_at:
        return watch, _verdict(watch, after_failures, per_hour)
    watch = replace(watch, looked_at=facts.looked_at, answered=watch.answered or facts.up is True)
    dead = facts.probe is False if facts.up else facts.up is False and watch.answered
    if not dead:
        return replace(watch, failures=0, failing_since=None), Verdict.WELL
    since = watch.failing_since if watch.failures else facts.looked_at
    watch = replace(watch, failures=watch.failures + 1, failing_since=since)
    return watch, _verdict(watch, after_failures, per_hour)


def restarted(watch: Watch, now: float) -> Watch:
    """After a restart everything is counted again."""
    return replace(
        watch,
        failures=0,
        failing_since=None,
        answered=False,
        recent=(*watch.recent, now),
        total=watch.total + 1,
    )


def reprieved(watch: Watch) -> Watch:
    """It works after all, only slowly: this failure is the first one again."""
    return replace(watch, failures=1, failing_since=watch.looked_at)


def forgotten(watch: Watch) -> Watch:
    """It was stopped or started meanwhile: the failures are those of another process."""
    return replace(watch, failures=0, failing_since=None, answered=False)


def _verdict(watch: Watch, after_failures: int, per_hour: int) -> Verdict:
    if watch.failures == 0:
        return Verdict.WELL
    if watch.failures < after_failures:
        return Verdict.FAILING
    return Verdict.DEAD if len(watch.recent) < per_hour else Verdict.LIMITED


def to_json(watches: Mapping[str, Watch]) -> dict[str, object]:
    """What must survive a restart of the monitor: count and limit, and failures under way, or alerts would be repeated."""
    return {
        name: {
            "total": watch.total,
            "recent": list(watch.recent),
            **(_failing(watch) if watch.failures else {}),
        }
        for name, watch in sorted(watches.items())
    }


def from_json(value: object) -> dict[str, Watch]:
    """Reads what :func:`to_json` wrote; anything else in it is left out."""
    found: dict[str, Watch] = {}
    for name, each in value.items() if isinstance(value, dict) else ():
        if not isinstance(each, dict):
            continue
        total, recent = each.get("total"), each.get("recent")
        if isinstance(total, int) and isinstance(recent, list):
            times = tuple(float(at) for at in recent if isinstance(at, int | float))
            watch = Watch(total=total, recent=times)
            failures, since, looked_at = (each.get(key) for key in ("failures", "failing_since", "looked_at"))
            if (
                isinstance(failures, int)
                and isinstance(since, int | float)
                and isinstance(looked_at, int | float)
            ):
                answered = each.get("answered") is True
                watch = replace(
                    watch, failures=failures, failing_since=since, looked_at=looked_at, answered=answered
                )
            found[str(name)] = watch
    return found


def _failing(watch: Watch) -> dict[str, object]:
    return {
        "failures": watch.failures,
        "failing_since": watch.failing_since,
        "looked_at": watch.looked_at,
        "answered": watch.answered,
    }
