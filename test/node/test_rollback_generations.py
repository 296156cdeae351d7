"""citadel-rollback list, pin, to, restore: what is kept, what is refused, and what is said before."""

import gzip
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from citadel_node.program import ProgramError
from citadel_node.rollback import blocks, limits, restore, to
from citadel_node.rollback.document import expand, materialise, secrets_of
from citadel_node.rollback.generations import PROGRAMS, Store
from citadel_node.rollback.payload import Order, build_files, make_plan
from citadel_node.rollback.state import Observed, SeenMount, SeenPath, Situation
from support.host import FakeHost

PROGRAM = "/usr/local/bin/citadel-rollback"
OWN = {"owner": "root", "group": "root", "mode": "0644"}
SECRET = "planted-4711"
MANIFEST = {
    "version": 1,
    "host": "box",
    "files": {"/etc/a": {"content": "x=@@secret:token@@\n", **OWN}, "/etc/b": {"secret": "token", **OWN}},
}


def generation(
    folder: Path, number: int, *, secrets: bool = True, packed: bool = False, programs: bool = True
) -> Path:
    path = folder / "generations" / str(number)
    (path / "secrets").mkdir(parents=True)
    if secrets:
        (path / "secrets/token").write_text(SECRET)
    contents = {"/etc/a": f"x={SECRET}\n", "/etc/b": SECRET}
    index = {
        "files": {
            name: {"type": "file", "sha256": hashlib.sha256(text.encode()).hexdigest(), **OWN}
            for name, text in contents.items()
        }
    }
    for name, data in (("manifest.json", MANIFEST), ("index.json", index)):
        if packed:
            (path / f"{name}.gz").write_bytes(gzip.compress(json.dumps(data).encode()))
        else:
            (path / name).write_text(json.dumps(data))
    if programs:
        (path / "bin").mkdir()
        for name in PROGRAMS:
            (path / "bin" / name).write_text("exit 3\n")
    for name, text in (
        ("digest", "d" * 64),
        ("time", "2026-01-02T03:04:05Z"),
        ("who", "anna@x"),
        ("summary", "1 change: files 1"),
    ):
        (path / name).write_text(f"{text}\n")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 10):
        generation(tmp_path, number, packed=number < 10)
    os.symlink("generations/10", tmp_path / "current")
    return tmp_path


def test_generations_are_listed_by_number_with_what_they_lack(folder: Path) -> None:
    (folder / "generations/2/secrets/token").unlink()
    (folder / "generations/1/pinned").touch()
    (folder / "generations/by hand").mkdir()
    found = Store(folder).list()
    assert [(one.number, one.current, one.pinned) for one in found] == [
        (1, False, True),
        (2, False, False),
        (10, True, False),
    ]
    assert found[0].missing == ()
    assert found[1].missing == ("the secret token, which /etc/a and 1 more needs",)


def test_a_secret_that_is_not_the_one_of_then_is_found_out(folder: Path) -> None:
    (folder / "generations/1/secrets/token").write_text("another")
    assert Store(folder).complete(1).missing == [
        "the content of /etc/a (its secrets: token)",
        "the content of /etc/b (its secrets: token)",
    ]


@pytest.mark.parametrize("name", ["manifest.json.gz", "index.json.gz"])
def test_a_document_that_is_gone_or_damaged_is_said(folder: Path, name: str) -> None:
    file = folder / "generations/1" / name
    file.write_bytes(file.read_bytes()[:20])
    assert (
        f"{name.removesuffix('.gz')} of generation 1 cannot be read" in Store(folder).complete(1).missing[0]
    )
    file.unlink()
    assert "cannot be read" in Store(folder).complete(1).missing[0]


def test_what_is_not_complete_is_refused_before_anything_runs(folder: Path) -> None:
    (folder / "generations/1/secrets/token").unlink()
    with pytest.raises(ProgramError) as error:
        to.prepare(Store(folder), 1, "anna@box", 0)
    assert "Missing: the secret token, which /etc/a and 1 more needs" in error.value.what
    assert "Nothing was changed" in error.value.fix
    with pytest.raises(ProgramError, match="there is no generation 7 on this host; kept are: 1, 2, 10"):
        to.prepare(Store(folder), 7, "anna@box", 0)


def test_a_host_of_an_older_engine_says_how_to_get_its_programs(tmp_path: Path) -> None:
    generation(tmp_path, 1, programs=False)
    os.symlink("generations/1", tmp_path / "current")
    with pytest.raises(ProgramError, match=r"left no apply\.sh here"):
        Store(tmp_path).programs()
    with pytest.raises(ProgramError, match="nothing was ever applied"):
        Store(tmp_path / "none").programs()


def test_what_the_operator_said_about_retention_is_taken_over(folder: Path) -> None:
    (folder / "generations/10/meta").write_text("id=x\nkeep=50\nmax_age_days=\nwho=keep=1\n")
    assert Store(folder).retention() == {"keep": "50"}


def test_list_and_pin_as_commands(folder: Path, host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITADEL_GENERATIONS", str(folder))
    would = host.run(PROGRAM, "pin", "2", "--dry-run")
    assert would.stdout == "Would be so: generation 2 is kept for good.\n"
    assert not (folder / "generations/2/pinned").exists()
    assert host.run(PROGRAM, "pin", "9", "--dry-run").returncode == 1
    assert host.run(PROGRAM, "pin", "2").stdout == "Generation 2 is kept for good.\n"
    listed = host.run(PROGRAM, "list").stdout
    assert re.search(r"^  2 +pinned  2026-01-02T03:04:05Z  anna@x  1 change: files 1$", listed, re.MULTILINE)
    assert listed.splitlines()[1].startswith("* 10")
    assert host.run(PROGRAM, "unpin", "2").returncode == 0
    assert [one["pinned"] for one in json.loads(host.run(PROGRAM, "list", "--json").stdout)] == [False] * 3
    assert host.run(PROGRAM, "pin", "3").returncode == 1
    assert host.run(PROGRAM, "to", "many").returncode == 2
    assert host.run(PROGRAM).returncode == 2
    assert SECRET not in listed


def test_contents_are_made_as_the_engine_makes_them() -> None:
    assert materialise({"content": "é @@secret:a@@@@secret:b@@ @@secret:A@@"}, {"a": b"\xff", "b": b""}) == (
        "é ".encode() + b"\xff @@secret:A@@"
    )
    assert secrets_of({"content": "@@secret:b@@ @@secret:a@@ @@secret:b@@"}) == ["a", "b"]
    user = {"home": "/home/a", "authorizedKeys": ["k1", "k2"], "group": None}
    files = expand({"users": {"ann": user}})["files"]
    assert files["/home/a/.ssh/authorized_keys"] == {
        "content": "k1\nk2\n",
        "owner": "ann",
        "group": "ann",
        "mode": "0600",
    }


def test_foreign_lines_of_a_shared_file_stay() -> None:
    text = b"\xff one\n# BEGIN citadel-iac a\nold\n# END citadel-iac a\nlast"
    assert blocks.replace(text, {"a": b"new\n", "b": b""}, set()) == (
        b"\xff one\n# BEGIN citadel-iac a\nnew\n# END citadel-iac a\nlast\n# BEGIN citadel-iac b\n# END citadel-iac b\n"
    )
    assert blocks.replace(text, {}, {"a"}) == b"\xff one\nlast"


def limits_of(wanted: dict[str, Any], applied: dict[str, Any], observed: Observed) -> list[str]:
    facts = {section: {key: dict[str, Any]() for key in items} for section, items in wanted.items()}
    plan = make_plan(Situation(wanted, facts, applied, observed), {}, lambda _path: None)
    return limits.limits(plan, 3, lambda name: {"2.0"} if name == "old" else None)


def test_what_cannot_be_taken_back_is_said() -> None:
    said = limits_of(
        {"packages": {"old": {"version": "1.0"}, "any": {}, "deb": {"source": "/root/deb.deb"}}},
        {
            "packages": {"new": {}},
            "files": {
                "/etc/ssh/sshd_config.d/x.conf": {"type": "file", "sha256": "0", "adopted": False, **OWN}
            },
        },
        Observed(
            packages={"new": "3"},
            paths={"/etc/ssh/sshd_config.d/x.conf": SeenPath("file", "root", "root", 0, 0, "0644", 1, "1")},
        ),
    )
    text = "\n".join(said)
    assert "package old 1.0 is no longer offered by the package sources known here" in text
    assert "package any comes back in the version that the package sources have now" in text
    assert "package deb is installed from /root/deb.deb, if that file is still there" in text
    assert "package new is removed" in text
    assert "changed by hand since the last apply, and overwritten: /etc/ssh/sshd_config.d/x.conf" in text
    assert "the way in changes (/etc/ssh/sshd_config.d/x.conf)" in text
    assert "generation 3 has no citadel-rollback" in text
    assert text.endswith("files in home directories")


def test_each_way_in_of_the_engine_is_said() -> None:
    said = limits_of(
        {},
        {"files": {"/etc/wireguard/wg0.conf": {"type": "file", "sha256": "0", "adopted": False, **OWN}}},
        Observed(paths={"/etc/wireguard/wg0.conf": SeenPath("file", "root", "root", 0, 0, "0600", 1, "1")}),
    )
    assert any(one.startswith("the way in changes (/etc/wireguard/wg0.conf)") for one in said)


def test_what_is_mounted_within_another_mount_is_unmounted_before_it() -> None:
    applied = {"mounts": {path: {"state": "mounted"} for path in ("/srv/a", "/srv/a/b", "/srv/a/b/c")}}
    mounts = {path: SeenMount("/dev/vdb", "ext4", ()) for path in applied["mounts"]}
    plan = make_plan(Situation({}, {}, applied, Observed(mounts=mounts)), {}, lambda _path: None)
    files = build_files(plan, Order("id", "who", "summary", 0, 60, 7, {}, {}, {}, {}))
    assert files["ops/umounts"] == b"/srv/a/b/c\n/srv/a/b\n/srv/a\n"


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
    assert (asked.returncode, "nobody can be asked here" in asked.stderr) == (2, True)
    done = host.run(PROGRAM, "restore", "newest", "--yes")
    assert done.returncode == 0, done.stderr
    assert (configs / "x.conf").read_text() == "good\n"
    assert "Nothing to do" in host.run(PROGRAM, "restore", "newest").stdout
    assert host.run(PROGRAM, "restore", "20000101T000000Z").returncode == 2
