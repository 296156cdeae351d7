"""Units, models and what watches them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from citadel_node import models as servers
from citadel_node import systemd
from citadel_node.checks import FAILED, INFO, OK, WARNING, Check
from citadel_node.exposition import Figures, parse
from citadel_node.fetch import FetchError, fetch
from citadel_node.output import duration_text
from citadel_node.settings import Model, Settings
from citadel_node.systemd import UnitState

_APPLY = "Apply the inventory again from the operator's machine (citadel-iac apply)."


def unit_checks(settings: Settings) -> list[Check]:
    """What makes disks and GPUs ready."""
    units = {"storage": settings.units.storage}
    if settings.gpus:
        units["gpu"] = settings.units.gpu
    states = systemd.show(list(units.values()))
    return [
        _unit_check("services", name, states[unit], f"citadel start {name}") for name, unit in units.items()
    ]


def model_checks(settings: Settings) -> list[Check]:
    """Each model: its unit is active and /health answers. Models that are started by hand are shown only."""
    models = list(settings.models.values())
    states = systemd.show([model.unit for model in models])
    with ThreadPoolExecutor(max_workers=max(2, len(models) + 1)) as pool:
        dumb = pool.submit(_without_tokens, settings, states)
        checks = list(pool.map(lambda model: model_check(model, states[model.unit]), models))
        silent = dumb.result()
    return [
        replace(
            check,
            state=FAILED,
            detail=f"{check.detail}, but makes no token (the exporter asks it every now and then)",
            fix=f"citadel logs {check.name}; citadel restart {check.name}",
        )
        if check.state == OK and check.name in silent
        else check
        for check in checks
    ]


def _without_tokens(settings: Settings, states: Mapping[str, UnitState]) -> set[str]:
    """Models whose last probe by the exporter failed. One that came up after that probe is not meant by it."""
    try:
        page = fetch(f"http://127.0.0.1:{settings.exporter.port}/metrics/models", 2).body.decode(
            errors="replace"
        )
    except FetchError:
        return set()
    success = Figures(parse(page)).by("citadel_model_probe_success", "model")
    ripe = time.time() - 2 * settings.exporter.probe_interval_sec - 30
    return {
        name
        for name, model in settings.models.items()
        if success.get(name) == 0 and (states[model.unit].active_since or 0) < ripe
    }


def model_check(model: Model, state: UnitState) -> Check:
    name, area = model.name, "models"
    required = FAILED if model.at_boot else INFO
    if not state.exists:
        return Check(area, name, FAILED, f"{model.unit} is {state.words}", _APPLY)
    logs = f"citadel logs {name}"
    if state.is_failed:
        fix = f"{logs}; citadel start {name}"
        return Check(area, name, FAILED, f"{state.words}, exit status {state.exit_status}", fix)
    if state.sub.startswith("auto-restart"):
        return Check(area, name, FAILED, f"ended with status {state.exit_status}, systemd tries again", logs)
    if state.active == "activating":
        return Check(
            area,
            name,
            required,
            "is loading",
            f"It may take {duration_text(model.load_timeout_sec)}; {logs} -f",
        )
    if not state.is_active:
        by_hand = "" if model.at_boot else "; is started by hand"
        return Check(area, name, required, f"is not running{by_hand}", f"citadel start {name}")
    answer = servers.health(model)
    if not answer.ok:
        fix = f"{logs}; citadel restart {name}"
        return Check(
            area, name, FAILED, f"runs, but does not answer on port {model.port}: {answer.detail}", fix
        )
    since = "" if state.active_since is None else f", up {duration_text(time.time() - state.active_since)}"
    times = "once" if state.restarts == 1 else f"{state.restarts} times"
    restarts = f", restarted {times} by systemd" if state.restarts else ""
    return Check(area, name, OK, f"answers on port {model.port}{since}{restarts}")


def monitoring_checks(settings: Settings) -> list[Check]:
    """Monitor, exporter and node exporter; what they write and answer as well as their units."""
    units = settings.units
    states = systemd.show([units.monitor, units.exporter, units.node_exporter])
    checks = [_unit_check("monitoring", "monitor", states[units.monitor], "citadel restart monitor")]
    if states[units.monitor].is_active:
        checks.append(_metrics_check(settings, states[units.monitor]))
    exporter = _unit_check("monitoring", "exporter", states[units.exporter], "citadel restart exporter")
    checks.append(_exporter_check(settings) if exporter.state == OK else exporter)
    fix = f"sudo systemctl restart {units.node_exporter}"
    checks.append(_unit_check("monitoring", "node exporter", states[units.node_exporter], fix))
    return checks


def _exporter_check(settings: Settings) -> Check:
    port = settings.exporter.health_port
    fix = "citadel logs exporter; citadel restart exporter"
    try:
        response = fetch(f"http://127.0.0.1:{port}/health", 5)
    except FetchError as error:
        return Check("monitoring", "exporter", FAILED, f"does not answer on port {port}: {error}", fix)
    if response.status != 200:
        return Check("monitoring", "exporter", FAILED, f"/health on port {port} says {response.status}", fix)
    return Check("monitoring", "exporter", OK, f"answers on ports {settings.exporter.port} and {port}")


def _metrics_check(settings: Settings, state: UnitState) -> Check:
    """The monitor writes metrics.json every interval; an old file means that it hangs."""
    path = settings.paths.monitoring_logs / "metrics.json"
    patience = 4 * settings.monitor.interval_sec + 30
    now = time.time()
    try:
        age = now - path.stat().st_mtime
    except FileNotFoundError:
        if state.active_since is not None and now - state.active_since < patience:
            return Check("monitoring", "metrics", INFO, "the monitor has just started")
        return Check("monitoring", "metrics", WARNING, f"{path} is not there", "citadel logs monitor")
    detail = f"{path} was written {duration_text(age)} ago"
    if age > patience:
        return Check(
            "monitoring", "metrics", WARNING, detail, "citadel logs monitor; citadel restart monitor"
        )
    return Check("monitoring", "metrics", OK, detail)


def _unit_check(area: str, name: str, state: UnitState, fix: str) -> Check:
    if not state.exists:
        return Check(area, name, FAILED, f"{state.unit} is {state.words}", _APPLY)
    if not state.is_active:
        return Check(
            area, name, FAILED, f"{state.unit} is {state.words}", f"{fix}; journalctl -u {state.unit} -n 50"
        )
    return Check(area, name, OK, f"{state.unit} is {state.words}")
