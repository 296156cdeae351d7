"""The exporter's collectors and its snapshots."""

import shutil
import subprocess
import threading
import time

import pytest
from citadel_node import commands, gpus, settings
from citadel_node.commands import Completed
from citadel_node.exporter import collectors, main
from citadel_node.exporter.catalogue import CATALOGUE, Sample
from citadel_node.exporter.expose import expose
from citadel_node.exporter.runner import Collector, Result, Runner, page_samples
from citadel_node.exporter.system import SystemCollector, parse_cpu
from citadel_node.models import Answer as ModelAnswer


def values(samples):
    return {(each.name.removeprefix("citadel_"), *each.labels): each.value for each in samples}


class TestSystem:
    def test_processor_time_is_the_difference_of_two_looks(self, tmp_path):
        (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 250 kB\nHugePages_Total: 0\n")
        (tmp_path / "loadavg").write_text("1.50 1.00 0.50 1/100 999\n")
        (tmp_path / "stat").write_text("cpu  10 0 10 70 10 0 0 0 99 99\ncpu0 1 2\nbtime 1700000000\n")
        collector = SystemCollector(tmp_path)
        assert values(collector().samples) == {
            ("system_cpu_ratio",): 0.2,
            ("system_memory_used_ratio",): 0.75,
            ("system_load1",): 1.5,
            ("system_boot_time_seconds",): 1.7e9,
        }
        (tmp_path / "stat").write_text("cpu  60 0 10 110 20 0 0 0 99 99\nbtime 1700000000\n")
        assert values(collector().samples)[("system_cpu_ratio",)] == 0.5

    def test_a_kernel_with_fewer_columns(self):
        assert parse_cpu("cpu 1 2 3 4\n") == (6, 10)

    def test_no_processor_line(self):
        with pytest.raises(ValueError, match="cpu"):
            parse_cpu("intr 1\n")


class TestXids:
    SAID = (
        "1700000000.25 ai-node kernel: NVRM: Xid (PCI:0000:3B:00): 79, pid=7, GPU has fallen off the bus.\n"
        "1700000100.5 ai-node kernel: NVRM: Xid (PCI:0000:3b:00): 79, pid=8, GPU has fallen off the bus.\n"
        "1700000050.0 ai-node kernel: NVRM: Xid (0000:af:00): 63, Row Remapper: New row marked\n"
        "-- Boot 1 --\nnonsense\n"
    )

    @staticmethod
    def journal(monkeypatch, code, out, err):
        monkeypatch.setattr(commands, "run", lambda argv, timeout: Completed(tuple(argv), code, out, err))

    def test_the_last_of_each(self, monkeypatch):
        self.journal(monkeypatch, 0, self.SAID, "")
        assert values(collectors.collect_xids().samples) == {
            ("gpu_xid_timestamp_seconds", "0000:3b:00", "79"): 1700000100.5,
            ("gpu_xid_timestamp_seconds", "0000:af:00", "63"): 1700000050.0,
        }

    def test_none_is_no_failure(self, monkeypatch):
        self.journal(monkeypatch, 1, "", "")
        assert collectors.collect_xids() == Result([])

    def test_a_journal_that_cannot_be_read_is(self, monkeypatch):
        self.journal(monkeypatch, 1, "", "No journal files were opened due to insufficient permissions.")
        assert "insufficient permissions" in collectors.collect_xids().problem


class TestGpus:
    def test_what_a_gpu_does_not_tell_is_left_out(self):
        state = gpus.GpuState(0, "u", "A100", None, 4, 80, 41.0, None, 300.0, None, True)
        found = values(collectors.GpuCollector(lambda _timeout: [state])().samples)
        assert found[("gpu_query_success",)] == 1
        assert found[("gpu_memory_used_bytes", "0")] == 4
        assert ("gpu_utilization_ratio", "0") not in found
        assert ("gpu_ecc_uncorrected_errors_total", "0") not in found

    def test_a_failed_query_says_so_and_nothing_else(self):
        result = collectors.GpuCollector(self.fail)()
        assert values(result.samples) == {("gpu_query_success",): 0}
        assert "did not end" in result.problem

    @staticmethod
    def fail(_timeout):
        raise gpus.GpuError("nvidia-smi did not end")

    def test_beside_one_that_cannot_be_killed_no_other_is_started(self):
        asked = []

        def query(timeout):
            asked.append(timeout)
            self.fail(timeout)

        stuck = [[7], []]
        collector = collectors.GpuCollector(query, lambda _name: stuck.pop(0))
        collector()
        assert "process 7" in collector().problem
        assert len(asked) == 1
        collector()
        assert len(asked) == 2, "it has ended: the next one is tried"

    def test_children_by_name(self):
        with subprocess.Popen(["sleep", "60"]) as process:
            try:
                assert collectors.children("sleep") == [process.pid]
                assert collectors.children("other") == []
            finally:
                process.kill()
        assert collectors.children("sleep") == []


class TestHost:
    def test_storage(self, host):
        host.mount(backup="")
        host.path("/mnt/citadel-models/active/phi3").unlink()
        found = values(collectors.collect_storage(settings.load()).samples)
        models, backup = (str(host.path(f"/mnt/citadel-{name}")) for name in ("models", "backup"))
        assert found[("storage_mounted", models)] == 1
        assert found[("storage_available_bytes", models)] > 0
        assert found[("storage_mounted", backup)] == 0
        assert ("storage_size_bytes", backup) not in found
        assert found[("storage_link_ok", f"{models}/active/phi3")] == 0
        assert found[("storage_link_ok", f"{models}/active/vision")] == 1

    def test_a_link_that_leads_elsewhere_or_to_nothing_is_not_ok(self, host):
        active = host.path("/mnt/citadel-models/active")
        (active / "phi3").unlink()
        (active / "phi3").symlink_to("imp-v1_5-7b")
        (active / "Mixtral-8x7B-Instruct-v0.1").rename(active / "gone")
        found = values(collectors.collect_storage(settings.load()).samples)
        assert found[("storage_link_ok", f"{active}/phi3")] == 0
        assert found[("storage_link_ok", f"{active}/mixtral")] == 0

    def test_services(self, host):
        host.activate("citadel-phi3.service", "citadel-storage.service")
        found = values(collectors.collect_services(settings.load()).samples)
        assert found[("service_active", "citadel-storage.service")] == 1
        assert found[("service_active", "citadel-gpu.service")] == 0
        assert found[("model_service_active", "phi3")] == 1
        assert found[("model_service_active", "mixtral")] == 0

    def test_restarts_come_from_the_monitor(self, host):
        assert (
            values(collectors.collect_restarts(settings.load()).samples)[
                ("monitor_model_restarts_total", "phi3")
            ]
            == 0
        )
        (host.path("/var/lib/citadel") / "monitor.json").write_text('{"models": {"phi3": {"total": 4}}}')
        assert (
            values(collectors.collect_restarts(settings.load()).samples)[
                ("monitor_model_restarts_total", "phi3")
            ]
            == 4
        )
        (host.path("/var/lib/citadel") / "monitor.json").write_text("{")
        assert collectors.collect_restarts(settings.load()).problem


def shown(samples):
    """What it says of the model, without its counts of probes."""
    counts = ("model_probes_", "model_probe_server_")
    return {key: value for key, value in values(samples).items() if not key[0].startswith(counts)}


class TestModels:
    def look(self, host, name="phi3", **answers):
        model = settings.load().models[name]
        asked = []

        def answer(kind):
            def ask(_model, timeout):
                asked.append((kind, timeout))
                return ModelAnswer(answers.get(kind, True), "words", 0.25)

            return ask

        collector = collectors.ModelCollector(
            model, 7.0, health=answer("health"), probe=answer("probe"), wall=lambda: 1000.0
        )
        return collector, asked

    def test_well(self, host):
        collector, asked = self.look(host)
        assert shown(collector().samples) == {
            ("model_up", "phi3"): 1,
            ("model_probe_success", "phi3"): 1,
            ("model_probe_duration_seconds", "phi3"): 0.25,
            ("model_probe_last_success_timestamp_seconds", "phi3"): 1000,
        }
        assert asked == [("health", 5.0), ("probe", 7.0)]

    def test_what_the_model_counts_of_its_probes_is_counted_here_as_well(self, host):
        model = settings.load().models["phi3"]
        answers = iter(
            [
                ModelAnswer(True, "", 0.2, 200),
                ModelAnswer(True, "", 3.0, 200),
                ModelAnswer(False, "", 0.1, 500),
                ModelAnswer(False, "no answer in time", 20.0),
                ModelAnswer(False, "", 0.1, 404),
            ]
        )
        collector = collectors.ModelCollector(
            model, 7.0, health=lambda *_: ModelAnswer(True, "", 0.0), probe=lambda *_: next(answers)
        )
        for _ in range(5):
            found = values(collector().samples)
        assert found[("model_probes_total", "phi3")] == 2
        assert found[("model_probe_server_errors_total", "phi3")] == 1
        within = {key[2]: value for key, value in found.items() if key[0] == "model_probes_within_total"}
        assert (within["0.1"], within["0.25"], within["2.5"], within["5.0"], within["40.0"]) == (
            0,
            1,
            1,
            2,
            2,
        )

    def test_wedged(self, host):
        collector, _ = self.look(host, probe=False)
        found = values(collector().samples)
        assert found[("model_up", "phi3")] == 1
        assert found[("model_probe_success", "phi3")] == 0
        assert ("model_probe_last_success_timestamp_seconds", "phi3") not in found

    def test_down_is_not_asked_for_a_token(self, host):
        collector, asked = self.look(host, health=False)
        assert shown(collector().samples) == {("model_up", "phi3"): 0, ("model_probe_success", "phi3"): 0}
        assert [kind for kind, _ in asked] == ["health"]

    def test_a_model_that_is_not_probed_is_asked_for_its_health_only(self, host):
        collector, asked = self.look(host, "vision")
        assert shown(collector().samples) == {("model_up", "vision"): 1}
        assert [kind for kind, _ in asked] == ["health"]
        assert list(collector.nothing()) == []

    @pytest.mark.parametrize("status", [400, 401, 404, 429])
    def test_a_question_that_is_refused_says_nothing_about_the_model(self, host, status):
        collector, _ = self.look(host)
        collector._probe = lambda *_: ModelAnswer(False, f"says {status}", 0.1, status)
        result = collector()
        assert shown(result.samples) == {("model_up", "phi3"): 1}
        assert result.problem == f"says {status}"

    def test_an_error_of_the_server_does(self, host):
        collector, _ = self.look(host)
        collector._probe = lambda *_: ModelAnswer(False, "says 500", 0.1, 500)
        assert values(collector().samples)[("model_probe_success", "phi3")] == 0

    def test_a_key_that_cannot_be_read_says_nothing_about_the_model(self, host):
        host.write_settings(('"api_key_file": None', '"api_key_file": "/nonexistent/key"'))
        collector, _ = self.look(host, probe=False)
        result = collector()
        assert shown(result.samples) == {("model_up", "phi3"): 1}
        assert "cannot be read" in result.problem

    @pytest.mark.parametrize(("interval", "seconds"), [(30, 20), (300, 20), (6, 4), (0.1, 1)])
    def test_the_time_for_a_token(self, interval, seconds):
        assert collectors.probe_timeout(interval) == seconds


class TestRunner:
    def runner(self, collect, **options):
        said = []
        collector = Collector(
            "gpu", "gpu", collect, 1.0, 5.0, lambda: [Sample("citadel_gpu_query_success", 0.0)]
        )
        self.time = 100.0
        return Runner(collector, said.append, clock=lambda: self.time, wall=lambda: 1e9 + self.time), said

    def test_nothing_before_the_first_run(self):
        runner, _ = self.runner(lambda: Result([]))
        assert runner.snapshot() is None

    def test_an_exception_is_a_failed_run_with_words(self):
        def fail():
            raise RuntimeError("broken")

        runner, said = self.runner(fail)
        runner.run_once()
        runner.run_once()
        snapshot = runner.snapshot()
        assert not snapshot.ok
        assert values(snapshot.samples) == {("gpu_query_success",): 0}
        assert said == ["gpu: RuntimeError: broken"], "said once, not each time"

    def test_well_again_is_said(self):
        results = iter([Result([], "x"), Result([])])
        runner, said = self.runner(lambda: next(results))
        runner.run_once()
        runner.run_once()
        assert said == ["gpu: x", "gpu: well again"]

    def test_a_run_that_hangs_keeps_the_old_figures_until_its_deadline_and_none_after_it(self):
        release = threading.Event()
        hanging = threading.Event()

        def collect():
            if hanging.is_set():
                release.wait(20)
            return Result([Sample("citadel_gpu_query_success", 1.0)])

        runner, said = self.runner(collect)
        runner.run_once()
        hanging.set()
        thread = threading.Thread(target=runner.run_once)
        thread.start()
        while runner._began is None:
            time.sleep(0.001)
        self.time += 5
        assert runner.snapshot().ok
        self.time += 1
        late = runner.snapshot()
        assert (late.ok, late.at, late.duration_sec) == (False, 1e9 + 105, 6)
        assert values(late.samples) == {("gpu_query_success",): 0}
        assert "no result after 5 seconds" in said[0]
        release.set()
        thread.join()
        assert runner.snapshot().ok

    def test_pages_show_their_own_collectors_and_their_age(self):
        runner, _ = self.runner(lambda: Result([Sample("citadel_gpu_query_success", 1.0)]))
        runner.run_once()
        page_of = lambda name: CATALOGUE[name].page  # noqa: E731
        found = values(page_samples([runner], "gpu", page_of, 1e9 + 107))
        assert found[("collector_age_seconds", "gpu")] == 7
        assert found[("collector_success", "gpu")] == 1
        assert page_samples([runner], "models", page_of, 0) == []
        assert len(page_samples([runner], None, page_of, 0)) == 5


def test_every_metric_is_in_the_format_and_passes_promtool():
    samples = [
        Sample(name, 1.5, tuple(f"v{n}" for n in range(len(entry.labels))))
        for name, entry in CATALOGUE.items()
    ]
    text = expose(samples).decode()
    assert 'citadel_gpu_ecc_uncorrected_errors_total{gpu="v0"} 1.5' in text
    assert "# TYPE citadel_monitor_model_restarts_total counter" in text
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_sample_that_the_catalogue_does_not_know_is_a_mistake():
    with pytest.raises(KeyError):
        expose([Sample("citadel_surprise", 1.0)])


def test_once_prints_everything(host, capsys):
    host.activate("citadel-phi3.service")
    assert main.main(["--once"]) == 0
    text = capsys.readouterr().out
    assert 'citadel_model_probe_success{model="phi3"} 1.0' in text
    assert 'citadel_model_up{model="mixtral"} 0.0' in text
    assert 'citadel_gpu_temperature_celsius{gpu="1"} 41.0' in text
