"""Units, through systemctl's double."""

import os
import time

import pytest
from citadel_node import systemd
from citadel_node.commands import CommandTimeout
from citadel_node.program import ProgramError


def test_states(host):
    host.activate("citadel-phi3.service")
    host.set_unit(
        "citadel-mixtral.service", ActiveState="failed", SubState="failed", Result="start-limit-hit"
    )
    units = ["citadel-phi3.service", "citadel-mixtral.service", "none.service"]
    phi3, mixtral, none = systemd.show(units).values()
    assert (phi3.is_active, phi3.words, phi3.main_pid) == (True, "active (running)", 4242)
    assert time.time() - phi3.active_since == pytest.approx(3600, abs=60)
    assert (mixtral.is_failed, mixtral.words, mixtral.active_since) == (
        True,
        "failed (start-limit-hit)",
        None,
    )
    assert (none.exists, none.words) == (False, "not installed")
    assert systemd.show([]) == {}


def test_starting_and_stopping(host):
    systemd.start(["citadel-phi3.service"])
    assert host.active() == ["citadel-phi3.service"]
    systemd.stop(["citadel-phi3.service"])
    assert host.active() == []
    systemd.start([])
    assert host.calls() == ["start citadel-phi3.service", "stop citadel-phi3.service"]


def test_failures_are_systemds_words(host):
    host.fault(fail=["citadel-phi3.service"])
    with pytest.raises(ProgramError, match=r"start citadel-phi3.service: Job for .* failed"):
        systemd.start(["citadel-phi3.service"])
    with pytest.raises(ProgramError, match=r"Unit none\.service not found"):
        systemd.restart(["none.service"])


def test_sudo_where_polkit_refuses(host, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    host.fault(refuse=True)
    systemd.start(["citadel-phi3.service"])
    assert host.active() == ["citadel-phi3.service"]
    host.refuse_sudo()
    with pytest.raises(ProgramError, match="sudo refuses"):
        systemd.stop(["citadel-phi3.service"])


def test_a_manager_that_does_not_answer(host):
    host.fault(hang="show")
    begun = time.monotonic()
    with pytest.raises(CommandTimeout):
        systemd.show(["citadel-phi3.service"], timeout=0.5)
    assert time.monotonic() - begun < 3


def test_log_lines(host):
    assert systemd.last_lines("citadel-phi3.service", 1) == ["CUDA out of memory"]
