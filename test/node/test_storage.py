"""storage_manager.py, on a node in a directory."""

import json
import os
import shutil

import pytest
from citadel_node import settings
from citadel_node.storage import disks, weights

PROGRAM = "/opt/citadel/scripts/storage_manager.py"
ACTIVE = "/mnt/citadel-models/active"


def test_all_is_well(host):
    for command in ("verify-symlinks", "verify-prereq", "status"):
        done = host.run(PROGRAM, command)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    done = host.run(PROGRAM, "verify-symlinks")
    assert done.stdout.splitlines()[-1] == "All is well: 4 checks."
    assert json.loads(host.run(PROGRAM, "verify-prereq", "--json").stdout)["ok"] is True


def damage_links(host):
    os.unlink(host.path("/opt/citadel/models"))
    phi3 = host.path(f"{ACTIVE}/phi3")
    phi3.unlink()
    phi3.symlink_to("imp-v1_5-7b")
    vision = host.path(f"{ACTIVE}/vision")
    vision.unlink()
    vision.mkdir()
    (vision / "precious").write_text("x")


def test_links_are_looked_at_and_mended_and_others_things_kept(host):
    damage_links(host)
    seen = host.run(PROGRAM, "verify-symlinks")
    assert seen.returncode == 1
    assert "models is missing" not in seen.stdout
    assert "is missing; should point to" in seen.stdout
    assert "points to imp-v1_5-7b, and should point to Phi-3-mini-128k-instruct" in seen.stdout
    assert "is a directory, where a link to imp-v1_5-7b should be; it is not touched" in seen.stdout
    assert "3 of 4 checks failed" in seen.stdout

    plan = host.run(PROGRAM, "repair-symlinks", "--dry-run")
    assert plan.returncode == 0
    assert plan.stdout.count("would repair") == 2
    assert not os.path.lexists(host.path("/opt/citadel/models"))

    fixed = host.run(PROGRAM, "repair-symlinks")
    assert fixed.returncode == 1  # the directory is still there
    assert fixed.stdout.count("repaired: ") == 2
    assert os.readlink(host.path("/opt/citadel/models")) == str(host.path(ACTIVE))
    assert os.readlink(host.path(f"{ACTIVE}/phi3")) == "Phi-3-mini-128k-instruct"
    assert host.path(f"{ACTIVE}/vision/precious").read_text() == "x"
    assert sorted(os.listdir(host.path("/opt/citadel"))) == ["logs", "models"]

    again = json.loads(host.run(PROGRAM, "repair-symlinks", "--json").stdout)
    assert again["repaired"] == []


def test_links_that_lead_nowhere(host):
    os.rename(host.path(f"{ACTIVE}/Phi-3-mini-128k-instruct"), host.path(f"{ACTIVE}/elsewhere"))
    host.path(f"{ACTIVE}/stray").symlink_to("gone")
    done = host.run(PROGRAM, "repair-symlinks")
    assert done.returncode == 1
    assert "points to Phi-3-mini-128k-instruct, which is not there" in done.stdout
    assert "Bring Phi-3-mini-128k-instruct back" in done.stdout
    assert "leads nowhere (gone), and is not ours" in done.stdout
    assert os.path.islink(host.path(f"{ACTIVE}/stray"))


def test_nothing_is_written_below_an_empty_mount_point(host):
    host.mount(models="")
    host.path(f"{ACTIVE}/phi3").unlink()
    os.rmdir(host.path("/mnt/citadel-models/staging"))
    done = host.run(PROGRAM, "repair-symlinks")
    assert done.returncode == 1
    assert f"cannot be looked at: {host.root}/mnt/citadel-models is not mounted" in done.stdout
    assert not os.path.lexists(host.path(f"{ACTIVE}/phi3"))
    made = host.run(PROGRAM, "create-dirs")
    assert made.returncode == 1
    assert "citadel-models is not mounted, 2 directories belong on it" in made.stderr
    assert not host.path("/mnt/citadel-models/staging").exists()
    assert "2 cannot be looked at: it is not mounted" in host.run(PROGRAM, "verify-prereq").stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"models": ""}, "is not mounted: there is no /dev/nvme1n1p1"),
        ({"models": "xfs"}, "is xfs, and should be ext4"),
        ({"backup": "ext4,ro"}, "is read-only"),
    ],
)
def test_mounts(host, change, words):
    host.mount(**change)
    done = host.run(PROGRAM, "verify-prereq")
    assert done.returncode == 1
    assert words in done.stdout
    status = host.run(PROGRAM, "status")
    assert status.returncode == 0


def why_not_mounted(monkeypatch, *, blkid, dd=(0, "32+0 records in")):
    """What is said of the models' disk; status and output of blkid and dd are doubles."""
    calls = []

    def as_root(argv, _timeout):
        calls.append(argv[0])
        code, text = blkid if argv[0] == "blkid" else dd
        return disks.commands.Completed((), code, *((text, "") if argv[0] == "blkid" else ("", text)))

    node = type("S", (), {"st_mode": 0o060660, "st_rdev": os.makedev(8, 99)})()
    monkeypatch.setattr(os, "stat", lambda _path: node)
    monkeypatch.setattr(disks.commands, "as_root", as_root)
    mount = settings.load().mounts[0]
    return mount, *disks._why_not_mounted(mount), calls


def test_a_disk_without_a_file_system_gets_a_suggestion_and_nothing_else(host, monkeypatch):
    host.mount(models="")
    mount, detail, fix, calls = why_not_mounted(monkeypatch, blkid=(2, ""))
    assert detail == "is not mounted: /dev/nvme1n1p1 has no file system"
    assert "DESTROYS" in fix
    assert f"sudo mkfs.ext4 -L citadel-models /dev/nvme1n1p1 && sudo mount {mount.path}" in fix
    assert calls == ["blkid", "dd"]


@pytest.mark.parametrize(
    ("blkid", "dd"),
    [
        ((2, ""), (1, "dd: error reading '/dev/nvme1n1p1': Input/output error\n3+0 records in")),
        ((2, ""), (0, "0+0 records in")),
        ((8, ""), (0, "32+0 records in")),
        ((0, ""), (0, "32+0 records in")),
    ],
)
def test_nobody_is_told_to_format_what_cannot_be_told(host, monkeypatch, blkid, dd):
    host.mount(models="")
    _, detail, fix, _ = why_not_mounted(monkeypatch, blkid=blkid, dd=dd)
    assert detail == "is not mounted: no one can tell what is on /dev/nvme1n1p1"
    assert "mkfs" not in fix
    assert "sudo smartctl -a /dev/nvme1n1p1" in fix


def test_a_disk_that_is_mounted_elsewhere_is_said_and_not_looked_at(host, monkeypatch):
    host.mount(models="")
    with host.mountinfo.open("a") as file:
        file.write("40 21 8:99 / /srv/data rw shared:1 - ext4 /dev/sdz99 rw\n")
    _, detail, fix, calls = why_not_mounted(monkeypatch, blkid=(2, ""))
    assert detail == "is not mounted: /dev/nvme1n1p1 is mounted at /srv/data"
    assert fix.startswith("Is it the right disk? lsblk")
    assert calls == []


def test_full_disks_are_said(host):
    host.write_settings(
        (
            '"disk_percent": {"warning": 80.0, "critical": 90.0}',
            '"disk_percent": {"warning": 0.0, "critical": 0.0}',
        )
    )
    found = settings.load()
    assert {check.state for check in disks.level_checks(found)} == {"failed"}
    # Models can be read from a full disk, so it does not keep them from starting.
    assert host.run(PROGRAM, "verify-prereq").returncode == 0


def test_directories(host):
    daily = host.path("/mnt/citadel-backup/models/daily")
    os.rmdir(daily)
    host.path("/opt/citadel/logs").chmod(0o700)
    seen = host.run(PROGRAM, "verify-prereq")
    assert seen.returncode == 1
    assert "is missing" in seen.stdout
    assert "0700, and should be" in seen.stdout
    plan = host.run(PROGRAM, "create-dirs", "--dry-run")
    assert plan.stdout.count("would run: ") == 2
    assert not daily.exists()
    done = host.run(PROGRAM, "create-dirs")
    assert (done.returncode, done.stderr) == (0, "")
    assert daily.is_dir()
    assert host.path("/opt/citadel/logs").stat().st_mode & 0o7777 == 0o755
    assert host.run(PROGRAM, "create-dirs").stdout == "5 directories, nothing done\n"


def test_a_file_in_a_directorys_place_is_kept(host):
    daily = host.path("/mnt/citadel-backup/models/daily")
    os.rmdir(daily)
    daily.write_text("x")
    done = host.run(PROGRAM, "create-dirs")
    assert done.returncode == 1
    assert "is not a directory; it is not touched" in done.stderr
    assert daily.read_text() == "x"


def folder(host):
    return host.path(f"{ACTIVE}/Phi-3-mini-128k-instruct")


def cut(path):
    os.truncate(path, path.stat().st_size // 2)


DAMAGES = [
    (lambda f: (f / "config.json").unlink(), "config.json is not there"),
    (lambda f: (f / "config.json").write_text("{"), "config.json is not JSON"),
    (lambda f: (f / "config.json").write_text("[]"), "config.json is not a JSON object"),
    (lambda f: (f / "model.safetensors").unlink(), "no weights"),
    (lambda f: (f / "model.safetensors").write_bytes(b""), "model.safetensors is empty"),
    (lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 64), "is cut short, or no safetensors file"),
    (
        lambda f: (f / "model.safetensors").write_bytes(b"\x04\0\0\0\0\0\0\0nope" + b"x" * 64),
        "has a damaged header",
    ),
    (
        lambda f: (f / "model.safetensors").write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
        ),
        "is a Git LFS pointer",
    ),
    (
        lambda f: (f / "model.safetensors.index.json").write_text(
            '{"weight_map": {"a": "model-2.safetensors"}}'
        ),
        "model-2.safetensors is not there, and model.safetensors.index.json names it",
    ),
    (
        lambda f: (f / "model.safetensors.index.json").write_text(
            '{"weight_map": {"a": "../../etc/passwd"}}'
        ),
        "../../etc/passwd is not there",
    ),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGES)
def test_weights(host, damage, words):
    damage(folder(host))
    seen = weights.inspect(settings.load().models["phi3"])
    assert any(words in problem for problem in seen.problems), seen.problems
    done = host.run(PROGRAM, "verify-prereq")
    assert done.returncode == 1
    assert words in done.stdout


def test_a_download_that_stopped_is_found_without_reading_it(host):
    header = json.dumps({"a": {"dtype": "F16", "shape": [500], "data_offsets": [0, 1000]}}).encode()
    whole = len(header).to_bytes(8, "little") + header + b"\0" * 1000
    model = settings.load().models["phi3"]
    (folder(host) / "model.safetensors").write_bytes(whole)
    assert weights.inspect(model).problems == []
    (folder(host) / "model.safetensors").write_bytes(whole[:-10])
    assert weights.inspect(model).problems == ["model.safetensors is cut short: 10 bytes are missing"]


def test_a_folder_that_is_gone(host):
    os.rename(folder(host), folder(host).with_name("x"))
    assert weights.inspect(settings.load().models["phi3"]).problems == ["the folder is not there"]
    # A model that is started by hand only is a warning.
    os.rename(host.path(f"{ACTIVE}/imp-v1_5-7b"), host.path(f"{ACTIVE}/y"))
    os.rename(folder(host).with_name("x"), folder(host))
    done = host.run(PROGRAM, "verify-prereq")
    assert (done.returncode, "vision" in done.stdout) == (0, True)


def test_a_folder_that_is_being_fetched_keeps_no_other_model_from_starting(host):
    shutil.rmtree(host.path(f"{ACTIVE}/Phi-3-mini-128k-instruct"))
    wanted = host.path("/opt/citadel/configs/weights/phi3.json")
    wanted.parent.mkdir(parents=True)
    wanted.write_text("{}")
    done = host.run(PROGRAM, "verify-prereq")
    assert done.returncode == 0, done.stdout
    assert "Phi-3-mini-128k-instruct is not there yet: it is being fetched" in done.stdout
    assert "systemctl status citadel-weights-phi3" in done.stdout
    host.path(f"{ACTIVE}/Phi-3-mini-128k-instruct").mkdir()
    damaged = host.run(PROGRAM, "verify-prereq")
    assert damaged.returncode == 1
    assert (
        "Phi-3-mini-128k-instruct && sudo systemctl start citadel-weights-phi3, which fetches it."
        in damaged.stdout
    )


def test_sizes_that_the_inventory_does_not_mean(host):
    host.write_settings(('"weights_gib": 7.2', '"weights_gib": 0.0078125'))
    assert weights.inspect(settings.load().models["phi3"]).doubts == []
    host.write_settings()
    (doubt,) = weights.inspect(settings.load().models["phi3"]).doubts
    assert "8.0 MiB of weights, where the inventory says 7.2 GiB" in doubt


def test_usage_errors(host):
    assert host.run(PROGRAM).returncode == 2
    assert host.run(PROGRAM, "format").returncode == 2
    assert host.run(PROGRAM, "--help").returncode == 0
    host.settings_file.write_text("NODE = open('/etc/passwd')")
    done = host.run(PROGRAM, "status")
    assert done.returncode == 1
    assert "missing" in done.stderr
    assert "Traceback" not in done.stderr
