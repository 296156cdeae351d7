"""Mounts, from tables as the kernel writes them."""

from pathlib import Path

import pytest
from citadel_node import mounts

TABLE = r"""21 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a
30 21 0:40 / /mnt/citadel-models rw shared:2 - autofs systemd-1 rw
31 30 259:1 / /mnt/citadel-models rw,noatime shared:3 - ext4 /dev/nvme1n1p1 rw,errors=remount-ro
32 21 8:1 / /mnt/with\040blank\134 rw - xfs /dev/sda1 ro
broken line
"""


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "mountinfo"
    file.write_text(TABLE)
    return file


def test_the_one_that_is_seen(table):
    models = mounts.mounted(Path("/mnt/citadel-models"), table)
    assert (models.type, models.source, models.device, models.read_only) == (
        "ext4",
        "/dev/nvme1n1p1",
        "259:1",
        False,
    )
    assert mounts.mounted(Path("/mnt"), table) is None


def test_blanks_and_a_disk_that_went_read_only(table):
    odd = mounts.mounted(Path("/mnt/with blank\\"), table)
    assert (odd.type, odd.read_only) == ("xfs", True)


def test_the_kernels_own():
    assert mounts.mounted(Path("/")) is not None
    assert mounts.mounted(Path("/proc")).type == "proc"


def test_sources(table):
    models = mounts.mounted(Path("/mnt/citadel-models"), table)
    assert mounts.same_source(models, "/dev/nvme1n1p1") is True
    assert mounts.same_source(models, "LABEL=there-is-no-such-label") is None
    assert mounts.same_source(models, "/dev/null") is False
    assert mounts.same_source(models, "//server/share") is None


def test_usage(tmp_path):
    seen = mounts.usage(tmp_path)
    assert 0 < seen.used < seen.size
    assert 0 <= seen.percent <= 100
    assert mounts.Usage(100, 85, 5, 0, 0).percent == pytest.approx(94.44, abs=0.01)
    assert mounts.Usage(0, 0, 0, 0, 0).percent == 0
