"""The `citadel` command, against doubles of systemd, GPUs and model servers."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from citadel_node import settings
from citadel_node.control import lifecycle
from citadel_node.control.completion import BASH
from citadel_node.control.overview import unit_of
from support.host import TEMPLATES

CITADEL = "/usr/local/bin/citadel"
BOOT = ["citadel-mixtral.service", "citadel-phi3.service"]


def test_a_model_starts_and_is_waited_for(host):
    done = host.run(CITADEL, "start", "phi3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "phi3: ready\n"
    assert host.active() == ["citadel-phi3.service"]
    assert "GET /health" in host.servers["phi3"].requests


def test_models_stop_whether_or_not_their_target_was_active(host):
    host.run(CITADEL, "start", "phi3")
    host.run(CITADEL, "start", "vision")
    assert "citadel-models.target" not in host.active()
    done = host.run(CITADEL, "stop", "models")
    assert (done.returncode, done.stdout) == (0, "phi3: stopped\nvision: stopped\n")
    assert host.active() == []
    again = host.run(CITADEL, "stop", "models")
    assert (again.returncode, again.stdout) == (0, "models: was not running\n")


def test_the_rest_of_the_models_starts_after_one(host):
    """The guide's way up after an emergency stop."""
    for name in ("storage", "gpu", "phi3", "mixtral", "models"):
        assert host.run(CITADEL, "start", name).returncode == 0
    assert host.active() == sorted(
        [
            *BOOT,
            "citadel-ai.target",
            "citadel-models.target",
            "citadel-storage.service",
            "citadel-gpu.service",
            "citadel-monitor.service",
            "citadel-metrics-exporter.service",
        ]
    )


def test_models_start_while_their_target_is_active(host):
    host.run(CITADEL, "start", "models")
    host.run(CITADEL, "stop", "phi3")
    assert "citadel-models.target" in host.active()
    assert host.run(CITADEL, "start", "models").returncode == 0
    assert set(BOOT) <= set(host.active())


def test_a_restart_brings_back_what_was_started_by_hand(host):
    host.run(CITADEL, "start", "models")
    host.run(CITADEL, "start", "vision")
    done = host.run(CITADEL, "restart", "models")
    assert done.returncode == 0
    restarted = host.calls()[-1].split()
    assert restarted[0] == "restart"
    assert "citadel-ai.target" not in restarted, "what is around the models is left alone"
    assert {*BOOT, "citadel-models.target", "citadel-vision.service"} == set(restarted[1:])
    host.run(CITADEL, "stop", "vision")
    host.run(CITADEL, "restart", "models")
    assert "citadel-vision.service" not in host.calls()[-1]


def test_all(host):
    assert host.run(CITADEL, "start", "all").returncode == 0
    assert len(host.active()) == 8
    assert host.run(CITADEL, "stop", "all").returncode == 0
    assert host.active() == []


@pytest.mark.parametrize("verb", ["start", "stop", "restart", "logs"])
def test_names_that_do_not_exist(host, verb):
    done = host.run(CITADEL, verb, "mixtrl")
    assert done.returncode == 2
    assert done.stderr == (
        "citadel: there is no 'mixtrl'; did you mean mixtral?\n"
        "  Models: mixtral, phi3, vision. Others: models, storage, gpu, monitor, exporter, all.\n"
    )
    assert host.run(CITADEL, verb, "--", "-f; reboot").returncode == 2
    assert host.calls() == []


def test_commands_that_do_not_exist(host):
    done = host.run(CITADEL, "helth")
    assert done.returncode == 2
    assert "there is no 'helth'; did you mean health?" in done.stderr
    assert host.run(CITADEL).returncode == 2
    assert host.run(CITADEL, "--help").returncode == 0


def test_a_model_that_fails_is_said_with_its_last_words(host):
    host.fault(fail=["citadel-phi3.service"])
    done = host.run(CITADEL, "start", "models")
    assert done.returncode == 1
    assert "mixtral: ready" in done.stdout
    assert "phi3 is not ready: exit-code, exit status 0" in done.stderr
    assert "CUDA out of memory" in done.stderr
    assert "Then: citadel start phi3" in done.stderr
    data = json.loads(host.run(CITADEL, "start", "phi3", "--json").stdout)
    assert data["ready"] == []
    assert data["failed"]["phi3"]["log"] == ["loading weights", "CUDA out of memory"]


def test_starts_that_were_counted_do_not_stand_in_the_way(host):
    host.set_unit("citadel-phi3.service", ActiveState="failed", SubState="failed", Result="start-limit-hit")
    assert host.run(CITADEL, "start", "phi3").returncode == 0
    assert host.calls() == ["reset-failed citadel-phi3.service", "start citadel-phi3.service"]


def test_a_unit_that_waits_to_be_tried_again_is_started_at_once(host):
    host.set_unit("citadel-phi3.service", ActiveState="activating", SubState="auto-restart", NRestarts="3")
    done = host.run(CITADEL, "start", "phi3")
    assert (done.returncode, done.stdout) == (0, "phi3: ready\n")
    assert host.calls()[0] == "stop citadel-phi3.service"


def test_waiting_is_bounded_by_the_load_timeout(host, monkeypatch):
    host.write_settings(('"load_timeout_sec": 900', '"load_timeout_sec": 0.5'))
    host.servers["phi3"].status = 503
    model = settings.load().models["phi3"]
    from citadel_node.control import waiting
    from citadel_node.control.progress import Silent

    host.activate(model.unit)
    wait = waiting.Wait("phi3", model.unit, model, model.load_timeout_sec)
    begun = time.monotonic()
    result = waiting.wait_until_ready([wait], Silent())
    assert time.monotonic() - begun < 5
    assert result.failed[0].reason == "it was not ready within 0.5 s"


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "ExecMainStatus": "1"},
            "it ended while it started (exit status 1)",
        ),
        ({"ActiveState": "inactive"}, "systemd does not start it"),
        ({"LoadState": "not-found"}, "its unit citadel-phi3.service is not installed"),
    ],
)
def test_starts_that_come_to_nothing(host, unit, words):
    from citadel_node.control import waiting
    from citadel_node.control.progress import Silent

    model = settings.load().models["phi3"]
    host.set_unit(model.unit, **unit)
    result = waiting.wait_until_ready([waiting.Wait("phi3", model.unit, model, 60)], Silent())
    assert words in result.failed[0].reason


def test_a_restart_does_not_take_the_old_process_for_the_new_one(host):
    from citadel_node.control import waiting
    from citadel_node.control.progress import Silent

    model = settings.load().models["phi3"]
    host.activate(model.unit)
    host.set_unit(model.unit, Job="17")
    wait = waiting.Wait("phi3", model.unit, model, 60)
    seen = []

    def sleep(_seconds):
        seen.append(wait.phase)
        host.set_unit(model.unit, Job="0")

    assert waiting.wait_until_ready([wait], Silent(), sleep=sleep).ready == ["phi3"]
    assert seen == ["waiting"]


def test_ctrl_c_ends_the_waiting_and_not_the_start(host):
    host.servers["phi3"].status = 503
    process = subprocess.Popen(
        [sys.executable, "-B", str(TEMPLATES / CITADEL.lstrip("/")), "start", "phi3"],
        env={**os.environ, **host.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "phi3: loading" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Not waiting any longer; systemd goes on." in err
    assert "Traceback" not in err
    assert host.active() == ["citadel-phi3.service"]


def test_no_wait_and_dry_run(host):
    done = host.run(CITADEL, "start", "mixtral", "--dry-run")
    assert (done.returncode, done.stdout) == (0, "would run: systemctl start citadel-mixtral.service\n")
    assert host.run(CITADEL, "stop", "all", "-n").returncode == 0
    assert host.calls() == []
    host.servers["mixtral"].status = 503
    assert host.run(CITADEL, "start", "mixtral", "--no-wait").returncode == 0


def test_units_that_are_not_installed(host):
    host.forget_unit("citadel-phi3.service")
    done = host.run(CITADEL, "start", "phi3")
    assert done.returncode == 1
    assert "citadel-phi3.service is not installed\n  Apply the inventory again" in done.stderr


def test_models_that_cannot_run_together(host):
    host.run(CITADEL, "start", "phi3")
    done = host.run(CITADEL, "start", "vision")
    assert done.stdout.splitlines()[0] == "phi3: is stopped, there is no room for both"
    one, other = settings.load().models["phi3"], settings.load().models["vision"]
    assert lifecycle.conflict(one, other)
    assert not lifecycle.conflict(one, settings.load().models["mixtral"])


def test_the_table_of_models(host):
    host.activate("citadel-phi3.service", "citadel-mixtral.service")
    host.servers["mixtral"].status = 500
    done = host.run(CITADEL, "models")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:4] == ["MODEL", "PORT", "STATE", "GPU"]
    assert lines[1][:4] == ["mixtral", str(host.servers["mixtral"].port), "unwell", "0,1"]
    assert lines[2][2] == "ready"
    assert lines[3][2] == "stopped"
    rows = json.loads(host.run(CITADEL, "models", "--json").stdout)["models"]
    assert [row["state"] for row in rows] == ["unwell", "ready", "stopped"]


def test_gpu_memory_belongs_to_the_unit_of_the_process(host, tmp_path):
    (tmp_path / "77").mkdir()
    (tmp_path / "77/cgroup").write_text("0::/system.slice/citadel-phi3.service/payload\n")
    (tmp_path / "78").mkdir()
    (tmp_path / "78/cgroup").write_text("1:name=systemd:/user.slice/session-1.scope\n")
    assert [unit_of(pid, tmp_path) for pid in (77, 78, 79)] == ["citadel-phi3.service", None, None]


def test_a_stuck_driver_does_not_hold_the_table(host):
    host.activate("citadel-phi3.service")
    host.gpus(hangSec=60)
    begun = time.monotonic()
    done = host.run(CITADEL, "models")
    assert time.monotonic() - begun < 9
    assert done.returncode == 0
    assert "GPU memory is not known: `nvidia-smi" in done.stderr


def test_status(host):
    host.activate("citadel-monitor.service")
    host.forget_unit("prometheus-node-exporter.service")
    done = host.run(CITADEL, "status")
    assert done.returncode == 0
    assert "citadel-monitor.service" in done.stdout
    assert "not installed" in done.stdout
    assert json.loads(host.run(CITADEL, "status", "--json").stdout)["units"][4]["active"] == "active"


def test_logs(host):
    for words, expected in (
        (["monitor"], "--no-pager --lines=50 --unit=citadel-monitor.service"),
        (["mixtral", "-f", "-n", "5"], "--no-pager --lines=5 --unit=citadel-mixtral.service --follow"),
        (["phi3", "--since", "-5min"], None),
        (
            ["phi3", "--since=10 minutes ago"],
            "--no-pager --lines=50 --unit=citadel-phi3.service --since=10 minutes ago",
        ),
    ):
        done = host.run(CITADEL, "logs", *words)
        if expected is None:
            assert done.returncode == 2
            continue
        assert (done.returncode, done.stdout) == (0, "loading weights\nCUDA out of memory\n")
        assert (host.state / "journal-calls").read_text().splitlines()[-1] == expected
    assert host.run(CITADEL, "logs", "phi3", "-n", "-1").returncode == 2


def complete(host, *words):
    file = TEMPLATES / "usr/share/bash-completion/completions/citadel"
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _citadel; printf "%s\n" "${COMPREPLY[@]}"'
    environment = {
        **os.environ,
        **host.environment,
        "PATH": f"{TEMPLATES}/usr/local/bin:{host.environment['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-c", script, "x", str(file), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_completion(host):
    file = TEMPLATES / "usr/share/bash-completion/completions/citadel"
    assert host.run(CITADEL, "completion", "bash").stdout == BASH == file.read_text()
    assert complete(host, "citadel", "st") == ["status", "start", "stop"]
    assert complete(host, "citadel", "restart", "mi") == ["mixtral"]
    assert complete(host, "citadel", "logs", "mo") == ["models", "monitor"]
    assert complete(host, "citadel", "start", "phi3", "--no") == ["--no-wait"]
    assert "models" in complete(host, "citadel", "stop", "")
    host.settings_file.write_text("broken")
    assert complete(host, "citadel", "stop", "") == []


def test_corrupt_settings_are_said(host):
    host.settings_file.write_text("NODE = {\n")
    done = host.run(CITADEL, "status")
    assert done.returncode == 1
    assert done.stderr.startswith(f"citadel: {host.settings_file}:1: not Python")
    assert host.run(CITADEL, "completion", "bash").returncode == 0


def test_a_manager_that_does_not_answer(host, monkeypatch):
    host.fault(hang="start")
    monkeypatch.setattr(lifecycle.systemd.start, "__defaults__", (0.5, True))
    with pytest.raises(lifecycle.ProgramError, match="did not end within"):
        lifecycle.systemd.start(["citadel-phi3.service"], 0.5)
