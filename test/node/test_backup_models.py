"""backup_models.py, on a node in a directory."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from citadel_node import settings
from citadel_node.backups import pipeline, tree
from support.host import TEMPLATES

PROGRAM = "/opt/citadel/scripts/backup_models.py"
BACKUP = "/mnt/citadel-backup"
PHI3 = "/mnt/citadel-models/active/Phi-3-mini-128k-instruct"


def daily(host, *arguments):
    return host.run(PROGRAM, "--type", "daily", "--model", "phi3", *arguments)


def archives(host, kind="daily", model="phi3"):
    return sorted(host.path(f"{BACKUP}/models/{kind}").glob(f"*{model}*"))


def metric(host, name):
    text = host.path("/var/lib/prometheus/node-exporter/citadel-backup.prom").read_text()
    return re.findall(rf"^{name}(\S*) (\S+)$", text, re.MULTILINE)


def settle():
    """Until what was written lies behind the clock's tick, so that times can prove that nothing changed."""
    time.sleep(0.15)


def test_an_archive_holds_the_model_below_its_own_directory(host, tmp_path):
    (host.path(PHI3) / "empty").mkdir()
    (host.path(PHI3) / "link").symlink_to("config.json")
    (host.path(PHI3) / ("long-" + "n" * 150)).write_bytes(os.urandom(3_000_001))
    (host.path(PHI3) / "tokenizer é.json").write_text("")
    done = daily(host)
    assert (done.returncode, done.stderr) == (0, "")
    [archive] = archives(host)
    assert re.fullmatch(r"phi3-\d{8}T\d{6}Z\.tar\.zst", archive.name)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-I", "zstd", "-xf", archive, "-C", out], check=True, timeout=30)
    assert [one.name for one in out.iterdir()] == ["Phi-3-mini-128k-instruct"]
    subprocess.run(
        ["diff", "-r", "--no-dereference", host.path(PHI3), out / host.path(PHI3).name],
        check=True,
        timeout=30,
    )
    assert os.listdir(host.path(f"{BACKUP}/models/daily")) == [archive.name]
    assert os.listdir(host.path(f"{BACKUP}/temp")) == []
    stamp = archive.name[5:20]
    made = time.strftime("%Y%m%dT%H%M%S", time.gmtime(archive.stat().st_mtime))
    assert made == stamp, "ls -t and ls agree"


def test_an_unchanged_model_costs_no_second_copy_and_is_not_read(host):
    settle()
    assert daily(host).returncode == 0
    # No one, root neither, can read a file that is not there under its name: only names, sizes and times are looked at.
    done = host.run(PROGRAM, "--type", "weekly", "--model", "phi3", "--json")
    assert json.loads(done.stdout)["models"][0]["how"] == "linked"
    assert daily(host).returncode == 0
    first, second = archives(host)
    [weekly] = archives(host, "weekly")
    assert os.path.samefile(first, second)
    assert os.path.samefile(first, weekly)
    assert len({one.name for one in (first, second, weekly)}) == 3


def test_a_touched_model_is_read_and_costs_no_second_copy(host):
    settle()
    daily(host)
    os.utime(host.path(PHI3) / "config.json")
    settle()
    how = json.loads(daily(host, "--json").stdout)["models"][0]["how"]
    assert how == "same"
    assert json.loads(daily(host, "--json").stdout)["models"][0]["how"] == "linked"
    assert len({one.stat().st_ino for one in archives(host)}) == 1


def test_a_changed_model_is_the_newest_by_ls(host):
    settle()
    daily(host)
    (host.path(PHI3) / "config.json").write_text("changed")
    daily(host)
    daily(host)
    listing = subprocess.run(
        ["ls", "-t", *archives(host)], capture_output=True, text=True, check=True, timeout=10
    ).stdout.split()
    first, second, third = (str(one) for one in archives(host))
    assert os.path.samefile(listing[0], third)
    assert not os.path.samefile(first, second)
    # Someone writes into the old one: the next new one is still the newest.
    with open(first, "ab") as file:
        file.write(b"x")
    os.utime(first, (time.time() + 100, time.time() + 100))
    (host.path(PHI3) / "config.json").write_text("changed again")
    daily(host)
    newest = max(archives(host), key=lambda one: one.stat().st_mtime)
    assert newest == archives(host)[-1]


def test_retention_keeps_as_many_as_the_inventory_says(host):
    host.write_settings(('"daily": {"keep": 7', '"daily": {"keep": 2'))
    for content in "abc":
        (host.path(PHI3) / "config.json").write_text(content)
        assert daily(host).returncode == 0
    assert len(archives(host)) == 2
    records = os.listdir(host.path(f"{BACKUP}/system/catalog/daily"))
    assert sorted(records) == [f"{one.name}.json" for one in archives(host)]


def test_what_is_no_model_is_refused_by_name_and_the_others_are_saved(host):
    os.mkfifo(host.path(PHI3) / "pipe")
    done = host.run(PROGRAM, "--type", "daily")
    assert done.returncode == 1
    assert "phi3 was not saved" in done.stderr
    assert "pipe is a named pipe" in done.stderr
    assert archives(host) == []
    assert len(archives(host, model="mixtral")) == 1
    assert metric(host, "citadel_backup_last_run_success") == [('{backup="models-daily"}', "0")]
    models = [labels for labels, _ in metric(host, "citadel_backup_last_success_timestamp_seconds")]
    assert models == [
        '{backup="models-daily",model="mixtral"}',
        '{backup="models-daily",model="vision"}',
    ]


def test_without_the_disk_nothing_is_written(host):
    assert daily(host).returncode == 0
    host.mount(backup="")
    done = daily(host)
    assert done.returncode == 1
    assert "no disk is mounted at" in done.stderr
    assert "sudo mount" in done.stderr
    assert len(archives(host)) == 1
    assert metric(host, "citadel_backup_last_run_success") == [('{backup="models-daily"}', "0")]
    assert len(metric(host, "citadel_backup_last_success_timestamp_seconds")) == 1, (
        "the old archive is still there"
    )
    host.mount(backup="ext4,ro")
    assert "is read-only" in daily(host).stderr


def test_without_room_nothing_is_begun(host):
    (host.path(PHI3) / "huge").touch()
    os.truncate(host.path(PHI3) / "huge", 1 << 43)
    done = daily(host)
    assert done.returncode == 1
    assert "this backup needs 8.0 TiB" in done.stderr
    assert archives(host) == []


def test_a_second_run_is_told_to_wait(host):
    daily(host)
    lock = host.path(f"{BACKUP}/system/catalog/models.lock")
    with subprocess.Popen(["flock", lock, "sleep", "20"]) as holder:
        try:
            time.sleep(0.3)
            assert daily(host).returncode == 75
        finally:
            holder.kill()
            holder.wait()


def test_a_file_that_changes_while_it_is_read_fails_the_model(host, tmp_path):
    """Between the scan and the reading, and while it is read."""
    directory = host.path(PHI3)
    entries = tree.scan(directory)
    (directory / "config.json").write_text('{"model_type": "other"}')
    with pytest.raises(pipeline.Changed, match=r"config\.json changed while the backup ran"):
        pipeline.write_archive(directory, entries, tmp_path / "out", 3)

    (directory / "big").write_bytes(os.urandom(1 << 20) * 200)
    with started(host) as running:
        wait_for_partial(host, 1 << 20)
        with open(directory / "big", "r+b") as file:
            file.seek(150 << 20)
            file.write(b"changed")
        _, said = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "changed while the backup ran" in said
    assert archives(host) == []
    assert os.listdir(host.path(f"{BACKUP}/temp")) == []


def started(host):
    return subprocess.Popen(
        [sys.executable, "-B", str(TEMPLATES / PROGRAM.lstrip("/")), "--type", "daily", "--model", "phi3"],
        env={**os.environ, **host.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_partial(host, size):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = list(host.path(f"{BACKUP}/temp").glob("*.partial"))
        if found and found[0].stat().st_size >= size:
            return
        time.sleep(0.005)
    raise AssertionError("no partial file appeared")


@pytest.mark.parametrize("size", [0, 1, 8 << 20, 60 << 20])
def test_a_killed_run_leaves_nothing_visible_and_the_next_one_tidies_up(host, size):
    with open(host.path(PHI3) / "big", "wb") as file:
        for _ in range(100):
            file.write(os.urandom(1 << 20))
    host.path(f"{BACKUP}/temp").mkdir()
    with started(host) as running:
        wait_for_partial(host, size)
        running.send_signal(signal.SIGKILL)
        running.communicate(timeout=30)
    assert archives(host) == []
    assert len(os.listdir(host.path(f"{BACKUP}/temp"))) == 1
    done = daily(host)
    assert done.returncode == 0
    assert "which an interrupted run left behind" in done.stdout
    assert os.listdir(host.path(f"{BACKUP}/temp")) == []
    assert (
        host.run(
            "/opt/citadel/scripts/backup_manager.py", "verify", str(archives(host)[0]), "--deep"
        ).returncode
        == 0
    )


def test_a_run_that_is_stopped_says_so_in_the_metrics(host):
    (host.path(PHI3) / "big").write_bytes(os.urandom(1 << 20) * 300)
    with started(host) as running:
        wait_for_partial(host, 0)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=30)
    assert running.returncode == 143
    assert archives(host) == []
    assert os.listdir(host.path(f"{BACKUP}/temp")) == []
    assert metric(host, "citadel_backup_last_run_success") == [('{backup="models-daily"}', "0")]


def test_a_dry_run_and_wrong_words(host):
    done = daily(host, "--dry-run")
    assert done.returncode == 0
    assert "phi3: new archive of 8.0 MiB" in done.stdout
    assert os.listdir(host.path(BACKUP)) == ["models"], "nothing was made"
    assert host.run(PROGRAM, "--type", "hourly").returncode == 2
    done = host.run(PROGRAM, "--type", "daily", "--model", "nope")
    assert done.returncode == 2
    assert "Models: mixtral, phi3, vision" in done.stderr
    assert settings.load(host.settings_file).models["phi3"].directory in str(host.path(PHI3))


def test_a_missing_model_says_where_it_was_looked_for(host):
    host.path(PHI3).rename(host.path(PHI3).parent / "away")
    done = daily(host)
    assert done.returncode == 1
    assert f"{host.path(PHI3)} is not there" in done.stderr
