"""Health of the disks."""

import json
import stat

import pytest
from citadel_node import smart, textfile
from citadel_node.smart import DiskHealth, disks_of, metrics, read_health

NVME = {
    "smart_support": {"available": True, "enabled": True},
    "smart_status": {"passed": True, "nvme": {"value": 0}},
    "temperature": {"current": 38},
    "nvme_smart_health_information_log": {"critical_warning": 0, "percentage_used": 3},
}


class TestDisks:
    @pytest.fixture
    def dev(self, tmp_path):
        (tmp_path / "dev/disk/by-label").mkdir(parents=True)
        (tmp_path / "dev/sda1").touch()
        (tmp_path / "dev/disk/by-label/citadel-backup").symlink_to("../../sda1")
        return tmp_path / "dev"

    def test_by_label_and_what_is_missing(self, dev, tmp_path):
        found, problems = disks_of(
            ["LABEL=citadel-backup", f"{dev}/sda1", f"{dev}/nvme9n1p1", "UUID=1-2", "tmpfs"], dev, tmp_path
        )
        assert found == [f"{dev}/sda1"], "names outside of /dev are no partitions"
        assert problems == [
            f"{dev}/nvme9n1p1: there is no such device",
            "UUID=1-2: there is no such device",
            "tmpfs: there is no such device",
        ]

    @pytest.mark.parametrize(
        ("device", "disk"),
        [
            ("/dev/nvme1n1p1", "/dev/nvme1n1"),
            ("/dev/nvme1n1", "/dev/nvme1n1"),
            ("/dev/sda1", "/dev/sda"),
            ("/dev/sdab12", "/dev/sdab"),
            ("/dev/vdb", "/dev/vdb"),
            ("/dev/mmcblk0p2", "/dev/mmcblk0"),
            ("/dev/loop3", "/dev/loop3"),
        ],
    )
    def test_a_partition_belongs_to_its_disk(self, device, disk, tmp_path):
        assert smart._disks_below(device, tmp_path) == [disk]

    def test_a_volume_has_the_disks_below_it(self, tmp_path):
        for name, below in (("dm-0", ["md0"]), ("md0", ["sda1", "nvme0n1p2"])):
            for each in below:
                (tmp_path / "class/block" / name / "slaves" / each).mkdir(parents=True)
        assert smart._disks_below("/dev/dm-0", tmp_path) == ["/dev/nvme0n1", "/dev/sda"]


class TestReading:
    def test_nvme(self):
        assert read_health("/dev/nvme0n1", NVME, 0) == DiskHealth("/dev/nvme0n1", True, 38.0, 0.03, 0)

    def test_a_failing_disk_has_bits_in_the_exit_status(self):
        found = read_health("/dev/sda", {**NVME, "smart_status": {"passed": False}}, 8)
        assert found.healthy is False
        assert found.problem is None

    def test_an_ssd_with_ata(self):
        said = {"smart_status": {"passed": True}, "endurance_used": {"current_percent": 41}}
        assert read_health("/dev/sda", said, 0) == DiskHealth("/dev/sda", True, None, 0.41, None)

    def test_counts_that_grow_before_a_disk_fails(self):
        table = [
            {"id": 5, "raw": {"value": 8}},
            {"id": 197, "raw": {"value": 2}},
            {"id": 199, "raw": {"value": 9}},
        ]
        ata = read_health(
            "/dev/sda", {"smart_status": {"passed": True}, "ata_smart_attributes": {"table": table}}, 0
        )
        assert (ata.reallocated_sectors, ata.pending_sectors, ata.media_errors) == (8.0, 2.0, None)
        log = {**NVME["nvme_smart_health_information_log"], "media_errors": 4}
        nvme = read_health("/dev/nvme0n1", {**NVME, "nvme_smart_health_information_log": log}, 0)
        assert (nvme.media_errors, nvme.pending_sectors) == (4.0, None)

    def test_without_smart_it_is_neither_well_nor_failing(self):
        found = read_health("/dev/vda", {"smart_support": {"available": False}}, 4)
        assert (found.healthy, found.problem, found.without_smart) == (None, "it has no SMART", True)
        off = read_health("/dev/sda", {"smart_support": {"available": True, "enabled": False}}, 4)
        assert off.problem == "SMART is switched off"

    def test_a_device_that_does_not_open(self):
        said = {"smartctl": {"messages": [{"string": "open failed: \x1b[31mNo such device"}]}}
        found = read_health("/dev/sdx", said, 2)
        assert found.problem == "open failed:  [31mNo such device"
        assert not found.without_smart

    @pytest.mark.parametrize(
        "said", [None, [], "x", {}, {"smart_status": 1}, {"smart_status": {"passed": "yes"}}]
    )
    def test_nonsense_is_not_healthy(self, said):
        assert read_health("/dev/sda", said, 0).healthy is None


def test_metrics_leave_out_what_nobody_knows():
    text = textfile.render(metrics([read_health("/dev/nvme0n1", NVME, 0), DiskHealth("/dev/vda")], 1e9))
    assert 'citadel_smart_healthy{device="/dev/nvme0n1"} 1\n' in text
    assert 'citadel_smart_healthy{device="/dev/vda"}' not in text
    assert 'citadel_smart_available{device="/dev/vda"} 0\n' in text
    assert 'citadel_smart_percentage_used_ratio{device="/dev/nvme0n1"} 0.03\n' in text
    assert "citadel_smart_last_run_timestamp_seconds 1000000000\n" in text


class TestProgram:
    @pytest.fixture
    def smartctl(self, host, monkeypatch):
        """Puts a smartctl on PATH that says this; the mounts' disks are sda and sdb."""

        def install(said, status=0):
            folder = host.root / "tools"
            folder.mkdir(exist_ok=True)
            program = folder / "smartctl"
            program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {status}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            monkeypatch.setenv("PATH", f"{folder}:{host.environment['PATH']}")

        monkeypatch.setattr(smart, "disks_of", lambda _sources: (["/dev/sda"], []))
        return install

    def test_writes_what_the_disk_says(self, host, smartctl, capsys):
        smartctl(json.dumps(NVME))
        assert smart.main([]) == 0
        assert "/dev/sda  well    38 °C        3 %" in capsys.readouterr().out
        written = host.path("/var/lib/prometheus/node-exporter") / "citadel-smart.prom"
        assert 'citadel_smart_healthy{device="/dev/sda"} 1' in written.read_text()

    def test_a_failing_disk_is_exit_status_1(self, host, smartctl, capsys):
        smartctl(json.dumps({**NVME, "smart_status": {"passed": False}}), 8)
        assert smart.main(["--dry-run", "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["disks"][0]["healthy"] is False
        assert not (host.path("/var/lib/prometheus/node-exporter") / "citadel-smart.prom").exists()

    def test_a_disk_without_smart_is_said(self, host, smartctl, capsys):
        smartctl('{"smart_support": {"available": false}}', 4)
        assert smart.main([]) == 0
        told = capsys.readouterr()
        assert "not known" in told.out
        assert "/dev/sda: it has no SMART" in told.err

    def test_no_answer_is_exit_status_1(self, host, smartctl):
        smartctl("segmentation fault", 139)
        assert smart.main([]) == 1
