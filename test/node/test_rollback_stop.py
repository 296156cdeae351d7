"""citadel-rollback emergency, graceful, partial: what is stopped, in which order, and by which hands."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from citadel_node import settings
from citadel_node.fetch import Response
from citadel_node.program import UsageError
from citadel_node.rollback import calm, emergency, texts, units
from citadel_node.rollback import processes as module
from citadel_node.rollback.processes import Process, is_ours, kill, matching, orphans, processes
from support.host import FakeHost

PROGRAM = "/usr/local/bin/citadel-rollback"
PYTHON = "/opt/citadel/vllm-env/bin/python"
ANSWERS = "answers-to=vllm.entrypoints.openai.api_server"


def process(pid: int, *words: str, parent: int = 1, state: str = "S") -> Process:
    return Process(pid, parent, state, words)


@pytest.mark.parametrize(
    ("words", "ours"),
    [
        ((PYTHON, "-X", ANSWERS, "/opt/citadel/vllm-env/bin/vllm", "serve"), True),
        (("/usr/bin/python3", "-m", "vllm.entrypoints.openai.api_server"), True),
        (("/usr/bin/python3", "-B", "/opt/citadel/scripts/backup_models.py"), True),
        (("/usr/bin/python3", "-B", "/usr/local/bin/citadel-monitor"), True),
        (("/opt/citadel/scripts/wait-for-health", "8000"), True),
        (("vim", "/opt/citadel/scripts/backup_models.py"), False),
        (("grep", "vllm.entrypoints"), False),
        (("pkill", "-f", "vllm.entrypoints.openai.api_server"), False),
        (("tail", "-f", "/opt/citadel/logs/monitoring/metrics.json"), False),
        (("/usr/bin/python3", "/home/agent0/notes.py", "/opt/x", "about", "/opt/citadel/scripts/"), False),
        (("sh", "/var/lib/citadel-iac/current/bin/tx.sh"), False),
        ((), False),
        (("VLLM::EngineCore",), True),
        (("VLLM::Worker_TP0",), True),
        (("vim", "VLLM::EngineCore"), False),
    ],
)
def test_only_what_runs_a_program_of_ours_is_killed(words: tuple[str, ...], ours: bool) -> None:
    assert is_ours(process(9, *words)) is ours


def test_an_orphan_of_an_engine_is_known_by_its_title_or_its_account(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker that took a title has lost its command line; one that lost even that has its account."""
    title = "import ctypes; ctypes.CDLL(None).prctl(15, b'VLLM::EngineCor'); print(1, flush=True); import time; time.sleep(60)"
    left = subprocess.Popen([sys.executable, "-c", title], stdout=subprocess.PIPE)
    assert left.stdout is not None
    left.stdout.readline()
    try:
        seen = processes()[left.pid]
        assert (seen.name, seen.uid) == ("VLLM::EngineCor", os.getuid())
        lost = Process(11, 1, "S", (), seen.uid, seen.name)
        assert is_ours(lost)
        assert not is_ours(Process(9, 1, "S", (), seen.uid, "kworker"))
        assert is_ours(Process(9, 1, "S", ("anything",), 4711, "x"), frozenset({4711}))
        # As `status` and the exporter see it: whatever no unit of a model holds.
        (tmp_path / "9").mkdir()
        (tmp_path / "9" / "cgroup").write_text("0::/system.slice/citadel-phi3.service\n")
        monkeypatch.setattr(module, "processes", lambda proc: {9: process(9, "VLLM::Worker"), 11: lost})
        assert [one.pid for one in orphans({"citadel-phi3.service"}, tmp_path)] == [11]
        assert [one.pid for one in orphans(set(), tmp_path)] == [9, 11]
    finally:
        left.kill()
        left.wait()


def test_descendants_go_and_ancestors_of_this_program_stay() -> None:
    known = {
        1: process(1, "init", parent=0),
        10: process(10, PYTHON, "-m", "vllm.entrypoints"),
        11: process(11, "VLLM::Worker", parent=10),
        12: process(12, "sh", parent=11),
        13: process(13, PYTHON, parent=10, state="Z"),
        20: process(20, "sudo", "citadel-rollback"),
        21: process(21, "/usr/bin/python3", "-B", "/usr/local/bin/citadel-deploy", parent=20),
        22: process(22, "/usr/bin/python3", "-B", "/usr/local/bin/citadel-rollback", parent=21),
    }
    assert [one.pid for one in matching(known, [22])] == [10, 11, 12]
    assert [one.pid for one in matching(known, [])] == [10, 11, 12, 21, 22]


def test_emergency_ends_a_process_that_heeds_nothing(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.activate("citadel-phi3.service", "citadel-monitor.service")
    text = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    deaf = subprocess.Popen([sys.executable, "-X", ANSWERS, "-c", text], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    deaf.stdout.readline()
    # Others of this machine are not ours to kill in a test.
    monkeypatch.setattr(
        emergency, "processes", lambda: {deaf.pid: process(deaf.pid, PYTHON)} if deaf.poll() is None else {}
    )
    report = emergency.emergency()
    assert deaf.wait(5) == -9
    assert report.done
    assert report.seconds < 5
    assert report.stopped == ["citadel-monitor.service", "citadel-phi3.service"]
    assert host.active() == []
    verbs = [line.split()[0] for line in host.calls() if not line.startswith("list-units")]
    assert verbs[:2] == ["stop", "kill"]
    assert verbs[-1] == "reset-failed"
    assert not any("citadel-iac-" in line for line in host.calls())


def test_emergency_goes_on_when_systemd_and_the_settings_do_not_answer(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.settings_file.write_text("this = is not [")
    host.fault(hang="list-units")
    host.activate("citadel-monitor.service")
    monkeypatch.setattr(emergency, "processes", dict)
    began = time.monotonic()
    report = emergency.emergency()
    assert time.monotonic() - began < 8
    assert report.done
    assert "did not end within" in report.problems[0]
    assert host.active() == []


def test_emergency_with_a_systemd_that_never_answers_ends_what_runs_at_once(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.fault(hang="any")
    model = subprocess.Popen([sys.executable, "-X", ANSWERS, "-c", "import time; time.sleep(60)"])
    seen = {model.pid: process(model.pid, PYTHON, "-m", "vllm.entrypoints")}
    monkeypatch.setattr(emergency, "processes", lambda: seen if model.poll() is None else {})
    began = time.monotonic()
    ended: list[float] = []
    monkeypatch.setattr(
        emergency, "kill", lambda found: (ended.append(time.monotonic() - began), kill(found))[1]
    )
    report = emergency.emergency()
    assert model.wait(5) == -9
    assert ended[0] < 4, "one time limit of systemctl, and not all of them"
    assert time.monotonic() - began < 10
    # No one knows whether systemd will start it again.
    assert not report.done
    assert len(report.killed) == 1
    assert report.left == []


def test_emergency_says_what_it_could_not_end(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = process(4_000_000, PYTHON, "-m", "vllm.entrypoints", state="D")
    monkeypatch.setattr(emergency, "processes", lambda: {stuck.pid: stuck})
    report = emergency.emergency(limit=1.0)
    assert not report.done
    assert report.left == [f"4000000, waits in the kernel: {PYTHON} -m vllm.entrypoints"]


def test_emergency_dry_run_stops_nothing(host: FakeHost) -> None:
    host.activate("citadel-phi3.service")
    run = host.run(PROGRAM, "emergency", "--dry-run", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["running"] == ["citadel-phi3.service"]
    assert host.active() == ["citadel-phi3.service"]


def test_the_engines_units_are_not_citadels(host: FakeHost) -> None:
    host.set_unit("citadel-iac-0123.service", ActiveState="active")
    assert "citadel-iac-0123.service" not in units.citadel_units().units


def test_order_of_a_graceful_stop(host: FakeHost) -> None:
    found = settings.load()
    steps = calm.plan_of(found, None)
    assert steps[:3] == [("model", name) for name in reversed(list(found.models))]
    assert steps[-3:] == [
        ("unit", f"citadel-{name}") for name in ("metrics-exporter.service", "monitor.service", "ai.target")
    ]
    assert calm.plan_of(found, "phi3") == [("model", "phi3")]
    assert calm.plan_of(found, "storage")[-1] == ("unit", "citadel-storage.service")
    with pytest.raises(UsageError) as error:
        calm.plan_of(found, "nothing")
    assert error.value.code == 2
    assert "models, monitoring, gpu, storage" in error.value.fix


def test_graceful_stops_what_runs_and_nothing_else(host: FakeHost) -> None:
    host.activate("citadel-phi3.service", "citadel-monitor.service", "prometheus-node-exporter.service")
    run = host.run(PROGRAM, "graceful")
    assert run.returncode == 0, run.stderr
    assert host.active() == ["prometheus-node-exporter.service"]
    stops = [line for line in host.calls() if line.startswith("stop")]
    assert stops == ["stop citadel-phi3.service", "stop citadel-monitor.service"]
    again = host.run(PROGRAM, "graceful")
    assert again.stdout == "It was all at rest.\n"


def test_partial_leaves_the_rest(host: FakeHost) -> None:
    host.activate("citadel-phi3.service", "citadel-mixtral.service", "citadel-monitor.service")
    assert host.run(PROGRAM, "partial", "phi3", "--dry-run").stdout.endswith("citadel-phi3.service\n")
    assert host.run(PROGRAM, "partial", "phi3").returncode == 0
    assert host.active() == ["citadel-mixtral.service", "citadel-monitor.service"]
    assert host.run(PROGRAM, "partial", "phi4").returncode == 2


def test_what_to_type_next_is_the_guides_order(host: FakeHost) -> None:
    said = texts.start_again(settings.load().first_model)
    assert [line.split()[-1] for line in said[1:]] == ["storage", "gpu", "phi3", "models", "health"]


def test_a_model_that_answers_is_waited_for_but_not_for_ever(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.activate("citadel-phi3.service")
    body = (
        b'vllm:num_requests_running{model="phi3"} 2.0\nvllm:num_requests_waiting{model="phi3"} 1.0\nother 7\n'
    )
    monkeypatch.setattr(calm, "fetch", lambda *_words: Response(200, body, 0.0))
    said: list[str] = []
    began = time.monotonic()
    assert calm.stop_in_order(settings.load(), [("model", "phi3")], 1.0, said.append) == [
        "citadel-phi3.service"
    ]
    assert 1.0 <= time.monotonic() - began < 5
    assert said == [
        "phi3: 3 requests are being answered, waiting up to 1 s",
        "phi3: not all were answered in time",
        "stop citadel-phi3.service",
    ]
