"""backup_configs.py, on a node in a directory."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from citadel_node import settings
from citadel_node.backups import configs
from citadel_node.backups.metadata import read as metadata_of
from citadel_node.backups.store import Store
from citadel_node.program import ProgramError
from support.backups import flip, make_configuration, metrics

CONFIGS = "/opt/citadel/scripts/backup_configs.py"
BACKUP = "/mnt/citadel-backup"


def test_configuration_is_saved_once_and_without_secrets(host, tmp_path):
    make_configuration(host)
    host.write_settings(
        ('"config_sources": ["/etc/fstab", ', '"config_sources": ["/etc/hostname", "/nowhere", ')
    )
    done = host.run(CONFIGS)
    assert done.returncode == 0, done.stderr
    assert "note: /nowhere is not there" in done.stdout
    assert host.run(CONFIGS).returncode == 0
    folder = host.path(f"{BACKUP}/system/configs")
    first, second = sorted(folder.iterdir())
    assert os.path.samefile(first, second)
    assert first.stat().st_mode & 0o777 == 0o600
    found = settings.load(host.settings_file)
    newest, oldest = configs.list_config_backups(found)
    assert newest.created > oldest.created
    restored = configs.restore_config_backup(found, newest.id, tmp_path / "out")
    assert restored.path == newest.path
    assert (tmp_path / "out/etc/hostname").exists()
    root = tmp_path / "out" / str(host.root).lstrip("/")
    assert (root / "opt/citadel/configs/a").read_text() == "one"
    kept = root / "var/lib/citadel-iac"
    assert sorted(str(one.relative_to(kept)) for one in kept.rglob("*")) == [
        "current",
        "generations",
        "generations/1",
        *(
            f"generations/1/{name}"
            for name in ("digest", "index.json.gz", "manifest.json", "pinned", "summary")
        ),
        *(f"generations/1/{name}" for name in ("time", "who")),
    ]
    assert os.readlink(kept / "current") == "generations/1"
    said = subprocess.run(["grep", "-r", "hunter2", tmp_path / "out"], check=False, timeout=10)
    assert said.returncode == 1
    with pytest.raises(ProgramError, match="is not empty"):
        configs.restore_config_backup(found, newest.id, tmp_path / "out")
    with pytest.raises(ProgramError, match="there is no configuration backup"):
        configs.restore_config_backup(found, "20200101T000000Z", tmp_path / "new")
    host.path("/opt/citadel/configs/a").write_text("two")
    host.run(CONFIGS)
    assert len({one.stat().st_ino for one in folder.iterdir()}) == 2
    assert 'citadel_backup_last_run_success{backup="configs"} 1' in metrics(host)
    flip(max(folder.iterdir()), 40)
    with pytest.raises(ProgramError, match="is damaged"):
        configs.restore_config_backup(found, configs.list_config_backups(found)[0].id, tmp_path / "new")


def test_only_what_this_host_made_is_put_back(host, tmp_path):
    make_configuration(host)
    assert host.run(CONFIGS).returncode == 0
    host.path("/opt/citadel/configs/a").write_text("forged")
    assert host.run(CONFIGS).returncode == 0
    found = settings.load(host.settings_file)
    newest, oldest = configs.list_config_backups(found)
    store = Store(found)
    records = [store.record_path("configs", one.name) for one in store.archives()]
    # A forgery that fits its checksums: the archive's bytes, and its record in the catalogue.
    oldest.path.write_bytes(newest.path.read_bytes())
    first, second = sorted(records)
    first.write_bytes(second.read_bytes())
    with pytest.raises(ProgramError, match="is not as this host made it"):
        configs.restore_config_backup(found, oldest.id, tmp_path / "out")
    configs.restore_config_backup(found, oldest.id, tmp_path / "looked", untrusted=True)
    configs.restore_config_backup(found, newest.id, tmp_path / "good")
    vouched = host.path("/var/lib/citadel-archives/configs")
    assert vouched.stat().st_mode & 0o777 == 0o600
    # Without the list nothing is this host's, and the next backup gives no other name to it.
    vouched.unlink()
    with pytest.raises(ProgramError, match="is not as this host made it"):
        configs.restore_config_backup(found, newest.id, tmp_path / "lost")
    assert host.run(CONFIGS).returncode == 0
    again = configs.list_config_backups(found)[0]
    assert not os.path.samefile(again.path, newest.path)
    configs.restore_config_backup(found, again.id, tmp_path / "again")


def test_no_source_brings_in_what_the_generations_leave_out(host, tmp_path):
    make_configuration(host)
    odd = host.path("/opt/citadel/configs") / os.fsdecode(b"odd \xff\nname")
    odd.write_text("kept")
    host.write_settings(('"config_sources": ["/etc/fstab", ', f'"config_sources": ["{host.root}/var", '))
    done = host.run(CONFIGS)
    assert done.returncode == 0, done.stderr
    found = settings.load(host.settings_file)
    configs.restore_config_backup(found, configs.list_config_backups(found)[0].id, tmp_path / "out")
    root = tmp_path / "out" / str(host.root).lstrip("/")
    assert (root / "opt/citadel/configs" / odd.name).read_text() == "kept"
    assert (root / "var/lib/citadel-iac/generations/1/manifest.json").exists()
    assert (
        subprocess.run(["grep", "-r", "hunter2", tmp_path / "out"], check=False, timeout=10).returncode == 1
    )


def test_the_documentation_finds_archives_that_hold_more(host):
    make_configuration(host)
    assert host.run(CONFIGS).returncode == 0
    folder = host.path(f"{BACKUP}/system/configs")
    old = folder / "configs-20260101T000000Z.tar.zst"
    member = "var/lib/citadel-iac/generations/1/undo/accounts/shadow"
    subprocess.run(
        ["tar", "-I", "zstd", "-C", str(host.root), "-cf", str(old), member], check=True, timeout=10
    )
    page = (Path(__file__).parent.parent.parent / "docs/node/backups.md").read_text()
    (lines,) = re.findall(r"```sh\n(for archive in .*?)```", page, re.S)
    line = lines.replace("/mnt/citadel-backup", str(host.path("/mnt/citadel-backup")))
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=20)
    assert (done.stdout, done.stderr) == (f"{old}\n", "")


def test_a_tar_of_root_that_hangs_is_left_behind_and_said(host, monkeypatch):
    make_configuration(host)
    monkeypatch.setattr(configs, "_LIMIT_SEC", 0.3)
    monkeypatch.setattr(configs, "_REAP_SEC", 0.1)
    monkeypatch.setattr(configs, "_tar_argv", lambda *_: ["sleep", "3"])
    kill = subprocess.Popen.kill

    def only_ours(process):
        if process.args[0] == "sleep":
            raise PermissionError(1, "Operation not permitted")
        kill(process)

    monkeypatch.setattr(subprocess.Popen, "kill", only_ours)
    found = settings.load()
    store = Store(found)
    with pytest.raises(ProgramError, match=r"tar did not end within 0\.3 s"):
        configs.back_up_configs(found, store, metadata_of(found))
    assert os.listdir(store.temp) == []


def test_configuration_without_a_disk_is_not_saved(host):
    host.mount(backup="")
    done = host.run(CONFIGS)
    assert done.returncode == 1
    assert 'citadel_backup_last_run_success{backup="configs"} 0' in metrics(host)
    host.mount()
    done = host.run(CONFIGS, "--dry-run")
    assert done.returncode == 0
    assert "would save /etc/fstab" in done.stdout
    assert not host.path(f"{BACKUP}/system").exists()
