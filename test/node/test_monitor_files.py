"""metrics.json, alerts.json and history.jsonl."""

import json
import re
import subprocess
import threading
from pathlib import Path

import pytest
from citadel_node.monitor import history
from citadel_node.monitor.array_file import ArrayFile, read_array
from citadel_node.monitor.observation import unix
from citadel_node.output import time_text as utc


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "alerts.json"


def jq(path, program):
    return subprocess.run(["jq", "-c", program, str(path)], capture_output=True, text=True, check=True).stdout


class TestArrayFile:
    def test_a_missing_file_is_an_empty_array(self, path):
        file = ArrayFile(path, 3)
        file.write()
        assert path.read_text() == "[]\n"
        assert path.stat().st_mode & 0o777 == 0o644

    def test_one_object_a_line_bounded(self, path):
        file = ArrayFile(path, 3)
        file.append({"n": n, "severity": "warning"} for n in range(5))
        file.write()
        assert [each["n"] for each in json.loads(path.read_text())] == [2, 3, 4]
        lines = [line for line in path.read_text().splitlines() if re.search("(critical|warning)", line)]
        assert len(lines) == 3

    def test_the_lines_of_the_guide(self, path):
        file = ArrayFile(path, 9)
        file.append([{"n": 1, "severity": "critical"}, {"n": 2, "severity": "warning"}])
        file.write()
        assert jq(path, ".[-1]") == '{"n":2,"severity":"warning"}\n'
        assert jq(path, ".[-5:] | length") == "2\n"
        assert jq(path, '.[] | select(.severity=="critical")') == '{"n":1,"severity":"critical"}\n'

    def test_goes_on_where_it_was(self, path):
        file = ArrayFile(path, 9)
        file.append([{"text": "zwei Zeilen\nund ä, ],"}])
        file.write()
        again = ArrayFile(path, 9)
        again.append([{"n": 2}])
        again.write()
        assert json.loads(path.read_text()) == [{"text": "zwei Zeilen\nund ä, ],"}, {"n": 2}]
        assert next(again.newest_first()) == {"n": 2}

    @pytest.mark.parametrize(
        ("text", "found", "damaged"),
        [
            ("", 0, 0),
            ("[]", 0, 0),
            ('[\n{"n": 1},\n{"n": \n', 1, 1),
            ('[\n{"n": 1},\n\0\0\0\n{"n": 2}\n]\n', 2, 1),
            ('[{"n": 1}, {"n": 2}]', 2, 0),
            (json.dumps([{"n": 1}, {"n": 2}], indent=2), 2, 0),
            ('{"n": 1}', 1, 0),
            ("[1, 2]", 0, 2),
            ("nonsense", 0, 1),
        ],
    )
    def test_what_others_left_there(self, path, text, found, damaged):
        path.write_text(text)
        lines, bad = read_array(path)
        assert (len(lines), bad) == (found, damaged)

    def test_readers_never_see_half_a_file(self, path):
        file = ArrayFile(path, 200)
        file.append({"n": n} for n in range(200))
        file.write()
        stop = threading.Event()

        def write():
            while not stop.is_set():
                file.append([{"n": 0}])
                file.write()

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for _ in range(300):
                assert len(json.loads(path.read_text())) == 200
        finally:
            stop.set()
            thread.join()
        assert [each.name for each in path.parent.iterdir()] == [path.name]

    def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(self, path, monkeypatch):
        file = ArrayFile(path, 3)
        file.write()
        file.append([{"n": 1}])
        monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            file.write()
        assert path.read_text() == "[]\n"
        assert [each.name for each in path.parent.iterdir()] == [path.name]


def entry(at, **rest):
    return {
        "time": utc(at),
        "models": {"phi3": {"active": True, "up": True, "probe": True, "probe_ms": 10}},
        **rest,
    }


class TestHistory:
    hour = 1_700_000_000 // 3600 * 3600

    def test_the_line_of_an_hour(self):
        entries = [
            entry(
                self.hour,
                cpu_percent=10.0,
                gpus={"0": {"temperature_celsius": 40.0, "utilization_percent": 5.0}},
            ),
            entry(self.hour + 15, cpu_percent=30.0, storage={"/": {"used_percent": 7.0, "mounted": True}}),
            entry(self.hour + 3600),
        ]
        entries[1]["models"] = {"phi3": {"active": True, "up": True, "probe": False, "probe_ms": 20000}}
        line = history.summarise(self.hour, entries, 15, {"critical": 1, "warning": 0})
        assert line == {
            "hour": utc(self.hour),
            "observed": 0.008,
            "cpu_percent": {"mean": 20.0, "max": 30.0},
            "models": {"phi3": {"serving": 0.5, "active": 1.0, "probe_ms": 20000}},
            "gpus": {"0": {"temperature_max": 40.0, "utilization_mean": 5.0}},
            "storage": {"/": {"used_percent": 7.0}},
            "alerts": {"critical": 1, "warning": 0},
        }

    def test_an_hour_without_entries_has_no_line(self):
        assert history.summarise(self.hour, [], 15, {}) is None

    def test_a_model_that_is_not_probed_serves_when_it_answers(self):
        entries = [{"time": utc(self.hour), "models": {"vision": {"active": True, "up": True}}}]
        assert history.summarise(self.hour, entries, 15, {})["models"] == {
            "vision": {"serving": 1.0, "active": 1.0}
        }

    def test_finished_hours_are_appended_once_also_after_a_restart(self, tmp_path):
        path = tmp_path / "history.jsonl"
        entries = [entry(self.hour + 60), entry(self.hour + 7300)]
        arguments = (self.hour + 3 * 3600, lambda: entries, 15, lambda _hour: {})
        assert history.History(path).append_finished(*arguments) == 2
        kept = history.History(path)
        assert kept.append_finished(*arguments) == 0
        assert [unix(line["hour"]) for line in history.read_history(path)] == [self.hour, self.hour + 7200]

    def test_the_current_hour_waits(self, tmp_path):
        kept = history.History(tmp_path / "history.jsonl")
        assert kept.append_finished(self.hour + 3599, lambda: [entry(self.hour)], 15, lambda _hour: {}) == 0

    def test_bounded_and_not_spoilt_by_a_line_cut_short(self, tmp_path):
        path = tmp_path / "history.jsonl"
        path.write_text(json.dumps({"hour": utc(self.hour)}) + '\n{"hour": "20')
        kept = history.History(path, keep=10)
        for n in range(1, 15):
            at = self.hour + n * 3600
            assert kept.append_finished(at + 3600, lambda at=at: [entry(at)], 15, lambda _hour: {}) == 1
        hours = [unix(line["hour"]) for line in history.read_history(path)]
        assert hours[-1] == self.hour + 14 * 3600
        assert 10 <= len(hours) <= 11
        assert hours == sorted(set(hours))
