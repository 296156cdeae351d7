"""citadel-rollback restore and status: what is shown, what is put back, and where the host is said to be."""

import json
import os
from pathlib import Path

import pytest
from citadel_node.rollback import restore
from citadel_node.rollback.generations import Store
from support.host import FakeHost

PROGRAM = "/usr/local/bin/citadel-rollback"


def test_where_the_host_is_stands_in_the_engines_folder(tmp_path: Path) -> None:
    assert (Store(tmp_path).current(), Store(tmp_path).numbers()) == (None, [])
    for number in ("1", "2", "10", "by hand"):
        (tmp_path / "generations" / number).mkdir(parents=True)
    (tmp_path / "generations/10/who").write_text("anna@x\n")
    os.symlink("generations/10", tmp_path / "current")
    os.symlink("staging/abc-1", tmp_path / "open")
    store = Store(tmp_path)
    assert (store.numbers(), store.current(), store.open_transaction()) == ([1, 2, 10], 10, "abc-1")
    assert (store.read(10).who, store.read(10).time, store.read(10).pinned) == ("anna@x", "", False)


def test_a_restore_shows_what_everybody_may_read_and_puts_back_the_rest_unseen(tmp_path: Path) -> None:
    saved, live = tmp_path / "saved", tmp_path / "live"
    for root, text in ((saved, "then"), (live, "now")):
        for name, mode in (("etc/open", 0o644), ("etc/closed", 0o600), ("etc/same", 0o644)):
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("same\n" if name.endswith("same") else f"{text}\n")
            file.chmod(mode)
    (saved / "etc/link").symlink_to("open")
    (saved / "etc/gone").write_text("back\n")
    (saved / "var/lib/citadel-iac").mkdir(parents=True)
    (saved / "var/lib/citadel-iac/current").write_text("never")
    found = restore.compare(saved, live)
    assert [(one.path, one.why) for one in found] == [
        ("etc/closed", "differs (not shown)"),
        ("etc/gone", "is not there any more"),
        ("etc/link", "is not there any more"),
        ("etc/open", "differs"),
    ]
    assert found[3].lines[-2:] == ("-now", "+then")
    for one in found:
        restore.put_back(saved, live, one.path)
    assert restore.compare(saved, live) == []
    assert (live / "etc/closed").stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in (live / "etc").iterdir()) == ["closed", "gone", "link", "open", "same"]


def test_backup_and_restore_as_commands(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    text = host.settings_text().replace('"/etc/fstab", ', "")
    host.settings_file.write_text(text)
    configs = host.path("/opt/citadel/configs")
    configs.mkdir(parents=True)
    (configs / "x.conf").write_text("good\n")
    host.path("/mnt/citadel-backup/system/configs").mkdir(parents=True)
    made = host.run(PROGRAM, "backup")
    assert made.returncode == 0, made.stderr
    (configs / "x.conf").write_text("bad\n")
    monkeypatch.setenv("CITADEL_RESTORE_ROOT", "/")
    listed = json.loads(host.run(PROGRAM, "restore", "--json").stdout)
    looked = host.run(PROGRAM, "restore", listed[0]["id"], "--dry-run")
    assert "-bad\n+good" in looked.stdout, looked.stderr
    assert (configs / "x.conf").read_text() == "bad\n"
    asked = host.run(PROGRAM, "restore", "newest")
    assert (asked.returncode, "no one can be asked here" in asked.stderr) == (2, True)
    done = host.run(PROGRAM, "restore", "newest", "--yes")
    assert done.returncode == 0, done.stderr
    assert (configs / "x.conf").read_text() == "good\n"
    assert "Nothing to do" in host.run(PROGRAM, "restore", "newest").stdout
    assert host.run(PROGRAM, "restore", "20000101T000000Z").returncode == 2
