"""Measuring and comparing."""

import json
import os
from pathlib import Path

import pytest
from citadel_node import settings
from citadel_node.baseline import disks, main, models, store
from citadel_node.baseline.compare import compare
from citadel_node.fetch import FetchError


class TestDisks:
    def test_measures_and_leaves_nothing(self, tmp_path):
        speed = disks.measure("/x", tmp_path, 16, 10.0)
        assert speed.problem is None
        assert speed.size_mib == 16
        assert speed.write_mib_per_sec > 0
        assert speed.read_mib_per_sec > 0
        assert list(tmp_path.iterdir()) == []

    def test_never_more_than_a_quarter_of_what_is_free(self, tmp_path, monkeypatch):
        real = os.statvfs(tmp_path)
        few = os.statvfs_result((*real[:4], 96 * 1024 * 1024 // real.f_frsize, *real[5:]))
        monkeypatch.setattr(os, "statvfs", lambda _path: few)
        assert disks.measure("/x", tmp_path, 1024, 10.0).size_mib == 24

    def test_a_full_disk_is_not_measured(self, tmp_path, monkeypatch):
        real = os.statvfs(tmp_path)
        monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result((*real[:4], 10, *real[5:])))
        assert "too little space" in disks.measure("/x", tmp_path, 1024, 10.0).problem

    def test_a_slow_disk_ends_in_time(self, tmp_path):
        ticks = iter(range(0, 1000, 2))
        speed = disks.measure("/x", tmp_path, 256, 5.0, clock=lambda: next(ticks))
        assert 4 <= speed.size_mib < 256

    def test_where_to_write(self, host):
        host.mount(backup="")
        found = disks.places(settings.load())
        assert found[str(host.path("/mnt/citadel-models"))] == host.path("/mnt/citadel-models")
        assert found[str(host.path("/mnt/citadel-backup"))] is None
        assert "not mounted" in disks.measure("/x", None, 16, 1.0).problem


def baseline(write=100.0, first=0.5, speed=40.0, temperature=40.0):
    return {
        "disks": [{"path": "/mnt", "write_mib_per_sec": write, "read_mib_per_sec": None}],
        "models": [{"model": "phi3", "first_token_sec": first, "tokens_per_sec": speed}],
        "gpus": [{"index": 0, "temperature": temperature}],
    }


class TestCompare:
    def worse(self, now, before, tolerance=0.2):
        return [each.what for each in compare(now, before, tolerance) if each.worse]

    def test_the_first_one_has_nothing_to_compare_with(self):
        deltas = compare(baseline(), None, 0.2)
        assert [each.what for each in deltas] == [
            "/mnt write",
            "phi3 first token",
            "phi3 speed",
            "GPU 0 temperature",
        ]
        assert {each.change for each in deltas} == {None}

    def test_less_speed_and_more_time_are_worse(self):
        slower = baseline(write=79.0, first=0.63, speed=31.0, temperature=90.0)
        assert self.worse(slower, baseline()) == ["/mnt write", "phi3 first token", "phi3 speed"]

    def test_within_the_tolerance_and_faster_are_not(self):
        assert self.worse(baseline(write=81.0, first=0.62, speed=33.0), baseline()) == []
        assert self.worse(baseline(write=900.0, first=0.1, speed=90.0), baseline()) == []

    def test_half_the_speed_and_twice_the_time_are_the_same_loss(self):
        assert self.worse(baseline(speed=20.0, first=1.0), baseline(), 0.49) == [
            "phi3 first token",
            "phi3 speed",
        ]
        assert self.worse(baseline(speed=20.0, first=1.0), baseline(), 0.51) == []

    def test_what_is_not_in_both(self):
        assert self.worse(baseline(), {"disks": None, "models": [1], "gpus": [{}]}) == []
        assert compare(baseline(), baseline(write=0.0), 0.2)[0].change is None


class TestStore:
    def test_newest_like_it_and_bounded(self, tmp_path):
        for day in range(1, 29):
            for month in ("01", "02", "03"):
                store.keep(tmp_path, {"time": f"2026-{month}-{day:02}T00:00:00Z", "quick": day % 2 == 0})
        assert len(list(tmp_path.iterdir())) == store.KEEP
        assert store.last_like(tmp_path, True)["time"] == "2026-03-28T00:00:00Z"
        assert store.last_like(tmp_path, False)["time"] == "2026-03-27T00:00:00Z"

    def test_what_cannot_be_read_is_passed_over(self, tmp_path):
        store.keep(tmp_path, {"time": "2026-01-01T00:00:00Z", "quick": True})
        (tmp_path / "20260202T000000Z.json").write_text("{")
        (tmp_path / "20260203T000000Z.json").write_text("[]")
        assert store.last_like(tmp_path, True)["time"] == "2026-01-01T00:00:00Z"
        assert store.last_like(Path("/nonexistent"), True) is None


class TestModels:
    def stream(self, monkeypatch, *events):
        """A model that streams these, an event a second."""
        self.time = 0.0

        def answer(_model, _wish, _deadline, _clock):
            for each in events:
                self.time += 1
                yield each

        monkeypatch.setattr(models, "_events", answer)
        return models._stream(settings.load().models["phi3"], 8, lambda: self.time)

    def test_first_token_and_speed(self, host, monkeypatch):
        token = {"choices": [{"text": "x"}]}
        run = self.stream(monkeypatch, {"choices": [{"text": ""}]}, token, token, token, {"choices": []})
        assert (run.first_token_sec, run.tokens, run.tokens_per_sec) == (2.0, 3, 1.0)

    def test_the_server_counts_better_where_it_counts(self, host, monkeypatch):
        token = {"choices": [{"text": "several words"}]}
        run = self.stream(monkeypatch, token, token, {"choices": [], "usage": {"completion_tokens": 9}})
        assert (run.tokens, run.tokens_per_sec) == (9, 8.0)

    def test_no_token_is_an_error(self, host, monkeypatch):
        with pytest.raises(FetchError, match="without a token"):
            self.stream(monkeypatch, {"choices": []})

    def test_what_does_not_run_is_left_out(self, host):
        found = models.measure(settings.load().models["phi3"], 8, 1)
        assert found.skipped
        assert "citadel-phi3.service is inactive" in found.problem

    def test_an_answer_that_is_no_stream(self, host):
        host.activate("citadel-phi3.service")
        found = models.measure(settings.load().models["phi3"], 8, 1)
        assert not found.skipped
        assert found.tokens_per_sec is None
        assert found.problem


class TestProgram:
    def test_keeps_compares_and_ends_well_also_when_slower(self, host, capsys, monkeypatch):
        speeds = iter([900.0, 900.0, 10.0, 10.0])
        monkeypatch.setattr(
            disks, "measure", lambda path, *_: disks.DiskSpeed(path, next(speeds), 100.0, 8, "direct")
        )
        assert main.main(["--quick"]) == 0
        assert "nothing to compare with" in capsys.readouterr().out
        monkeypatch.setattr("citadel_node.output.time_text", lambda _at: "2036-01-01T00:00:00Z")
        assert main.main(["--quick", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [each["worse"] for each in found["comparison"][:4]] == [True, True, False, False]
        assert found["comparison"][0]["change"] == pytest.approx(-0.9889)
        kept = sorted(each.name for each in (host.path("/var/lib/citadel") / "baselines").iterdir())
        assert kept[-1] == "20360101T000000Z.json"

    def test_what_could_not_be_measured_is_exit_status_1(self, host, capsys):
        host.mount(backup="")
        host.gpus(fail="no devices")
        assert main.main(["--quick", "--disk-mib", "8"]) == 1
        told = capsys.readouterr().err
        assert "not measured: nvidia-smi fails" in told
        assert "citadel-backup: it is not mounted" in told

    def test_dry_run_writes_nothing(self, host, capsys):
        assert main.main(["--dry-run"]) == 0
        assert "2048 MiB at most" in capsys.readouterr().out
        assert not (host.path("/var/lib/citadel") / "baselines").exists()

    @pytest.mark.parametrize("arguments", [["--tolerance", "2"], ["--disk-mib", "1"], ["--nonsense"]])
    def test_usage(self, host, arguments):
        with pytest.raises(SystemExit) as ended:
            main.main(arguments)
        assert ended.value.code == 2
