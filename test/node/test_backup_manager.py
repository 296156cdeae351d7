"""backup_manager.py and backup_configs.py, on a node in a directory."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from citadel_node import settings
from citadel_node.backups import configs
from citadel_node.backups.metadata import read as metadata_of
from citadel_node.backups.store import Store
from citadel_node.program import ProgramError

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


def flip(path, at):
    seen = path.stat()
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # as a disk does it: nobody notices


def metrics(host):
    return host.path("/var/lib/prometheus/node-exporter/citadel-backup.prom").read_text()


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
    assert "models-weekly" not in said, "its failure is nobody's any more"
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


# What the engine keeps for itself, and what it might keep one day; none of it is on a disk that may be carried away.
SECRET = (
    "key",
    "lock",
    "recover.sh",
    "originals/etc/shadow",
    "staging/feed/tree/home/agent0/.netrc",
    "generations/1/secrets/token",
    "generations/1/undo/accounts/shadow",
    "generations/1/undo/a.tree/home/agent0/.netrc",
    "generations/1/ways/0",
    "generations/1/bin/manifest.json",
    "generations/1/meta",
    "generations/.partial/manifest.json",
    "generations/one/manifest.json",
    "later/generations/1/manifest.json",
)


def make_configuration(host):
    host.path("/opt/citadel/configs").mkdir(parents=True)
    host.path("/opt/citadel/configs/a").write_text("one")
    generation = host.path("/var/lib/citadel-iac/generations/1")
    generation.mkdir(parents=True)
    for name in ("manifest.json", "index.json.gz", "digest", "time", "who", "summary", "pinned"):
        (generation / name).write_text("{}")
    for name in SECRET:
        path = host.path(f"/var/lib/citadel-iac/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("hunter2")
    (generation / "undo/link").symlink_to("hunter2")
    host.path("/var/lib/citadel-iac/current").symlink_to("generations/1")


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
