"""GPUs, through nvidia-smi's double."""

import time

import pytest
from citadel_node import gpus


def test_two_of_them(host):
    first, second = gpus.query()
    assert (first.index, second.index) == (0, 1)
    assert (first.utilization, first.memory_used, first.memory_total) == (
        0.07,
        40960 * gpus.MIB,
        81920 * gpus.MIB,
    )
    assert (first.temperature, first.power_draw, first.ecc_uncorrected, first.persistence) == (
        41,
        68,
        0,
        True,
    )


def test_what_a_gpu_does_not_tell(host):
    host.gpus(gpu=[{"index": 0, "uuid": "GPU-0", "name": "x"}])
    (only,) = gpus.query()
    assert (only.utilization, only.memory_used, only.ecc_uncorrected, only.persistence) == (
        None,
        None,
        None,
        None,
    )


def test_what_comes_before_it_fails(host):
    told = {
        "index": 0,
        "uuid": "GPU-0",
        "name": "x",
        "temperature.memory": 88,
        "clocks_event_reasons.active": "0x0000000000000044",
        "remapped_rows.pending": "Yes",
        "remapped_rows.failure": "No",
        "pcie.link.width.current": 8,
        "pcie.link.width.max": 16,
    }
    host.gpus(gpu=[told])
    (only,) = gpus.query()
    assert (only.memory_temperature, only.throttled_by) == (88, {"hw_thermal"})
    assert (only.remap_pending, only.remap_failed) == (True, False)
    assert (only.pcie_width, only.pcie_width_max) == (8, 16)


def test_a_driver_that_does_not_know_all_of_it(host, monkeypatch):
    asked = []

    def ask(query, fields, timeout):
        asked.append(fields)
        if "clocks_event_reasons.active" in fields:
            raise gpus.GpuError(
                'nvidia-smi fails: Field "clocks_event_reasons.active" is not a valid field to query.'
            )
        return [["0", "GPU-0", "x", "7", "1", "2", "41", "68", "300", "0", "Enabled"]]

    monkeypatch.setattr(gpus, "_ask", ask)
    (only,) = gpus.query()
    assert (only.temperature, only.throttled_by, only.pcie_width) == (41, None, None)
    assert len(asked) == 2


def test_processes(host):
    rows = [
        {"pid": 7, "gpu_uuid": "GPU-1", "used_memory": 10},
        {"pid": "[N/A]", "gpu_uuid": "", "used_memory": 1},
    ]
    host.gpus(**{"compute-apps": rows})
    assert gpus.processes() == [gpus.GpuProcess(7, "GPU-1", 10 * gpus.MIB)]


def test_a_driver_that_is_gone(host):
    host.gpus(fail="NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")
    with pytest.raises(gpus.GpuError, match="couldn't communicate"):
        gpus.query()


def test_a_stuck_driver(host):
    host.gpus(hangSec=30)
    begun = time.monotonic()
    with pytest.raises(gpus.GpuError, match=r"did not end within 0\.5 s"):
        gpus.query(0.5)
    assert time.monotonic() - begun < 3


def test_nonsense(host):
    host.gpus(gpu=[{"index": "a, b"}])
    with pytest.raises(gpus.GpuError):
        gpus.query()


def test_not_installed(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(gpus.GpuError, match="nvidia-smi is not installed"):
        gpus.query()
