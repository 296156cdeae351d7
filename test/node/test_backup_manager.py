"""backup_manager.py, on a node in a directory."""

import json
import os
import re
import subprocess
import time

import pytest
from support.backups import flip, make_configuration, metrics

MANAGER = "/opt/citadel/scripts/backup_manager.py"
MODELS = "/opt/citadel/scripts/backup_models.py"
CONFIGS = "/opt/citadel/scripts/backup_configs.py"
BACKUP = "/mnt/citadel-backup"
PHI3 = "/mnt/citadel-models/active/Phi-3-mini-128k-instruct"


def archives(host, kind="daily", model="phi3"):
    return sorted(host.path(f"{BACKUP}/models/{kind}").glob(f"*{model}*"))


def back_up(host, kind="daily", model="phi3"):
    done = host.run(MODELS, "--type", kind, "--model", model)
    assert done.returncode == 0, done.stderr
    return archives(host, kind, model)[-1]


def aged(host, archive, days):
    """Makes an archive older, as if it had been made then."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - days * 86_400))
    name = re.sub(r"\d{8}T\d{6}Z", stamp, archive.name)
    os.utime(archive, (time.time() - days * 86_400,) * 2)
    catalog = host.path(f"{BACKUP}/system/catalog/{archive.parent.name}")
    (catalog / f"{archive.name}.json").rename(catalog / f"{name}.json")
    return archive.rename(archive.with_name(name))


def metadata(host):
    return json.loads(host.path(f"{BACKUP}/backup_metadata.json").read_text())


def unpack(host, archive):
    recovery = host.path("/mnt/citadel-models/staging/recovery")
    recovery.mkdir(exist_ok=True)
    subprocess.run(["tar", "-I", "zstd", "-xf", archive, "-C", recovery], check=True, timeout=30)
    return recovery


def test_good_archives_are_good(host):
    back_up(host)
    back_up(host, "weekly")
    host.run(CONFIGS)
    for words in (
        ["verify", str(host.path(f"{BACKUP}/models/daily")) + "/"],
        ["validate-all"],
        ["validate-all", "--deep"],
    ):
        done = host.run(MANAGER, *words)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "3 of 3 archives are good." in done.stdout
    assert 'citadel_backup_verify_success{model="phi3"} 1' in metrics(host)
    assert "citadel_backup_verify_last_success_timestamp_seconds" in metrics(host)
    assert "citadel_backup_archive_damaged" not in metrics(host)


def test_a_flipped_byte_anywhere_is_found_and_named(host):
    (host.path(PHI3) / "weights").write_bytes(os.urandom(300_000))
    back_up(host, model="mixtral")
    archive = back_up(host)
    for at in (0, 20, archive.stat().st_size // 2, archive.stat().st_size - 1):
        flip(archive, at)
        done = host.run(MANAGER, "verify", str(archive))
        assert done.returncode == 1, at
        assert f"models/daily/{archive.name}: its checksum is wrong" in done.stdout
        flip(archive, at)
        assert host.run(MANAGER, "verify", str(archive)).returncode == 0
    flip(archive, archive.stat().st_size // 2)
    done = host.run(MANAGER, "validate-all")
    assert done.returncode == 1
    assert "1 of 2 archives are good." in done.stdout
    assert "backup_models.py --type daily --model phi3" in done.stderr
    said = metrics(host)
    assert f'citadel_backup_archive_damaged{{archive="models/daily/{archive.name}",model="phi3"}} 1' in said
    assert 'citadel_backup_verify_success{model="phi3"} 0' in said
    assert 'citadel_backup_verify_success{model="mixtral"} 1' in said
    assert 'last_success_timestamp_seconds{backup="models-daily",model="phi3"}' not in said, (
        "no good one is left"
    )
    assert "citadel_backup_verify_last_success_timestamp_seconds" not in said
    # The next backup does not stand on it.
    time.sleep(0.15)
    new = back_up(host)
    assert not os.path.samefile(new, archive)
    assert host.run(MANAGER, "verify", str(new)).returncode == 0
    said = metrics(host)
    assert 'citadel_backup_verify_success{model="phi3"} 1' in said, "the newest one is whole"
    assert "citadel_backup_archive_damaged" in said, "the old one is told of as well"
    archive.unlink()
    assert host.run(MANAGER, "validate-all").returncode == 0
    assert "citadel_backup_archive_damaged" not in metrics(host)


def test_a_model_that_has_left_the_inventory_is_not_missed(host):
    flip(back_up(host), 40)
    host.run(MANAGER, "validate-all")
    (host.path(PHI3) / "config.json").unlink()
    os.mkfifo(host.path(PHI3) / "config.json")
    assert host.run(MODELS, "--type", "weekly", "--model", "phi3").returncode == 1
    back_up(host, model="mixtral")
    assert 'citadel_backup_last_run_success{backup="models-weekly"} 0' in metrics(host)
    host.write_settings(('"phi3"', '"phi4"'))
    assert host.run(CONFIGS).returncode == 0
    assert len(archives(host)) == 1, "its archive stays"
    said = metrics(host)
    about = [line for line in said.splitlines() if 'model="phi3"' in line]
    assert [line.split("{")[0] for line in about] == ["citadel_backup_archive_damaged"]
    assert "models-weekly" not in said, "its failure is no one's any more"
    assert 'last_success_timestamp_seconds{backup="models-daily",model="mixtral"}' in said


def test_damage_is_that_of_all_names_of_the_bytes(host):
    time.sleep(0.15)
    first = back_up(host)
    second = back_up(host, "weekly")
    assert first.stat().st_ino == second.stat().st_ino
    flip(first, first.stat().st_size // 2)
    assert host.run(MANAGER, "verify", str(first)).returncode == 1
    for path in (first, second):
        assert f'damaged{{archive="models/{path.parent.name}/{path.name}",model="phi3"}} 1' in metrics(host)
    # As the words about the damage ask for: not one more name for it.
    done = host.run(MODELS, "--type", "daily", "--model", "phi3", "--json")
    assert json.loads(done.stdout)["models"][0]["how"] == "written"


def test_a_truncated_and_a_foreign_archive(host, tmp_path):
    archive = back_up(host)
    copy = tmp_path / "copy.tar.zst"
    copy.write_bytes(archive.read_bytes())
    done = host.run(MANAGER, "verify", str(copy))
    assert done.returncode == 0
    assert "unknown" in done.stdout
    assert "it reads well and has 2 files" in done.stdout
    copy.write_bytes(archive.read_bytes()[:-40])
    assert host.run(MANAGER, "verify", str(copy)).returncode == 1
    os.truncate(archive, archive.stat().st_size - 1)
    done = host.run(MANAGER, "verify", str(archive))
    assert done.returncode == 1
    assert re.search(r"has \d+ bytes instead of \d+", done.stdout)


def test_an_unpacked_model_is_compared_with_the_catalogue(host):
    archive = back_up(host)
    recovery = unpack(host, archive)
    done = host.run(MANAGER, "verify", str(recovery))
    assert (done.returncode, done.stderr) == (0, "")
    assert "all of 2 files as in" in done.stdout
    model = recovery / host.path(PHI3).name
    assert host.run(MANAGER, "verify", str(model)).returncode == 0
    flip(model / "model.safetensors", 4_000_000)
    (model / "config.json").unlink()
    (model / "virus").touch()
    done = host.run(MANAGER, "verify", str(recovery))
    assert done.returncode == 1
    for words in ("damaged: model.safetensors", "missing: config.json", "extra: virus"):
        assert words in done.stdout
    # An older state is as good as the newest, when there is an archive of it.
    (host.path(PHI3) / "config.json").write_text("new")
    back_up(host)
    subprocess.run(["rm", "-r", model], check=True, timeout=10)
    done = host.run(MANAGER, "verify", str(unpack(host, archive)))
    assert done.returncode == 0
    assert archive.name in done.stdout


def test_nothing_to_check_is_an_error(host, tmp_path):
    host.path("/mnt/citadel-models/staging/recovery").mkdir()
    for path in (
        host.path("/mnt/citadel-models/staging/recovery"),
        host.path(f"{BACKUP}/models/daily"),
        tmp_path / "no",
    ):
        assert host.run(MANAGER, "verify", str(path)).returncode == 1
    (tmp_path / "some/thing").mkdir(parents=True)
    done = host.run(MANAGER, "verify", str(tmp_path / "some"))
    assert done.returncode == 1
    assert "no archive has a directory of this name" in done.stdout
    assert host.run(MANAGER, "validate-all").returncode == 0


def test_cleanup_and_archive(host):
    aged(host, back_up(host), 50)
    (host.path(PHI3) / "config.json").write_text("2")
    aged(host, back_up(host), 40)
    host.run(MANAGER, "validate-all")
    done = host.run(MANAGER, "archive", "--older-than", "30", "--dry-run")
    assert "would move models/daily/phi3-" in done.stdout
    assert len(archives(host)) == 2
    done = host.run(MANAGER, "archive", "--older-than", "30")
    assert done.returncode == 0
    assert len(archives(host)) == 1
    [moved] = archives(host, "archive")
    assert metadata(host)["archives"][f"models/archive/{moved.name}"]["state"] == "good"
    assert metadata(host)["archives"][f"models/archive/{moved.name}"]["backup"] == "models-daily"
    assert host.run(MANAGER, "verify", str(moved)).returncode == 0
    done = host.run(MANAGER, "cleanup", "30", "--dry-run")
    assert "would remove models/archive" in done.stdout
    done = host.run(MANAGER, "cleanup", "30")
    assert f"removed models/archive/{moved.name}" in done.stdout
    assert "the last good daily one of phi3" in done.stdout
    assert re.search(r"1 archive older than 30 days removed; \d+ B became free", done.stdout)
    assert (len(archives(host)), archives(host, "archive")) == (1, [])
    for wrong in ("0", "-1", "x", ""):
        assert host.run(MANAGER, "cleanup", wrong).returncode == 2


def test_the_last_good_one_stays_when_newer_ones_are_damaged(host):
    old = aged(host, back_up(host), 50)
    (host.path(PHI3) / "config.json").write_text("2")
    damaged = aged(host, back_up(host), 40)
    flip(damaged, 30)
    assert host.run(MANAGER, "validate-all").returncode == 1
    assert host.run(MANAGER, "cleanup", "30").returncode == 0
    assert archives(host) == [old]


@pytest.mark.parametrize("damage", [None, "", "{}", '{"version": 1, "archives": []', "[1]", '{"version": 7}'])
def test_lost_metadata_come_back_from_the_disk(host, damage):
    archive = back_up(host)
    file = host.path(f"{BACKUP}/backup_metadata.json")
    if damage is None:
        file.unlink()
    else:
        file.write_text(damage)
    assert host.run(MANAGER, "status").returncode == 0
    assert host.run(MANAGER, "validate-all").returncode == 0
    assert metadata(host)["archives"][f"models/daily/{archive.name}"]["state"] == "good"


def test_status_says_what_is_wrong(host):
    assert host.run(MANAGER, "status").returncode == 0
    aged(host, back_up(host), 3)
    done = host.run(MANAGER, "status")
    assert done.returncode == 1
    assert "models-daily phi3 is 3 d old" in done.stderr
    report = json.loads(host.run(MANAGER, "status", "--json").stdout)
    assert report["lines"][1]["count"] == 1
    host.mount(backup="")
    assert "no disk is mounted" in host.run(MANAGER, "status").stderr


def test_create_makes_all_of_it(host):
    done = host.run(MANAGER, "create", "--json")
    assert done.returncode == 0, done.stderr
    assert [one["model"] for one in json.loads(done.stdout)["backups"]] == ["mixtral", "phi3", "vision", ""]


def test_create_says_before_what_it_would_make_and_makes_nothing(host):
    make_configuration(host)
    done = host.run(MANAGER, "create", "--dry-run", "--model", "phi3")
    assert (done.returncode, done.stderr) == (0, "")
    assert "phi3: new archive of 8.0 MiB" in done.stdout
    assert re.search(r"^configuration: would save .*/opt/citadel/configs", done.stdout, re.MULTILINE)
    said = json.loads(host.run(MANAGER, "create", "--dry-run", "--json").stdout)
    assert [one["plan"] for one in said["models"]] == ["new archive"] * 3
    assert str(host.path("/opt/citadel/configs")) in said["configs"]["saved"]
    assert [path for path in host.path(BACKUP).rglob("*") if path.is_file()] == []
