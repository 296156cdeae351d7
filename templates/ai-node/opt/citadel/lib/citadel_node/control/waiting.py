"""Waiting until what was started is ready, or has failed; never longer than the settings allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from citadel_node import models as servers
from citadel_node import output, systemd
from citadel_node.control.progress import Progress
from citadel_node.settings import Model
from citadel_node.systemd import UnitState

POLL_SEC = 0.5
# How long a unit that no one waits for may stay inactive after it was asked to start.
_IDLE_SEC = 3.0
_OTHER_SEC = 120.0


@dataclass
class Wait:
    """One unit on its way. `phase`: waiting, starting, loading, ready, failed."""

    name: str
    unit: str
    model: Model | None
    limit: float
    phase: str = "waiting"
    reason: str = ""
    begun: float | None = None
    ended: float | None = None
    idle_since: float | None = None
    restarts: int | None = None

    @property
    def done(self) -> bool:
        return self.phase in ("ready", "failed")

    def words(self, now: float) -> str:
        spent = (self.ended or now) - (self.begun or self.ended or now)
        match self.phase:
            case "ready":
                return f"ready after {output.duration_text(spent)}" if spent >= 0.1 else "ready"
            case "failed":
                return f"failed: {self.reason}"
            case "waiting":
                return "waiting for what is before it"
            case _:
                so_far = f" for {output.duration_text(spent)}" if spent >= 1 else ""
                return f"{self.phase}{so_far} (at most {output.duration_text(self.limit)})"


@dataclass
class Result:
    ready: list[str] = field(default_factory=list)
    failed: list[Wait] = field(default_factory=list)


def waits_for(units: Sequence[str], models: Iterable[Model]) -> list[Wait]:
    """One wait for each unit but targets; models by their name, with their load timeout and half a minute for the rest."""
    by_unit = {model.unit: model for model in models}
    found = []
    for unit in units:
        model = by_unit.get(unit)
        if model is not None:
            found.append(Wait(model.name, unit, model, model.load_timeout_sec + 30))
        elif not unit.endswith(".target"):
            found.append(Wait(unit.removesuffix(".service").removeprefix("citadel-"), unit, None, _OTHER_SEC))
    return found


def wait_until_ready(
    waits: Sequence[Wait],
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Returns when each is ready or has failed. A model is ready when its unit is active and /health answers."""
    # Models that share a GPU load one after another, so the last may have to wait for all others.
    last = clock() + sum(wait.limit for wait in waits) + _OTHER_SEC
    with ThreadPoolExecutor(max_workers=max(1, min(8, len(waits)))) as pool:
        while True:
            states = systemd.show([wait.unit for wait in waits if not wait.done])
            now = clock()
            asked = [wait for wait in waits if not wait.done and wait.model and states[wait.unit].is_active]
            healthy = dict(zip((wait.unit for wait in asked), pool.map(_healthy, asked), strict=True))
            for wait in waits:
                if not wait.done:
                    _advance(wait, states[wait.unit], healthy.get(wait.unit, wait.model is None), now)
                if not wait.done and now > last:
                    wait.phase, wait.ended = "failed", now
                    wait.reason = "what it waits for did not end; systemctl list-jobs shows it"
            progress.update({wait.name: wait.words(now) for wait in waits})
            if all(wait.done for wait in waits):
                break
            sleep(POLL_SEC)
    progress.close()
    return Result(
        ready=[wait.name for wait in waits if wait.phase == "ready"],
        failed=[wait for wait in waits if wait.phase == "failed"],
    )


def _healthy(wait: Wait) -> bool:
    return wait.model is not None and servers.health(wait.model, 2.0).ok


def _advance(wait: Wait, state: UnitState, healthy: bool, now: float) -> None:
    def end(phase: str, reason: str = "") -> None:
        wait.phase, wait.reason, wait.ended = phase, reason, now

    # systemd counts again when someone starts or restarts a unit.
    wait.restarts = state.restarts if wait.restarts is None else min(wait.restarts, state.restarts)
    if not state.exists:
        end("failed", f"its unit {wait.unit} is {state.words}")
    elif state.is_failed:
        end("failed", f"{state.result}, exit status {state.exit_status}")
    elif state.sub.startswith("auto-restart") or state.restarts > wait.restarts:
        end(
            "failed",
            f"it ended while it started (exit status {state.exit_status}); systemd tries again by itself",
        )
    elif state.is_active and state.job:
        wait.phase = "waiting"  # to be stopped, before it is started again
    elif state.is_active and healthy:
        end("ready")
    elif state.active == "inactive" and not state.job:
        # Just asked for, or never to come: what it needs has failed, or someone stopped it.
        wait.idle_since = now if wait.idle_since is None else wait.idle_since
        if now - wait.idle_since >= _IDLE_SEC:
            end("failed", "systemd does not start it: something that it needs has failed, or it was stopped")
    elif state.active in ("activating", "active", "reloading"):
        wait.idle_since = None
        wait.begun = now if wait.begun is None else wait.begun
        wait.phase = "loading" if wait.model else "starting"
        if now - wait.begun > wait.limit:
            end("failed", f"it was not ready within {output.duration_text(wait.limit)}")
    else:
        wait.idle_since = None
