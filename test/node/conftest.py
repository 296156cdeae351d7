"""Fixtures of all tests of the node's programs."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIBRARY = HERE.parent.parent / "templates/ai-node/opt/citadel/lib"
sys.path[:0] = [str(LIBRARY), str(HERE)]

from support.host import FakeHost


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHost]:
    """A node in a directory: settings, disks, links, and doubles of systemctl, journalctl, nvidia-smi and sudo on PATH."""
    fake = FakeHost(tmp_path)
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    try:
        yield fake
    finally:
        fake.close()
