"""citadel-deploy: phases, gates, what is remembered."""

import json
import os
import subprocess
import sys
import time

import pytest
from citadel_node import settings
from citadel_node.deploy import state as states
from citadel_node.deploy.phases import phases
from support.host import LIBRARY, TEMPLATES

DEPLOY = "/usr/local/bin/citadel-deploy"
ORDER = ["storage", "gpu", "phi3", "mixtral", "monitoring"]


@pytest.fixture
def node(host):
    host.serve_exporter()
    python = host.path("/opt/citadel/vllm-env/bin/python")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return host


def started(host):
    return [line.split()[1] for line in host.calls() if line.startswith("start ")]


def recorded(host):
    return {
        name: one["state"]
        for name, one in json.loads(host.path("/var/lib/citadel/deploy.json").read_text())["phases"].items()
    }


def test_phases_in_their_order(node):
    assert [phase.name for phase in phases(settings.load())] == ORDER


def test_a_whole_deployment_in_order(node):
    before = node.run(DEPLOY, "status")
    assert before.returncode == 1
    assert "Next: storage (citadel-deploy next)" in before.stdout
    done = node.run(DEPLOY, "resume")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "Everything is deployed."
    assert started(node) == [
        "citadel-storage.service",
        "citadel-gpu.service",
        "citadel-phi3.service",
        "citadel-mixtral.service",
        "citadel-monitor.service",
        "citadel-ai.target",
    ]
    # Each model had to make a token before the next was begun.
    assert "POST /v1/completions" in node.servers["phi3"].requests
    assert list(recorded(node).values()) == ["done"] * 5
    node.activate("citadel-vision.service")  # its double listens all the time
    assert node.run(DEPLOY, "validate").returncode == 0
    after = node.run(DEPLOY, "status", "--json")
    assert after.returncode == 0
    assert json.loads(after.stdout)["complete"] is True


def test_again_on_a_healthy_host_changes_nothing(node):
    node.run(DEPLOY, "resume")
    calls = node.calls()
    done = node.run(DEPLOY, "resume")
    assert (done.returncode, done.stdout) == (0, "Everything is deployed and well; there is nothing to do.\n")
    assert node.calls() == calls
    # Also where nothing is remembered: what is well is not started again.
    os.unlink(node.path("/var/lib/citadel/deploy.json"))
    assert node.run(DEPLOY, "status").returncode == 0
    again = node.run(DEPLOY, "resume", "--json")
    assert json.loads(again.stdout) == {"ok": True, "complete": True, "ran": []}
    assert json.loads(node.run(DEPLOY, "phase", "phi3", "--json").stdout)["ran"][0]["changed"] is False
    assert node.calls() == calls


def test_one_phase_at_a_time(node):
    for name in ORDER:
        done = node.run(DEPLOY, "next", "--json")
        assert [one["phase"] for one in json.loads(done.stdout)["ran"]] == [name]
    assert node.run(DEPLOY, "next").stdout.startswith("Everything is deployed and well")


def test_a_failed_phase_is_remembered_and_resumed(node):
    node.fault(fail=["citadel-mixtral.service"])
    done = node.run(DEPLOY, "resume")
    assert done.returncode == 1
    assert "mixtral failed: mixtral: exit-code" in done.stderr
    assert "CUDA out of memory" in done.stderr
    assert "citadel-deploy resume" in done.stderr
    assert recorded(node) == {"storage": "done", "gpu": "done", "phi3": "done", "mixtral": "failed"}
    status = node.run(DEPLOY, "status")
    assert status.returncode == 1
    assert "CUDA out of memory" in status.stdout
    node.fault()
    calls = len(node.calls())
    assert node.run(DEPLOY, "resume").returncode == 0
    assert "citadel-phi3.service" not in " ".join(node.calls()[calls:])
    assert set(recorded(node).values()) == {"done"}


def test_a_model_that_makes_no_token_stops_the_deployment(node, monkeypatch):
    from citadel_node.deploy import phases as module
    from citadel_node.program import ProgramError

    monkeypatch.setattr(module, "_PROBE_SEC", 0.5)
    node.servers["phi3"].wedged = True
    found = settings.load()
    phase = phases(found)[2]
    from citadel_node.control.progress import Silent

    with pytest.raises(ProgramError, match=r"phi3 token makes no token: no answer within 0\.5 s"):
        module.carry_out(found, phase, Silent())
    # It runs already, so the next try restarts it.
    with pytest.raises(ProgramError):
        module.carry_out(found, phase, Silent())
    assert node.calls()[-1] == "restart citadel-phi3.service"


def test_gates(node):
    done = node.run(DEPLOY, "phase", "mixtral")
    assert done.returncode == 1
    assert "mixtral comes after storage, which is not well" in done.stderr
    assert node.calls() == []
    assert node.run(DEPLOY, "phase", "mixtral", "--force").returncode == 0
    assert node.active() == ["citadel-mixtral.service"]


def test_what_was_done_and_is_no_longer_well_is_done_again(node):
    node.run(DEPLOY, "resume")
    node.set_unit("citadel-phi3.service", ActiveState="inactive", SubState="dead")
    status = node.run(DEPLOY, "status", "--json")
    rows = {row["phase"]: row["state"] for row in json.loads(status.stdout)["phases"]}
    assert rows["phi3"] == "unwell"
    plan = node.run(DEPLOY, "resume", "--dry-run", "--json")
    assert json.loads(plan.stdout) == {"would_run": ["phi3"]}
    assert node.run(DEPLOY, "next").returncode == 0
    assert "citadel-phi3.service" in node.active()


def test_links_are_mended_in_the_storage_phase(node):
    os.unlink(node.path("/opt/citadel/models"))
    assert node.run(DEPLOY, "next").returncode == 0
    assert node.path("/opt/citadel/models").is_symlink()


def test_a_missing_disk_stops_it_at_the_first_phase(node):
    node.mount(models="")
    assert node.run(DEPLOY, "validate").returncode == 1
    done = node.run(DEPLOY, "resume")
    assert done.returncode == 1
    assert "storage failed: " in done.stderr
    assert "is not mounted" in done.stderr
    assert recorded(node) == {"storage": "failed"}


def test_a_cut_off_run_is_said_and_resumed(node):
    path = node.path("/var/lib/citadel/deploy.json")
    found = settings.load()
    states.save(found, states.State({"storage": states.Record("running", time.time() - 60)}))
    assert path.exists()
    assert "interrupted  1 min " in node.run(DEPLOY, "status").stdout
    assert node.run(DEPLOY, "next").returncode == 0
    assert recorded(node) == {"storage": "done"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 9, "phases": {}}',
        '{"version": 1}',
        '{"version": 1, "phases": {"gpu": {"state": "x"}}}',
    ],
)
def test_a_damaged_memory_is_put_aside(node, text):
    path = node.path("/var/lib/citadel/deploy.json")
    path.write_text(text)
    done = node.run(DEPLOY, "next")
    assert done.returncode == 0
    assert "deploy.json is damaged and was moved to deploy.json.damaged" in done.stderr
    assert recorded(node) == {"storage": "done"}
    assert path.with_name("deploy.json.damaged").read_text() == text


def test_one_at_a_time(node):
    program = (
        f"import sys; sys.path.insert(0, {str(LIBRARY)!r})\nimport time\nfrom citadel_node import settings\n"
        "from citadel_node.deploy import state\nwith state.held(settings.load()):\n  print(1, flush=True); time.sleep(30)"
    )
    holder = subprocess.Popen([sys.executable, "-B", "-c", program], stdout=subprocess.PIPE)
    holder.stdout.readline()
    done = node.run(DEPLOY, "resume")
    holder.kill()
    holder.communicate()
    assert done.returncode == 75
    assert (
        f"another citadel-deploy holds {node.root}/var/lib/citadel/deploy.lock (process {holder.pid})"
        in done.stderr
    )


def test_validate_finds_what_is_missing(node):
    os.unlink(node.path("/opt/citadel/vllm-env/bin/python"))
    node.forget_unit("citadel-phi3.service")
    node.gpus(gpu=[])
    done = node.run(DEPLOY, "validate")
    assert done.returncode == 1
    for words in (
        "bin/python cannot be run",
        "citadel-phi3.service  ",
        "is not there; 0 of 2 are",
        f"{node.servers['mixtral'].port}  ",
        "is taken by something that is not citadel-mixtral.service",
    ):
        assert words in done.stdout, words
    assert node.calls() == []


def test_usage(node):
    done = node.run(DEPLOY, "phase", "phi4")
    assert done.returncode == 2
    assert (
        "there is no 'phi4'; did you mean phi3?\n  Phases: storage, gpu, phi3, mixtral, monitoring."
        in done.stderr
    )
    assert node.run(DEPLOY).returncode == 2
    assert node.run(DEPLOY, "--help").returncode == 0
    assert (TEMPLATES / DEPLOY.lstrip("/")).stat().st_mode & 0o111
