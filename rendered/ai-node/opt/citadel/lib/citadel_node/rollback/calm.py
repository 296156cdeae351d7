"""Stopping in order: requests that are being answered may end, and monitoring goes last, so that it sees the rest go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from citadel_node import commands, systemd
from citadel_node.fetch import FetchError, fetch
from citadel_node.models import url
from citadel_node.program import ProgramError, UsageError
from citadel_node.settings import Model, Settings

GROUPS = ("models", "monitoring", "gpu", "storage")
_LAN_SIDE = "/opt/citadel/scripts/lan_side.py"
_RUNNING = ("vllm:num_requests_running", "vllm:num_requests_waiting")


def plan_of(settings: Settings, group: str | None) -> list[tuple[str, str]]:
    """What is stopped, in order: ("model", name) or ("unit", unit). `group` None is everything."""
    units = settings.units
    models = [("model", name) for name in reversed(list(settings.models))]
    all_models = [*models, ("unit", units.models)]
    watch = [("unit", units.exporter), ("unit", units.monitor)]
    if group is None:
        return [*all_models, ("unit", units.gpu), ("unit", units.storage), *watch, ("unit", units.all)]
    if group in settings.models:
        return [("model", group)]
    # Models cannot run without their disks and their GPUs.
    steps = {
        "models": all_models,
        "monitoring": watch,
        "gpu": [*all_models, ("unit", units.gpu)],
        "storage": [*all_models, ("unit", units.storage)],
    }
    if group not in steps:
        known = ", ".join([*GROUPS, *settings.models])
        raise UsageError(f"there is no group or model {group!r}", f"Choose one of: {known}")
    return steps[group]


def stop_in_order(
    settings: Settings, steps: Sequence[tuple[str, str]], drain_sec: float, tell: Callable[[str], None]
) -> list[str]:
    """Stops what runs, one after another; returns the units that were stopped. Raises ProgramError where one stays."""
    stopped: list[str] = []
    for kind, name in steps:
        if kind == "unit":
            stopped += _stop([name], tell)
            continue
        model = settings.models[name]
        if systemd.show_one(model.unit).is_active:
            # It opens again when the model has started.
            _close(name)
            _drain(model, drain_sec, tell)
        stopped += _stop([model.unit], tell)
    return stopped


def _stop(units: Sequence[str], tell: Callable[[str], None]) -> list[str]:
    active = [
        unit for unit, state in systemd.show(units).items() if state.active not in ("inactive", "failed")
    ]
    if active:
        tell(f"stop {' '.join(active)}")
        systemd.stop(active)
    return active


def _close(name: str) -> None:
    """No new requests from the network. That it could not be said keeps no one from stopping a model."""
    with contextlib.suppress(ProgramError):
        commands.as_root([_LAN_SIDE, "close", name], 5.0)


def _drain(model: Model, limit: float, tell: Callable[[str], None]) -> None:
    until = time.monotonic() + limit
    told = False
    while time.monotonic() < until:
        waiting = _requests(model)
        if not waiting:
            return
        if not told:
            tell(f"{model.name}: {waiting:g} requests are being answered, waiting up to {limit:g} s")
            told = True
        time.sleep(0.5)
    if told:
        tell(f"{model.name}: not all were answered in time")


def _requests(model: Model) -> float:
    """Requests at work or waiting, by the model's own metrics; 0 where it cannot be asked."""
    try:
        text = fetch(url(model, "/metrics"), 2.0).body.decode(errors="replace")
    except FetchError:
        return 0.0
    total = 0.0
    for line in text.splitlines():
        if line.startswith(_RUNNING):
            try:
                total += float(line.rsplit(" ", 1)[1])
            except (IndexError, ValueError):
                continue
    return total
