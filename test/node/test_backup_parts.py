"""The parts of backups that need no host: names, checksums, lists of directories, records, retention."""

import hashlib
import os
import socket
import subprocess
from pathlib import Path

import pytest
from citadel_node.backups import checksums, names, record, retention, tree
from citadel_node.backups.names import ArchiveName
from citadel_node.backups.record import Record, SavedEntry
from citadel_node.backups.retention import Judged
from citadel_node.backups.store import Archive
from citadel_node.program import ProgramError

DAY = 86_400
NOW = 1_795_500_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "phi3.tar.zst",
        "phi3-20261124T013000Z.tar.zst.partial",
        "phi3-20261324T013000Z.tar.zst",
        "-20261124T013000Z.tar.zst",
        "../phi3-20261124T013000Z.tar.zst",
        "phi3-20261124T013000Z.tar.zst\n",
    ],
)
def test_what_is_no_name_of_ours(text):
    assert names.parse(text) is None


@pytest.mark.parametrize("model", ["phi3", "a-b", "yi34b.v2", "x-20261124T013000Z"])
def test_names_come_back(model):
    name = ArchiveName(NOW, model)
    assert names.parse(str(name)) == name
    assert str(ArchiveName(1_795_483_800, "phi3")) == "phi3-20261124T013000Z.tar.zst"


def test_a_new_name_is_always_the_newest():
    assert names.next_stamp(NOW + 0.9, None) == NOW
    assert names.next_stamp(NOW, NOW - 5) == NOW
    assert names.next_stamp(NOW, NOW) == NOW + 1
    assert names.next_stamp(NOW - DAY, NOW) == NOW + 1, "the clock was set back"


def test_checksums(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_bytes(b"abc" * 1_000_000)
    sha256 = checksums.of_algorithm("sha256")
    assert checksums.sum_file(file, sha256) == f"sha256:{hashlib.sha256(b'abc' * 1_000_000).hexdigest()}"
    fast = checksums.sum_file(file, checksums.fastest())
    assert checksums.sum_file(file, checksums.of_algorithm(fast)) == fast
    file.write_bytes(b"")
    empty = checksums.sum_file(file, checksums.fastest())
    # The published value of XXH3-128 for no input.
    assert empty == "xxh3-128:99aa06d3014798d86001c324468d497f"
    monkeypatch.setattr(checksums, "_library", lambda: None)
    assert checksums.sum_file(file, checksums.fastest()).startswith("sha256:e3b0c442")
    for unknown in (fast, "md5:00"):
        with pytest.raises(ProgramError, match="cannot be made on this host"):
            checksums.of_algorithm(unknown)


@pytest.mark.parametrize(
    ("processors", "kind"), [(1, "xxh3-128:"), (2, "xxh3-128:"), (4, "sha256:"), (64, "sha256:")]
)
def test_files_have_sha256_where_processors_are_to_spare(monkeypatch, processors, kind):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(processors)))
    assert checksums.for_files().text().startswith(kind)


def model_directory(root: Path) -> Path:
    directory = root / "Model-7B"
    (directory / "sub/empty").mkdir(parents=True)
    (directory / "config.json").write_text("{}")
    (directory / "sub/weights").write_bytes(os.urandom(5000))
    (directory / "link").symlink_to("sub/weights")
    return directory


def test_a_scan_sees_everything_and_refuses_what_is_no_model(tmp_path):
    directory = model_directory(tmp_path)
    assert tree.scan(tmp_path / "Model-7B/sub/empty") == []
    seen = {entry.path: entry.kind for entry in tree.scan(directory)}
    assert seen == {
        "config.json": "file",
        "link": "link",
        "sub": "dir",
        "sub/empty": "dir",
        "sub/weights": "file",
    }
    os.mkfifo(directory / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(directory / "sock"))
        with pytest.raises(ProgramError, match=r"pipe is a named pipe; .*sock is a socket"):
            tree.scan(directory)


def test_only_equal_traces_prove_that_nothing_changed(tmp_path):
    directory = model_directory(tmp_path)
    before = tree.scan(directory)
    later = max(entry.ctime_ns for entry in before) + 1_000_000_000
    assert tree.proven_same(before, later, tree.scan(directory))
    assert not tree.proven_same(before, later - 999_000_000, tree.scan(directory)), "written just before"
    assert not tree.proven_same(before[1:], later, tree.scan(directory))
    seen = (directory / "config.json").stat()
    (directory / "config.json").write_text("[]")
    os.utime(directory / "config.json", ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert not tree.proven_same(before, later, tree.scan(directory)), "same size and mtime, but not ctime"
    (directory / "new").touch()
    (directory / "link").unlink()
    assert tree.changes(before, tree.scan(directory)) == ["config.json", "link", "new"]


@pytest.mark.parametrize(
    ("path", "target", "outside"),
    [
        ("a", "b", False),
        ("sub/a", "../b", False),
        ("sub/a", "../../b", True),
        ("a", "/mnt/x", True),
        ("a", "sub/../../b", True),
    ],
)
def test_links_that_lead_out_are_known(path, target, outside):
    entry = tree.Entry(path, "link", 0o777, 0, 0, 0, 0, target)
    assert bool(tree.outside_links([entry])) is outside


def test_a_record_comes_back_and_a_damaged_one_says_so(tmp_path):
    entries = tuple(
        SavedEntry(one, "ab" * 32 if one.kind == "file" else None)
        for one in tree.scan(model_directory(tmp_path))
    )
    known = Record("phi3", "Model-7B", "/x", NOW, 17, "xxh3-128:00", entries)
    text = record.to_json(known)
    assert record.from_json(text) == known
    assert len(text.splitlines()) == len(entries) + 2, "a line for each entry"
    for damaged in (
        text[:-20],
        "",
        "[]",
        text.replace('"version": 1', '"version": 9'),
        text.replace("17", '"x"'),
    ):
        with pytest.raises(record.RecordError):
            record.from_json(damaged)


def judged(days, kind="daily", model="phi3", good=True, folder=None, proven=False):
    name = ArchiveName(NOW - days * DAY, model)
    path = Path(f"/b/models/{folder or kind}/{name}")
    return Judged(Archive(name, kind, path, 10, days, float(name.stamp), 1), good, proven)


def ages(archives):
    return [(NOW - one.stamp) // DAY for one in archives]


def test_retention_counts_good_ones_only():
    assert retention.beyond([], 3) == []
    some = [judged(age) for age in (1, 2, 3, 4, 5)]
    assert ages(retention.beyond(some, 3)) == [5, 4]
    assert ages(retention.beyond([judged(0, good=False), *some], 3)) == [5, 4]
    mixed = [judged(1), judged(2, good=False), judged(3), judged(4, good=False), judged(5)]
    assert ages(retention.beyond(mixed, 2)) == [5, 4]
    assert retention.beyond([judged(1, good=False), judged(2, good=False)], 1) == []


def test_what_a_check_found_good_stays_until_a_newer_one_is():
    unlooked = [judged(age) for age in (1, 2, 3)]
    old = [judged(8, proven=True), judged(9, proven=True), judged(40, proven=True)]
    assert ages(retention.beyond([*unlooked, *old], 3)) == [40, 9]
    assert ages(retention.beyond([judged(0, proven=True), *unlooked, *old], 3)) == [40, 9, 8, 3]
    gone, kept = retention.cleanup([judged(1), judged(31), judged(40, proven=True), judged(50)], NOW, 30)
    assert ages(gone) == [31, 50]
    assert ages([one.archive for one in kept]) == [40]


def test_a_cleanup_never_takes_the_last_good_one():
    lots = [
        judged(1, good=False),
        judged(40),
        judged(50),
        judged(60, good=False),
        judged(45, kind="weekly"),
        judged(90, model="mixtral", good=False),
    ]
    gone, kept = retention.cleanup(lots, NOW, 30)
    assert ages(gone) == [50, 60]
    assert {(NOW - one.archive.stamp) // DAY for one in kept} == {40, 45, 90}
    assert next(one.why for one in kept) == "the last good daily one of phi3"
    assert retention.cleanup([], NOW, 1) == ([], [])


def test_a_cleanup_leaves_monthly_ones_to_their_retention_unless_told():
    months = [judged(30 * age, kind="monthly") for age in (1, 2, 3)]
    assert retention.cleanup(months, NOW, 30)[0] == []
    assert ages(retention.cleanup(months, NOW, 30, everything=True)[0]) == [60, 90]


def test_only_old_ones_that_a_restore_does_not_look_for_are_archived():
    lots = [
        judged(40),
        judged(50),
        judged(60, folder="archive"),
        judged(41, good=False),
        judged(2, kind="weekly"),
    ]
    assert ages(retention.to_archive(lots, NOW, 30)) == [50, 41]
    fresh = [judged(2), *lots]
    assert ages(retention.to_archive(fresh, NOW, 30)) == [40, 50, 41]


def test_xxhsum_agrees_where_there_is_one(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(os.urandom(3_000_001))
    try:
        done = subprocess.run(
            ["xxh128sum", str(file)], capture_output=True, text=True, timeout=10, check=True
        )
    except FileNotFoundError:
        pytest.skip("xxh128sum is not installed here")
    assert checksums.sum_file(file, checksums.fastest()) == f"xxh3-128:{done.stdout.split()[0]}"
