"""The comparison of a host with its current generation, as a program."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from citadel_node import drift
from citadel_node.program import EXIT_FAILED, EXIT_OK, ProgramError
from citadel_node.rollback.generations import Store
from citadel_node.rollback.state import Change

EDITED = Change("files", "/etc/motd", "update")


def deployed(folder: Path, number: int = 7) -> Store:
    (folder / "generations" / str(number)).mkdir(parents=True)
    (folder / "current").symlink_to(f"generations/{number}")
    return Store(folder)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A host at generation 7; the planner, which has its own tests, finds what `changes` has."""
    world = SimpleNamespace(folder=tmp_path / "state", changes=[], asked=[])
    deployed(world.folder)

    def prepare(store: Store, number: int, who: str, wait_sec: int) -> Any:
        world.asked.append(number)
        return SimpleNamespace(plan=SimpleNamespace(changes=world.changes))

    monkeypatch.setattr(drift, "prepare", prepare)
    monkeypatch.setattr(drift, "DEFAULT_FOLDER", world.folder)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return world


def test_a_host_as_deployed(host: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert drift.main([]) == EXIT_OK
    assert capsys.readouterr().out == "as generation 7 wants it\n"
    assert host.asked == [7]


def test_an_edited_host(host: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    host.changes.append(EDITED)
    assert drift.main([]) == EXIT_FAILED
    assert "/etc/motd" in capsys.readouterr().out
    assert drift.main(["--json"]) == EXIT_FAILED
    said = json.loads(capsys.readouterr().out)
    assert said["generation"] == 7
    assert [each["key"] for each in said["changes"]] == ["/etc/motd"]


def test_metrics(host: SimpleNamespace, tmp_path: Path) -> None:
    host.changes.append(EDITED)
    assert drift.main(["--textfiles", str(tmp_path)]) == EXIT_OK
    lines = (tmp_path / drift.TEXTFILE).read_text().splitlines()
    assert "citadel_config_drift_items 1" in lines
    assert "citadel_config_generation 7" in lines
    assert any(each.startswith("citadel_config_drift_last_check_timestamp_seconds ") for each in lines)


def test_a_deployment_at_work_is_not_drift(host: SimpleNamespace, tmp_path: Path) -> None:
    (host.folder / "open").symlink_to("staging/abc")
    assert drift.main(["--textfiles", str(tmp_path)]) == EXIT_OK
    assert not (tmp_path / drift.TEXTFILE).exists()
    assert host.asked == []


def test_nothing_deployed(host: SimpleNamespace, tmp_path: Path) -> None:
    (host.folder / "current").unlink()
    assert drift.main(["--textfiles", str(tmp_path)]) == EXIT_OK
    assert not (tmp_path / drift.TEXTFILE).exists()


def test_a_host_that_cannot_be_read_writes_no_time(
    host: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(*_: Any) -> Any:
        raise ProgramError("the host cannot be read: no")

    monkeypatch.setattr(drift, "prepare", prepare)
    with pytest.raises(ProgramError):
        drift.main(["--textfiles", str(tmp_path)])
    assert not (tmp_path / drift.TEXTFILE).exists()


def test_only_root(host: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ProgramError, match="only root"):
        drift.main([])
