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
