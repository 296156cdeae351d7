"""`citadel health`: what makes a node unwell, and what it says to do."""

import json
import os
import time

import pytest
from citadel_node import settings
from citadel_node.health import backups, hardware, node

CITADEL = "/usr/local/bin/citadel"
EXPECTED = """citadel_backup_expected{backup="models-daily",model="mixtral"} 1
citadel_backup_expected{backup="models-daily",model="phi3"} 1
citadel_backup_expected{backup="configs"} 1
citadel_backup_max_age_seconds{backup="models-daily"} 108000
citadel_backup_max_age_seconds{backup="configs"} 3600
"""


@pytest.fixture
def well(host):
    """A node on which everything is well."""
    host.run(CITADEL, "start", "all")
    host.activate("prometheus-node-exporter.service")
    host.serve_exporter()
    host.path("/opt/citadel/logs/monitoring/metrics.json").write_text("[]")
    prom(host, "expected", EXPECTED)
    return host


def prom(host, name, text):
    host.path(f"/var/lib/prometheus/node-exporter/citadel-{name}.prom").write_text(text)


def health(host):
    done = host.run(CITADEL, "health")
    assert "Traceback" not in done.stderr
    return done


def state_of(host, area, name):
    data = json.loads(host.run(CITADEL, "health", "--json").stdout)
    (check,) = [one for one in data["checks"] if (one["area"], one["name"]) == (area, name)]
    return data["ok"], check["state"], check["detail"], check["fix"]


def test_all_is_well(well):
    done = health(well)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith("All is well: ")
    # What starts by hand is shown, and not required.
    assert state_of(well, "models", "vision") == (
        True,
        "info",
        "is not running; is started by hand",
        "citadel start vision",
    )


def test_a_model_that_is_down(well):
    well.run(CITADEL, "stop", "phi3")
    done = health(well)
    assert done.returncode == 1
    assert "FAIL  phi3" in done.stdout
    assert "        citadel start phi3" in done.stdout
    assert "1 of " in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        (
            {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "ExecMainStatus": "1"},
            "failed (exit-code), exit status 1",
        ),
        ({"ActiveState": "activating", "SubState": "start-post"}, "is loading"),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "ExecMainStatus": "9"},
            "ended with status 9",
        ),
        ({"LoadState": "masked"}, "citadel-phi3.service is masked"),
    ],
)
def test_models_that_are_not_ready(well, unit, words):
    well.set_unit("citadel-phi3.service", **unit)
    ok, state, detail, fix = state_of(well, "models", "phi3")
    assert (ok, state) == (False, "failed")
    assert words in detail
    assert fix


def test_a_model_that_runs_and_does_not_answer(well):
    well.servers["phi3"].status = 500
    assert state_of(well, "models", "phi3")[2].endswith("/health says 500")


def test_a_model_that_answers_and_makes_no_token(well):
    port = well.servers["exporter"].port
    well.write_settings(('"port": 8000, "health_port": 8001', f'"port": {port}, "health_port": {port}'))
    well.servers["exporter"].text = 'citadel_model_probe_success{model="phi3"} 0\n'
    # It has just come up: the probe was of the process before.
    assert state_of(well, "models", "phi3")[1] == "ok"
    well.activate("citadel-phi3.service")
    ok, state, detail, fix = state_of(well, "models", "phi3")
    assert (ok, state, fix) == (False, "failed", "citadel logs phi3; citadel restart phi3")
    assert "but makes no token" in detail


def test_a_manual_model_that_failed_is_not_hidden(well):
    well.set_unit("citadel-vision.service", ActiveState="failed", SubState="failed", Result="oom-kill")
    assert state_of(well, "models", "vision")[:2] == (False, "failed")


def test_a_disk_that_is_gone(well):
    well.mount(backup="")
    ok, state, detail, _ = state_of(well, "disks", str(well.path("/mnt/citadel-backup")))
    assert (ok, state) == (False, "failed")
    assert "is not mounted" in detail


def test_a_link_that_is_gone(well):
    os.unlink(well.path("/opt/citadel/models"))
    ok, state, _, fix = state_of(well, "links", str(well.path("/opt/citadel/models")))
    assert (ok, state, fix) == (False, "failed", "/opt/citadel/scripts/storage_manager.py repair-symlinks")


GPU = {
    "index": 0,
    "uuid": "GPU-0",
    "name": "A100",
    "memory.total": 81920,
    "memory.used": 1,
    "power.limit": 300,
}


@pytest.mark.parametrize(
    ("gpu", "state", "words"),
    [
        ({"temperature.gpu": 95}, "failed", "95 °C: too hot"),
        ({"temperature.gpu": 85}, "warning", "85 °C: too hot"),
        ({"ecc.errors.uncorrected.volatile.total": 3}, "warning", "3 memory errors"),
        ({"memory.total": 40960}, "warning", "where 80 GiB were expected"),
        ({"power.limit": 250}, "warning", "its limit is 250 W and not 300 W"),
        ({}, "ok", "A100"),
    ],
)
def test_gpus(host, gpu, state, words):
    host.gpus(gpu=[{**GPU, **gpu}])
    first, second = hardware.gpu_checks(settings.load())
    assert (first.state, words in first.detail) == (state, True), first
    assert (second.state, second.detail) == ("failed", "is not there; 1 of 2 are")


def test_a_stuck_driver_costs_its_time_limit_only(well):
    well.gpus(hangSec=60)
    begun = time.monotonic()
    done = health(well)
    assert time.monotonic() - begun < 15
    assert done.returncode == 1
    assert "did not end within 5 s" in done.stdout
    assert "ok    phi3" in done.stdout


def test_what_watches(well):
    well.set_unit("citadel-monitor.service", ActiveState="inactive", SubState="dead")
    well.servers["exporter"].status = 500
    well.forget_unit("prometheus-node-exporter.service")
    done = health(well)
    assert "citadel-monitor.service is inactive (dead)" in done.stdout
    assert "says 500" in done.stdout
    assert "prometheus-node-exporter.service is not installed" in done.stdout


def test_a_monitor_that_hangs(well):
    old = time.time() - 600
    os.utime(well.path("/opt/citadel/logs/monitoring/metrics.json"), (old, old))
    ok, state, detail, _ = state_of(well, "monitoring", "metrics")
    assert (ok, state) == (True, "warning")
    assert "was written 10 min " in detail


def checks(host):
    return {check.name: check for check in backups.backup_checks(settings.load())}


def done_at(seconds_ago, backup, *models):
    name = "citadel_backup_last_success_timestamp_seconds"
    at = int(time.time() - seconds_ago)
    labels = [f'backup="{backup}",model="{model}"' for model in models] or [f'backup="{backup}"']
    return "".join(f"{name}{{{label}}} {at}\n" for label in labels)


def test_backups(host):
    assert [check.detail for check in backups.backup_checks(settings.load())] == [
        "none are planned on this node"
    ]
    prom(host, "expected", EXPECTED)
    first = checks(host)
    assert (first["models-daily"].state, first["configs"].state) == ("info", "info")
    assert first["models-daily"].detail == "no backup of mixtral, phi3 yet; the first is not due"

    prom(host, "backup", done_at(7200, "models-daily", "mixtral", "phi3") + done_at(60, "configs"))
    now = checks(host)
    assert (now["models-daily"].state, now["models-daily"].detail) == ("ok", "2 h old at most")

    prom(
        host,
        "backup",
        done_at(7200, "models-daily", "mixtral")
        + done_at(200000, "models-daily", "phi3")
        + done_at(4000, "configs"),
    )
    late = checks(host)
    assert late["models-daily"].state == late["configs"].state == "failed"
    assert late["models-daily"].detail == "late, at most 1 d 6 h are allowed: phi3 (2 d 7 h)"
    assert late["models-daily"].fix == "/opt/citadel/scripts/backup_models.py --type daily"


def test_a_first_backup_that_never_came(host):
    prom(host, "expected", EXPECTED)
    old = time.time() - 200000
    os.utime(host.path("/var/lib/prometheus/node-exporter/citadel-expected.prom"), (old, old))
    assert checks(host)["models-daily"].state == "failed"


def test_a_run_that_failed_and_an_archive_that_is_damaged(host):
    prom(host, "expected", EXPECTED)
    prom(
        host,
        "backup",
        done_at(7200, "models-daily", "mixtral", "phi3")
        + 'citadel_backup_last_run_success{backup="models-daily"} 0\n'
        + 'citadel_backup_archive_damaged{archive="/x/phi3-1.tar.zst",model="phi3"} 1\n',
    )
    found = checks(host)
    assert found["models-daily"].state == "warning"
    assert found["/x/phi3-1.tar.zst"].state == "failed"


def test_an_area_that_cannot_be_looked_at_is_a_failure(host, monkeypatch):
    monkeypatch.setenv("CITADEL_MOUNTINFO", "/nowhere")
    (check,) = node.area_checks(settings.load(), "disks")
    assert (check.state, check.detail) == ("failed", "/nowhere: No such file or directory")
