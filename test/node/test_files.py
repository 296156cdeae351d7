"""Files, links and locks."""

import json
import os
import subprocess
import sys
import threading

import pytest
from citadel_node import files
from citadel_node.program import BusyError, ProgramError
from support.host import LIBRARY


def test_a_file_with_its_mode(tmp_path):
    path = tmp_path / "x"
    files.atomic_write(path, "one", 0o640)
    files.atomic_write(path, b"two", 0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert os.listdir(tmp_path) == ["x"]


def test_nothing_stays_of_a_failed_write(tmp_path):
    (tmp_path / "x").mkdir()
    with pytest.raises(IsADirectoryError):
        files.atomic_write(tmp_path / "x", "one")
    assert os.listdir(tmp_path) == ["x"]


def test_readers_see_whole_files_only(tmp_path):
    path = tmp_path / "x.json"
    files.atomic_json(path, ["a" * 5000])
    stop = threading.Event()
    seen = []

    def read():
        while not stop.is_set():
            seen.append(len(json.loads(path.read_text())[0]))

    reader = threading.Thread(target=read)
    reader.start()
    for size in range(4000, 4200):
        files.atomic_json(path, ["a" * size])
    stop.set()
    reader.join()
    assert min(seen) >= 4000


def test_links_are_replaced_and_directories_are_not(tmp_path):
    link = tmp_path / "models"
    files.atomic_symlink(link, "a")
    files.atomic_symlink(link, "b c")
    assert os.readlink(link) == "b c"
    (tmp_path / "real").mkdir()
    with pytest.raises(ProgramError, match="is there and is not a symbolic link"):
        files.atomic_symlink(tmp_path / "real", "a")
    assert sorted(os.listdir(tmp_path)) == ["models", "real"]


def test_json_that_is_none(tmp_path):
    assert files.read_json(tmp_path / "none") is None
    (tmp_path / "bad").write_text("{")
    with pytest.raises(ProgramError, match="is not JSON"):
        files.read_json(tmp_path / "bad")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files of others")
def test_a_lock_that_root_makes_does_not_keep_the_account_out(tmp_path):
    os.chown(tmp_path, 65534, 65534)
    lock = tmp_path / "x"
    with files.locked(lock):
        pass
    assert (lock.stat().st_uid, lock.stat().st_gid) == (65534, 65534)
    # One that is there keeps its owner: it may be anybody's.
    os.chown(lock, 1, 1)
    with files.locked(lock):
        pass
    assert lock.stat().st_uid == 1


def test_a_lock_is_no_link(tmp_path):
    (tmp_path / "x").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="Too many levels of symbolic links"), files.locked(tmp_path / "x"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_one_run_at_a_time(tmp_path):
    lock = tmp_path / "locks/x"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys, time; sys.path.insert(0, {str(LIBRARY)!r})\nfrom pathlib import Path\n"
            f"from citadel_node.files import locked\nwith locked(Path({str(lock)!r})):\n  print(1, flush=True); time.sleep(30)",
        ],
        stdout=subprocess.PIPE,
    )
    holder.stdout.readline()
    with (
        pytest.raises(BusyError, match=f"a backup holds .*process {holder.pid}"),
        files.locked(lock, "a backup"),
    ):
        pass
    holder.kill()
    holder.communicate()
    with files.locked(lock):
        pass
    with files.locked(lock):
        pass
