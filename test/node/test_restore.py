"""backup_manager.py restore, on a node in a directory."""

import json
import os
import shutil
import time

import pytest
from citadel_node import settings
from citadel_node.backups import restore
from test_backup_manager import BACKUP, MANAGER, MODELS, aged, archives, flip, metadata, metrics

ACTIVE = "/mnt/citadel-models/active"
PHI3 = f"{ACTIVE}/Phi-3-mini-128k-instruct"


def back_up(host, kind="daily", model="phi3"):
    done = host.run(MODELS, "--type", kind, "--model", model)
    assert done.returncode == 0, done.stderr
    return archives(host, kind, model)[-1]


def restored(host, *words, code=0):
    done = host.run(MANAGER, "restore", "--json", *words)
    assert done.returncode == code, done.stderr
    return {one["model"]: one for one in json.loads(done.stdout)["models"]}, done.stderr


def tree(directory):
    return {
        str(path.relative_to(directory)): (
            os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None,
            path.lstat().st_mode if not path.is_symlink() else None,
            path.lstat().st_mtime_ns if path.is_file() and not path.is_symlink() else None,
        )
        for path in sorted(directory.rglob("*"))
    }


def change(host, text):
    (host.path(PHI3) / "config.json").write_text(json.dumps({"model_type": text}))


def test_without_any_archive_or_model_it_says_what_to_do(host):
    for name in os.listdir(host.path(ACTIVE)):
        path = host.path(ACTIVE) / name
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
    models, words = restored(host, code=1)
    assert {one["how"] for one in models.values()} == {"missing"}
    assert models["phi3"]["error"] == "there is no archive of it"
    assert models["phi3"]["fix"].startswith("Download Phi-3-mini-128k-instruct again into")
    assert "not brought back: mixtral, phi3, vision" in words
    assert os.listdir(host.path("/mnt/citadel-models/staging")) == []


def test_what_is_there_stays(host):
    models, _ = restored(host)
    assert {one["how"] for one in models.values()} == {"unverified"}
    back_up(host)
    before = (host.path(PHI3) / "model.safetensors").stat()
    models, _ = restored(host)
    assert models["phi3"]["how"] == "whole"
    assert models["phi3"]["source"].startswith("models/daily/phi3-")
    os.utime(host.path(PHI3) / "config.json")  # touched, but the same
    assert restored(host)[0]["phi3"]["how"] == "whole"
    assert (host.path(PHI3) / "model.safetensors").stat() == before


def test_a_lost_model_comes_back_bit_for_bit_and_is_whole_then(host):
    phi3 = host.path(PHI3)
    (phi3 / "sub").mkdir(mode=0o750)
    (phi3 / "sub" / "tokenizer.json").write_text("{}")
    (phi3 / "link").symlink_to("sub/tokenizer.json")
    before = tree(phi3)
    archive = back_up(host)
    shutil.rmtree(phi3)
    models, words = restored(host)
    assert models["phi3"] == {
        "model": "phi3",
        "unit": "citadel-phi3.service",
        "port": models["phi3"]["port"],
        "directory": "Phi-3-mini-128k-instruct",
        "how": "restored",
        "source": f"models/daily/{archive.name}",
        "created": models["phi3"]["created"],
        "bytes": 8 * 1024 * 1024 + len('{"model_type": "llama"}') + 2,
        "seconds": models["phi3"]["seconds"],
        "skipped": [],
        "error": "",
        "fix": "",
    }
    assert "phi3: restored from models/daily/" in words
    assert tree(phi3) == before
    assert restored(host)[0]["phi3"]["how"] == "whole"
    assert os.listdir(host.path("/mnt/citadel-models/staging")) == []


def test_the_newest_of_all_types_is_taken_or_of_the_type_asked_for(host):
    aged(host, back_up(host, "monthly"), 20)
    change(host, "second")
    aged(host, back_up(host, "weekly"), 5)
    change(host, "third")
    back_up(host)
    shutil.rmtree(host.path(PHI3))
    plan, _ = restored(host, "--dry-run")
    assert plan["phi3"]["how"] == "restore"
    assert "daily" in plan["phi3"]["source"]
    assert plan["phi3"]["bytes"] > 8 * 1024 * 1024
    assert not host.path(PHI3).exists()
    assert "monthly" in restored(host, "--type", "monthly")[0]["phi3"]["source"]
    assert json.loads((host.path(PHI3) / "config.json").read_text()) == {"model_type": "llama"}
    shutil.rmtree(host.path(PHI3))
    models, _ = restored(host, "--model", "phi3")
    assert list(models) == ["phi3"]
    assert json.loads((host.path(PHI3) / "config.json").read_text()) == {"model_type": "third"}


@pytest.mark.parametrize("damage", ["a flipped byte", "cut short", "another model's archive"])
def test_a_damaged_archive_is_said_and_the_next_older_one_taken(host, damage):
    old = back_up(host)
    aged(host, old, 2)
    change(host, "newer")
    newest = back_up(host)
    if damage == "a flipped byte":
        flip(newest, newest.stat().st_size // 2)
    elif damage == "cut short":
        os.truncate(newest, newest.stat().st_size // 2)
    else:
        shutil.copy(back_up(host, model="mixtral"), newest)
    shutil.rmtree(host.path(PHI3))
    models, words = restored(host)
    found = models["phi3"]
    assert found["how"] == "restored"
    assert [one["archive"] for one in found["skipped"]] == [f"models/daily/{newest.name}"]
    assert f"not from models/daily/{newest.name}: " in words
    assert json.loads((host.path(PHI3) / "config.json").read_text()) == {"model_type": "llama"}
    assert metadata(host)["archives"][f"models/daily/{newest.name}"]["state"] == "damaged"
    assert "citadel_backup_archive_damaged" in metrics(host)
    # What is known to be damaged is not tried again.
    shutil.rmtree(host.path(PHI3))
    assert restored(host)[0]["phi3"]["skipped"][0]["why"].startswith("a check found it damaged")


def test_archives_that_the_catalogue_lost_are_usable(host):
    archive = back_up(host)
    shutil.rmtree(host.path(f"{BACKUP}/system/catalog"))
    shutil.rmtree(host.path(PHI3))
    models, _ = restored(host)
    assert models["phi3"]["source"] == f"models/daily/{archive.name}"
    assert (host.path(PHI3) / "model.safetensors").stat().st_size == 8 * 1024 * 1024


def test_a_damaged_model_is_replaced_and_kept_aside(host):
    back_up(host)
    weights = host.path(PHI3) / "model.safetensors"
    os.truncate(weights, 4)
    models, _ = restored(host)
    assert models["phi3"]["how"] == "restored"
    assert weights.stat().st_size == 8 * 1024 * 1024
    (aside,) = host.path("/mnt/citadel-models/staging").iterdir()
    assert aside.name.startswith("Phi-3-mini-128k-instruct-damaged-")
    assert (aside / "model.safetensors").stat().st_size == 4


def test_a_model_that_is_newer_than_its_archives_stays(host):
    back_up(host)
    change(host, "downloaded after the last backup, and longer")
    assert restored(host)[0]["phi3"]["how"] == "unverified"
    (host.path(PHI3) / "extra.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    assert restored(host)[0]["phi3"]["how"] == "unverified"


def test_bytes_that_rotted_are_found_where_times_give_reason_to_look(host):
    back_up(host)
    weights = host.path(PHI3) / "model.safetensors"
    flip(weights, 4_000_000)
    os.utime(weights)
    models, _ = restored(host)
    assert models["phi3"]["how"] == "restored"
    assert not any(weights.read_bytes()[4_000_000:4_000_001])


def test_what_a_killed_run_left_goes_and_the_others_are_not_read_again(host):
    for model in ("phi3", "mixtral"):
        back_up(host, model=model)
    for name in ("Phi-3-mini-128k-instruct", "Mixtral-8x7B-Instruct-v0.1"):
        shutil.rmtree(host.path(f"{ACTIVE}/{name}"))
    assert restored(host, "--model", "phi3")[0]["phi3"]["how"] == "restored"
    before = (host.path(PHI3) / "model.safetensors").stat()
    left = host.path("/mnt/citadel-models/staging/mixtral.restoring")
    left.mkdir()
    (left / "half").write_bytes(b"x")
    models, _ = restored(host)
    assert (models["phi3"]["how"], models["mixtral"]["how"]) == ("whole", "restored")
    assert (host.path(PHI3) / "model.safetensors").stat() == before
    assert not left.exists()


def test_a_copy_on_the_other_disk_is_taken_where_no_archive_is(host):
    copy = host.path(f"{BACKUP}/by-hand/Phi-3-mini-128k-instruct")
    shutil.copytree(host.path(PHI3), copy)
    before = {key: one[:2] for key, one in tree(host.path(PHI3)).items()}
    shutil.rmtree(host.path(PHI3))
    plan, _ = restored(host, "--dry-run")
    assert (plan["phi3"]["how"], plan["phi3"]["source"]) == ("copy", str(copy))
    models, _ = restored(host)
    assert models["phi3"]["how"] == "copied"
    assert {key: one[:2] for key, one in tree(host.path(PHI3)).items()} == before
    assert copy.is_dir()


def test_without_the_backup_disk_whole_models_stay_and_others_are_named(host):
    back_up(host)
    host.mount(backup="")
    shutil.rmtree(host.path(f"{ACTIVE}/imp-v1_5-7b"))
    models, _ = restored(host, code=1)
    assert models["vision"]["error"] == f"no disk is mounted at {host.path(BACKUP)}"
    assert models["mixtral"]["how"] == "unverified"


def test_a_read_only_backup_disk_gives_back_what_it_has(host):
    back_up(host)
    host.mount(backup="ext4,ro")
    shutil.rmtree(host.path(PHI3))
    assert restored(host)[0]["phi3"]["how"] == "restored"


def test_without_the_models_disk_nothing_is_written(host):
    host.mount(models="")
    done = host.run(MANAGER, "restore")
    assert done.returncode == 1
    assert f"no disk is mounted at {host.path('/mnt/citadel-models')}; nothing was written" in done.stderr


def test_no_run_beside_a_backup(host):
    back_up(host)
    shutil.rmtree(host.path(PHI3))
    from citadel_node.backups.store import Store

    with Store(settings.load()).locked("models"):
        assert host.run(MANAGER, "restore").returncode == 75


def test_archives_cannot_write_elsewhere(host):
    import subprocess

    scratch = host.root / "evil"
    (scratch / "Phi-3-mini-128k-instruct").mkdir(parents=True)
    (scratch / "Phi-3-mini-128k-instruct" / "way").symlink_to(host.root)
    (scratch / "way").mkdir()
    (scratch / "way" / "in").write_text("written")
    folder = host.path(f"{BACKUP}/models/daily")
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    subprocess.run(
        [
            *("tar", "-C", scratch, "-I", "zstd", "--transform=s,^way,Phi-3-mini-128k-instruct/way,"),
            *("-cf", folder / f"phi3-{stamp}.tar.zst", "Phi-3-mini-128k-instruct", "way/in"),
        ],
        check=True,
        timeout=30,
    )
    shutil.rmtree(host.path(PHI3))
    models, _ = restored(host, code=1)
    assert "lies behind a link" in models["phi3"]["skipped"][0]["why"]
    assert not (host.root / "in").exists()


def test_words_for_a_person(host):
    back_up(host)
    done = host.run(MANAGER, "restore")
    assert done.returncode == 0
    assert "phi3: is whole, as models/daily/phi3-" in done.stdout
    assert "vision: is there; no archive has the same to compare it with" in done.stdout
    shutil.rmtree(host.path(PHI3))
    assert "phi3: would be restored from models/daily/phi3-" in host.run(MANAGER, "restore", "-n").stdout


def test_a_full_disk_is_no_fault_of_the_archive(host, monkeypatch):
    archive = back_up(host)
    shutil.rmtree(host.path(PHI3))
    found = settings.load()
    monkeypatch.setattr("citadel_node.backups.unpacking._SPARE_BYTES", 1 << 60)
    (outcome,) = restore.restore(found, [found.models["phi3"]], None, False, lambda one: None)
    assert outcome.how == "failed"
    assert "this model needs" in outcome.error
    assert metadata(host)["archives"][f"models/daily/{archive.name}"]["state"] != "damaged"
