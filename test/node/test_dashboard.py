"""The dashboard, on a node in a directory: no exporter answers there, so it measures itself."""

import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest
from citadel_node import settings
from citadel_node.dashboard import data, main, panels
from citadel_node.exposition import Figures, parse
from citadel_node.monitor.observation import ModelFacts
from support.host import TEMPLATES

PROGRAM = TEMPLATES / "opt/citadel/scripts/monitoring_dashboard.py"


@pytest.fixture(autouse=True)
def no_exporter(host):
    host.write_settings(('"port": 8000', '"port": 9'))
    host.activate("citadel-phi3.service")
    state = {
        "alerts": [alert("critical", "gpu", "it is [red]hot[/red]\x1b[2J"), alert("warning", "disk", "full")]
    }
    (host.path("/var/lib/citadel") / "monitor.json").write_text(json.dumps(state))
    textfiles = host.path("/var/lib/prometheus/node-exporter")
    (textfiles / "citadel-backup.prom").write_text(
        f'citadel_backup_last_success_timestamp_seconds{{backup="configs"}} {time.time() - 60}\n'
        'citadel_backup_size_bytes{backup="configs"} 2048\n'
        'citadel_backup_expected{backup="models-daily",model="phi3"} 1\n'
    )


def alert(severity, source, message):
    return {
        "severity": severity,
        "source": source,
        "subject": "x",
        "message": message,
        "fix": "do this",
        "since": "2026-11-24T00:00:00Z",
    }


def test_json(capsys):
    assert main.main(["--json"]) == 0
    view = json.loads(capsys.readouterr().out)
    assert view["source"] == "monitor"
    assert view["models"]["phi3"]["probe"] is True
    assert view["models"]["mixtral"]["up"] is False
    assert [each["severity"] for each in view["alerts"]] == ["critical", "warning"]
    assert view["backups"]["configs"]["overdue"] is False
    assert view["backups"]["models-daily"]["overdue"] is True
    assert view["backups"]["models-weekly"]["overdue"] is False
    assert view["gpus"]["1"]["temperature_celsius"] == 41


@pytest.mark.parametrize("arguments", [["--once"], []])
def test_once_also_where_the_output_is_no_terminal(capsys, arguments):
    assert main.main(arguments) == 0
    text = capsys.readouterr().out
    assert "1 of 3 models serve   1 critical, 1 warning" in text
    assert "it is [red]hot[/red] [2J" in text, "no word of an alert is markup or steers the terminal"
    assert "\x1b" not in text


def test_states_in_words():
    def word(**facts):
        known = {"active": True, "up": True, "probe": True, "probe_sec": None, "looked_at": 1.0, **facts}
        return panels.state_of(ModelFacts(**known))[0]

    assert word() == "serves"
    assert word(probe=None) == "answers"
    assert word(probe=False) == "answers, serves nothing"
    assert word(up=False, probe=False) == "active, does not answer"
    assert word(up=False, active=False) == "not running"
    assert panels.state_of(None)[0] == "unknown"


def test_the_oldest_model_counts_for_a_backup():
    text = "".join(
        f'citadel_backup_last_success_timestamp_seconds{{backup="models-daily",model="{name}"}} {at}\n'
        f'citadel_backup_size_bytes{{backup="models-daily",model="{name}"}} 10\n'
        for name, at in (("phi3", 100), ("mixtral", 90))
    )
    daily = data.backups(Figures(parse(text)), settings.load())[1]
    assert (daily.name, daily.last_success, daily.size_bytes) == ("models-daily", 90, 20)


@pytest.mark.parametrize("leave", [b"q", b"\x03"])
def test_on_a_terminal_it_is_live_until_q_or_ctrl_c(leave):
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-B", str(PROGRAM), "--interval", "0.3"],
        stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"}, start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, 0x540E, 0),
    )  # fmt: skip
    os.close(slave)
    seen = b""
    deadline = time.monotonic() + 20
    sent = False
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                seen += os.read(master, 65536)
            except OSError:
                break
        if not sent and seen.count(b"models serve") >= 2:
            os.write(master, leave)
            sent = True
        if process.poll() is not None:
            break
    process.kill() if process.poll() is None else None
    os.close(master)
    assert sent
    assert process.wait(5) == 0
    assert seen.index(b"\x1b[?1049h") < seen.rindex(b"\x1b[?1049l"), "the screen is given back"
