"""Alerts from observations, and whole cycles of the monitor on a node in a directory."""

import json
import os
from dataclasses import replace

import pytest
from citadel_node import settings
from citadel_node.exposition import Figures, parse
from citadel_node.monitor import main
from citadel_node.monitor.alert_book import AlertBook, Condition, severities
from citadel_node.monitor.observation import GpuFacts, MountFacts, Observation, entry, observe
from citadel_node.monitor.rules import counts_words, host_conditions, textfile_conditions
from citadel_node.program import BusyError, ProgramError

GIB = 2**30


def condition(severity="warning", subject="a", cycles=1, message="m"):
    return Condition(severity, "s", subject, message, "f", cycles)


class TestBook:
    def run(self, book, *cycles):
        return [
            [
                (each["severity"], each["subject"], each["state"])
                for each in book.update(conditions, 1e9 + at * 15)
            ]
            for at, conditions in enumerate(cycles)
        ]

    def test_said_once_and_resolved_after_two_clear_cycles(self):
        one = [condition()]
        told = self.run(AlertBook(), [], one, one, [], one, [], [], [])
        assert told == [[], [("warning", "a", "firing")], [], [], [], [], [("warning", "a", "resolved")], []]

    def test_what_lasts_too_short_is_no_alert(self):
        slow = [condition(cycles=3)]
        assert self.run(AlertBook(), slow, slow, [], slow, slow, slow)[-1] == [("warning", "a", "firing")]

    def test_worse_is_said_better_is_not(self):
        told = self.run(AlertBook(), [condition()], [condition("critical")], [condition()], [], [])
        assert told == [
            [("warning", "a", "firing")],
            [("critical", "a", "firing")],
            [],
            [],
            [("critical", "a", "resolved")],
        ]

    def test_of_two_about_the_same_thing_the_worse_counts(self):
        both = [condition("critical"), condition("warning")]
        assert self.run(AlertBook(), both, list(reversed(both))) == [[("critical", "a", "firing")], []]

    def test_since_is_the_first_cycle_with_it(self):
        book = AlertBook()
        book.update([condition(cycles=2)], 1e9)
        (told,) = book.update([condition(cycles=2)], 1e9 + 15)
        assert (told["since"], told["time"]) == ("2001-09-09T01:46:40Z", "2001-09-09T01:46:55Z")
        assert list(told) == ["time", "severity", "state", "source", "subject", "message", "fix", "since"]

    def test_a_restart_of_the_monitor_repeats_nothing(self):
        book = AlertBook()
        book.update([condition("critical"), condition(subject="b", cycles=5)], 1e9)
        again = AlertBook.from_json(json.loads(json.dumps(book.to_json())))
        assert again.counts() == {"critical": 1, "warning": 0}
        assert again.update([condition("critical")], 1e9 + 60) == []
        assert again.firing()[0]["since"] == "2001-09-09T01:46:40Z"

    @pytest.mark.parametrize("value", [None, {}, [1], [{}], [{"severity": "x", "since": "yesterday"}]])
    def test_what_is_no_state_is_left_out(self, value):
        assert AlertBook.from_json(value).firing() == []

    def test_worst_first(self):
        book = AlertBook()
        book.update([condition(subject="a"), condition("critical", subject="z")], 1e9)
        assert [each["subject"] for each in book.firing()] == ["z", "a"]
        assert severities(book.firing()) == {"critical": 1, "warning": 1}
        assert counts_words(book.counts()) == "1 critical, 1 warning"
        assert counts_words({"critical": 0, "warning": 0}) == "no alerts"


class TestRules:
    def said(self, host, **facts):
        seen = Observation(1e9, facts.pop("source", "exporter"), **facts)
        return [(each.severity, each.source, each.subject) for each in host_conditions(seen, settings.load())]

    def test_nothing_known_is_nothing_wrong(self, host):
        assert self.said(host) == []

    def test_load(self, host):
        assert self.said(host, cpu_percent=79.0, memory_percent=84.0) == []
        assert self.said(host, cpu_percent=80.0, memory_percent=96.0) == [
            ("warning", "system", "cpu"),
            ("critical", "system", "memory"),
        ]

    def test_gpus(self, host):
        assert self.said(host, gpu_query=False) == [("critical", "gpu", "nvidia-smi")]
        hot = {"0": GpuFacts(temperature_celsius=83.0, ecc_errors=2.0)}
        assert self.said(host, gpu_query=True, gpus=hot) == [
            ("critical", "gpu", "1"),
            ("warning", "gpu_temperature", "0"),
            ("critical", "gpu_memory", "0"),
        ]

    def test_storage(self, host):
        models = str(host.path("/mnt/citadel-models"))
        full = {"/": MountFacts(True, 100 * GIB, 9 * GIB), models: MountFacts(False)}
        assert self.said(host, mounts=full, links={"/opt/citadel/models": False}) == [
            ("critical", "mount", models),
            ("critical", "disk", "/"),
            ("warning", "link", "/opt/citadel/models"),
        ]

    def test_services_and_collectors(self, host):
        services = {"citadel-storage.service": False, "prometheus-node-exporter.service": True}
        assert self.said(
            host, services=services, failing_collectors=("gpu", "storage"), source="monitor"
        ) == [
            ("critical", "service", "citadel-storage.service"),
            ("warning", "service", "citadel-metrics-exporter.service"),
            ("warning", "collector", "storage"),
        ]

    def test_textfiles(self, host):
        now = 1e9
        text = f"""
            citadel_backup_last_success_timestamp_seconds{{backup="models-daily",model="phi3"}} {now - 200000}
            citadel_backup_last_success_timestamp_seconds{{backup="models-daily",model="mixtral"}} {now - 10}
            citadel_backup_last_success_timestamp_seconds{{backup="configs"}} {now - 10}
            citadel_backup_last_run_success{{backup="configs"}} 0
            citadel_backup_archive_damaged{{archive="/a/phi3.tar.zst",model="phi3"}} 1
            citadel_smart_healthy{{device="/dev/sda"}} 0
            citadel_smart_healthy{{device="/dev/sdb"}} 1
            citadel_smart_percentage_used_ratio{{device="/dev/sdb"}} 0.93
        """
        figures = Figures(parse("\n".join(line.strip() for line in text.splitlines())))
        found = [
            (each.severity, each.source, each.subject)
            for each in textfile_conditions(figures, settings.load(), now)
        ]
        assert found == [
            ("warning", "backup", "models-daily"),
            ("warning", "backup_run", "configs"),
            ("warning", "backup_archive", "/a/phi3.tar.zst"),
            ("critical", "smart", "/dev/sda"),
            ("warning", "smart_wear", "/dev/sdb"),
        ]
        assert list(textfile_conditions(Figures(), settings.load(), now)) == []

    def test_a_disk_is_worn_from_the_level_of_the_inventory_on(self, host):
        known = settings.load()
        later = replace(known, thresholds=replace(known.thresholds, smart_used_percent=93.0))
        figures = Figures(parse('citadel_smart_percentage_used_ratio{device="/dev/sdb"} 0.93'))
        assert [each.source for each in textfile_conditions(figures, known, 0)] == ["smart_wear"]
        assert list(textfile_conditions(figures, later, 0)) == []

    def test_damage_names_the_command_that_makes_a_new_one(self, host):
        text = (
            'citadel_backup_archive_damaged{archive="models/daily/phi3-1.tar.zst",model="phi3"} 1\n'
            'citadel_backup_archive_damaged{archive="system/configs/configs-1.tar.zst"} 1\n'
        )
        model, configs = textfile_conditions(Figures(parse(text)), settings.load(), 1e9)
        assert model.fix.endswith("backup_models.py --type daily --model phi3, then remove the damaged one")
        assert configs.message.endswith("configs-1.tar.zst of the configuration is damaged")
        assert configs.fix.endswith("scripts/backup_configs.py, then remove the damaged one")


def test_an_observation_and_its_entry():
    text = """citadel_system_cpu_ratio 0.123
citadel_gpu_query_success 1
citadel_gpu_utilization_ratio{gpu="0"} 0.5
citadel_gpu_memory_used_bytes{gpu="0"} 1073741824
citadel_model_up{model="phi3"} 1
citadel_model_service_active{model="phi3"} 1
citadel_model_probe_success{model="phi3"} 0
citadel_model_probe_duration_seconds{model="phi3"} 20.01
citadel_storage_mounted{mountpoint="/"} 1
citadel_storage_size_bytes{mountpoint="/"} 4294967296
citadel_storage_available_bytes{mountpoint="/"} 1073741824
citadel_service_active{unit="a.service"} 0
citadel_collector_success{collector="model/phi3"} 1
citadel_collector_last_run_timestamp_seconds{collector="model/phi3"} 42
"""
    seen = observe(Figures(parse(text)), 1e9, "exporter")
    assert seen.models["phi3"].looked_at == 42
    assert entry(seen, {"critical": 0, "warning": 0}) == {
        "time": "2001-09-09T01:46:40Z",
        "source": "exporter",
        "cpu_percent": 12.3,
        "gpu_query": True,
        "gpus": {"0": {"utilization_percent": 50.0, "memory_used_gib": 1.0}},
        "models": {"phi3": {"active": True, "up": True, "probe": False, "probe_ms": 20010}},
        "storage": {"/": {"mounted": True, "used_percent": 75.0, "size_gib": 4.0, "available_gib": 1.0}},
        "inactive_services": ["a.service"],
        "broken_links": [],
        "alerts": {"critical": 0, "warning": 0},
    }


class FixedSource:
    def __init__(self, *seen):
        self.seen = list(seen)

    def look(self, now):
        return self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]


class TestWatcher:
    @pytest.fixture
    def said(self):
        return []

    def watcher(self, said, *seen):
        return main.Watcher(settings.load(), said.append, source=FixedSource(*seen))

    def test_files_are_there_from_the_first_moment(self, host, said):
        self.watcher(said, Observation(1e9, "exporter"))
        logs = host.path("/opt/citadel/logs/monitoring")
        assert (logs / "alerts.json").read_text() == "[]\n"
        assert (logs / "metrics.json").read_text() == "[]\n"

    def test_an_alert_begins_once_survives_a_restart_and_ends(self, host, said):
        mount = str(host.path("/mnt/citadel-backup"))
        gone = Observation(1e9, "exporter", mounts={mount: MountFacts(False)})
        well = Observation(1e9, "exporter")
        watcher = self.watcher(said, gone)
        for at in range(3):
            watcher.cycle(1e9 + at)
        again = self.watcher(said, gone, well)
        for at in range(4):
            again.cycle(1e9 + 10 + at)
        events = json.loads((host.path("/opt/citadel/logs/monitoring") / "alerts.json").read_text())
        assert [(each["state"], each["subject"]) for each in events] == [
            ("firing", mount),
            ("resolved", mount),
        ]
        metrics = json.loads((host.path("/opt/citadel/logs/monitoring") / "metrics.json").read_text())
        assert [each["alerts"]["critical"] for each in metrics] == [0, 1, 1, 1, 1, 0, 0]

    def test_a_directory_that_cannot_be_written_is_said_with_what_to_do(self, host, said, monkeypatch):
        monkeypatch.setattr(os, "access", lambda *_: False)
        with pytest.raises(ProgramError, match="may not be written"):
            self.watcher(said, Observation(1e9, "exporter"))

    def test_a_full_disk_does_not_end_it(self, host, said, monkeypatch):
        watcher = self.watcher(said, Observation(1e9, "exporter"))

        def full():
            raise OSError(28, "No space left on device", "metrics.json")

        monkeypatch.setattr(watcher.metrics, "write", full)
        watcher.cycle(1e9)
        watcher.cycle(1e9 + 15)
        assert said == ["cannot write metrics.json: No space left on device; going on without"]

    def test_a_damaged_state_is_said_and_left(self, host, said):
        (host.path("/var/lib/citadel") / "monitor.json").write_text("{")
        self.watcher(said, Observation(1e9, "exporter"))
        assert "counting again" in said[0]

    def test_two_at_a_time_are_one_too_many(self, host):
        from citadel_node import files

        with files.locked(host.path("/var/lib/citadel") / "monitor.lock"), pytest.raises(BusyError):
            main.main(["--cycles", "1"])

    def test_some_cycles_by_hand_measure_without_an_exporter(self, host, capsys):
        host.write_settings(('"interval_sec": 15', '"interval_sec": 0.3'), ('"port": 8000', '"port": 9'))
        host.mount(backup="")
        assert main.main(["--cycles", "4", "--dry-run", "--json"]) == 0
        firing = json.loads(capsys.readouterr().out)["firing"]
        assert {"mount", "service"} <= {each["source"] for each in firing}
