"""`citadel-deploy validate`: can this host be deployed? Looks, and changes nothing."""

from __future__ import annotations

import os
import socket

from citadel_node import systemd
from citadel_node.checks import FAILED, OK, WARNING, Check
from citadel_node.health import hardware
from citadel_node.settings import Settings
from citadel_node.storage.main import prerequisites

_APPLY = "Apply the inventory again from the operator's machine (citadel-iac apply)."


def validate(settings: Settings) -> list[Check]:
    return [
        *prerequisites(settings),
        *hardware.gpu_checks(settings),
        _environment(settings),
        *_units(settings),
        *_ports(settings),
        *_first_model(settings),
    ]


def _environment(settings: Settings) -> Check:
    python = settings.paths.environment / "bin/python"
    name = str(settings.paths.environment)
    if os.access(python, os.X_OK):
        return Check("environment", name, OK, "has a Python that runs")
    return Check("environment", name, FAILED, f"{python} cannot be run", _APPLY)


def _units(settings: Settings) -> list[Check]:
    names = [*settings.units.__dict__.values(), *(model.unit for model in settings.models.values())]
    states = systemd.show(names)
    missing = [
        Check("units", unit, FAILED, f"is {state.words}", _APPLY)
        for unit, state in states.items()
        if not state.exists
    ]
    return missing or [Check("units", "all units", OK, f"{len(states)} are installed")]


def _ports(settings: Settings) -> list[Check]:
    """A port that answers although its model does not run belongs to someone else."""
    states = systemd.show([model.unit for model in settings.models.values()])
    checks = []
    for model in settings.models.values():
        if states[model.unit].active not in ("inactive", "failed") or not _listens(model.port):
            continue
        fix = f"sudo ss -tlnp 'sport = :{model.port}' shows whose it is."
        checks.append(
            Check("ports", str(model.port), FAILED, f"is taken by something that is not {model.unit}", fix)
        )
    return checks or [
        Check("ports", "all ports", OK, f"{len(settings.models)} are free, or their models' own")
    ]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _first_model(settings: Settings) -> list[Check]:
    if settings.first_model is None and settings.models:
        return [
            Check("deployment", "first model", WARNING, "none is named; the first of the list is taken", "")
        ]
    return []
