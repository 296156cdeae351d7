"""Weights that the host fetches: from real servers and folders on this machine, cut off, wrong, gated, and switched in one step."""

import hashlib
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from citadel_node import mounts, systemd
from citadel_node.program import ProgramError
from citadel_node.systemd import UnitState
from citadel_node.weights import main as program
from citadel_node.weights import source, wanted

OLD = {"config.json": b"{}", "model.safetensors": b"old" * 50_000}
# No two places of it are the same: continued at a wrong one, it is another file.
NEW = {
    "config.json": b"{}",
    "sub/model.safetensors": b"".join(index.to_bytes(4, "big") for index in range(400_000)),
}


class WebServer:
    """A double of the hub's storage: a web server that continues files. `cut_after`: bytes after which it drops the
    connection, once for each entry. `gate`: the token that it wants; `elsewhere`: where it redirects to."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut_after: list[int] = []
        self.gate: str | None = None
        self.elsewhere: str | None = None
        self.ranges = True
        self.status: list[int] = []
        self.asked: list[tuple[str, str | None, str | None]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                token, begin = self.headers["Authorization"], self.headers["Range"]
                web.asked.append((self.path, token, begin))
                if web.status:
                    return self._end(web.status.pop(0), b"")
                if web.elsewhere is not None:
                    return self._end(302, b"", ("Location", web.elsewhere + self.path[1:]))
                if web.gate is not None and token != f"Bearer {web.gate}":
                    words = "Access to model org/phi is restricted.\x1b[31m"
                    return self._end(403, json.dumps({"error": words}).encode())
                data = web.files.get(self.path[1:])
                if data is None:
                    return self._end(404, b"")
                start = int(begin.removeprefix("bytes=").removesuffix("-")) if begin and web.ranges else 0
                extra = ("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(data) - start))
                if start:
                    self.send_header(*extra)
                self.end_headers()
                if web.cut_after:
                    self.wfile.write(data[start : start + web.cut_after.pop(0)])
                    self.close_connection = True
                else:
                    self.wfile.write(data[start:])
                return None

            def _end(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
                self.send_response(status)
                for name, value in (*headers, ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


class Node:
    """The parts of a node that the program looks at, in a folder; systemd is not asked, and its units are what a test says."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.target = root / "models/active/phi"
        self.work = root / "models/downloads/phi"
        self.target.parent.mkdir(parents=True)
        self.path = root / "phi.json"
        self.restarted: list[str] = []
        self.unit = {"active": "inactive", "active_since": None, "inactive_since": None}
        monkeypatch.setattr(systemd, "restart", lambda units, block: self.restarted.extend(units))
        monkeypatch.setattr(systemd, "show_one", lambda unit: self._state(unit))
        monkeypatch.setattr(source, "PAUSES", (0, 0))
        monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    def want(self, files: dict[str, bytes], base: str, kind: str = "http", **more: object) -> None:
        listed = [
            {"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in sorted(files.items())
        ]
        data = {
            "model": "phi",
            "unit": "citadel-phi.service",
            "start": "boot",
            "from": "hf://org/phi@main",
            "kind": kind,
            "base": base,
            "target": str(self.target),
            "work": str(self.work),
            "disks": [],
            "bytesPerSec": None,
            "files": listed,
            **more,
        }
        self.path.write_text(json.dumps(data))

    def run(self) -> int:
        return program.main([str(self.path)])

    def has(self, folder: Path | None = None) -> dict[str, bytes]:
        root = folder or self.target
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def _state(self, unit: str) -> UnitState:
        rest = {"description": "", "load": "loaded", "sub": "", "result": "", "enabled": "", "main_pid": 0}
        return UnitState(unit=unit, restarts=0, exit_status=0, job=False, **rest, **self.unit)


@pytest.fixture
def web():
    server = WebServer()
    server.files = {**OLD, **NEW}
    yield server
    server.close()


@pytest.fixture
def node(tmp_path, monkeypatch):
    return Node(tmp_path, monkeypatch)


def put(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_weights_come_whole_and_the_model_starts(node, web):
    node.want(NEW, web.url)
    assert node.run() == 0
    assert node.has() == NEW
    assert node.restarted == ["citadel-phi.service"]
    assert (node.target / "config.json").stat().st_mode & 0o777 == 0o644
    # The second run reads nothing, fetches nothing and restarts nothing.
    web.asked.clear()
    assert node.run() == 0
    assert (web.asked, node.restarted) == ([], ["citadel-phi.service"])
    assert not (node.work / "objects").exists()


def test_a_cut_connection_is_continued_where_it_ended(node, web):
    node.want(NEW, web.url)
    web.cut_after = [1, 9, 700_000, 5]
    assert node.run() == 0
    assert node.has() == NEW
    begun = [begin for path, _, begin in web.asked if path == "/sub/model.safetensors"]
    assert begun == [None, "bytes=700000-", "bytes=700005-"]


def test_a_run_that_ended_is_continued_by_the_next(node, web):
    node.want(NEW, web.url)
    web.status = [503] * 3
    with pytest.raises(ProgramError, match=r"config\.json: the server answers 503"):
        node.run()
    web.cut_after = [2, 1_000_000]
    web.status = []
    with pytest.MonkeyPatch.context() as once:
        once.setattr(source, "PAUSES", ())
        with pytest.raises(ProgramError, match=r"model\.safetensors: .*it ended|IncompleteRead|cut"):
            node.run()
    assert not node.target.exists()
    web.asked.clear()
    assert node.run() == 0
    assert [(path, begin) for path, _, begin in web.asked] == [("/sub/model.safetensors", "bytes=1000000-")]
    assert node.has() == NEW


def test_a_server_that_cannot_continue_starts_over(node, web):
    node.want(NEW, web.url)
    web.ranges = False
    web.cut_after = [2, 700_000]
    assert node.run() == 0
    assert node.has() == NEW
    begun = [begin for path, _, begin in web.asked if path == "/sub/model.safetensors"]
    assert begun == [None, "bytes=700000-"]


def test_wrong_bytes_are_refused_and_what_serves_stays(node, web):
    put(node.target, OLD)
    node.want(NEW, web.url)
    web.files["sub/model.safetensors"] = b"evil" * 400_000
    with pytest.raises(ProgramError, match=r"sub/model\.safetensors has other bytes than the lock file says"):
        node.run()
    assert node.has() == OLD
    assert node.restarted == []


def test_a_changed_revision_is_switched_to_and_the_old_one_kept_until_the_new_one_served(node, web):
    node.want(OLD, web.url)
    node.run()
    node.unit = {"active": "active", "active_since": 1.0, "inactive_since": None}
    web.asked.clear()
    node.want(NEW, web.url)
    node.run()
    assert node.has() == NEW
    assert node.has(node.work / "before") == OLD
    assert node.restarted == ["citadel-phi.service"] * 2
    # What did not change was not fetched.
    assert [path for path, _, _ in web.asked] == ["/sub/model.safetensors"]
    node.run()
    assert (node.work / "before").exists()
    node.unit = {"active": "active", "active_since": 9e9, "inactive_since": None}
    node.run()
    assert not (node.work / "before").exists()


def test_the_way_back_fetches_nothing(node, web):
    for files in (OLD, NEW):
        node.want(files, web.url)
        node.run()
    web.asked.clear()
    node.want(OLD, web.url)
    node.run()
    assert node.has() == OLD
    assert node.has(node.work / "before") == NEW
    assert web.asked == []


def test_what_a_person_stopped_stays_stopped(node, web):
    node.want(OLD, web.url)
    node.unit = {"active": "inactive", "active_since": 1.0, "inactive_since": 2.0}
    node.run()
    assert node.restarted == []
    node.want(NEW, web.url, start="manual")
    node.unit = {"active": "inactive", "active_since": None, "inactive_since": None}
    node.run()
    assert node.restarted == []


def test_a_folder_that_is_there_already_is_only_read(node, web):
    put(node.target, NEW)
    before = (node.target / "config.json").stat().st_ino
    node.want(NEW, web.url)
    node.run()
    assert web.asked == []
    assert node.restarted == []
    assert (node.target / "config.json").stat().st_ino == before


def test_a_file_too_many_is_none_of_the_model(node, web):
    put(node.target, {**NEW, "old.safetensors": b"old"})
    node.want(NEW, web.url)
    node.run()
    assert node.has() == NEW
    assert web.asked == []
    assert "old.safetensors" in node.has(node.work / "before")


def test_a_copy_on_another_disk_is_taken_first(node, web, monkeypatch):
    disk = node.root / "backup"
    put(disk / "copies/phi", {"config.json": b"{}", "sub/model.safetensors": b"rot!" * 400_000})
    monkeypatch.setattr(mounts, "mounted", lambda path: object())
    node.want(NEW, web.url, disks=[str(disk)])
    node.run()
    assert node.has() == NEW
    # The copy of the other file is damaged.
    assert [path for path, _, _ in web.asked] == ["/sub/model.safetensors"]


def test_a_full_disk_is_said_before_anything_is_fetched(node, web, monkeypatch):
    put(node.target, OLD)
    node.want(NEW, web.url)
    real = os.statvfs

    def full(path):
        seen = list(real(path))
        seen[3] = seen[4] = 1
        return os.statvfs_result(seen)

    monkeypatch.setattr(os, "statvfs", full)
    with pytest.raises(ProgramError, match=r"free; the weights of phi need 65\.5 MiB"):
        node.run()
    assert (web.asked, node.has()) == ([], OLD)


def test_nothing_is_written_where_the_disk_is_not_mounted(node, web):
    node.want(NEW, web.url, disks=[str(node.root / "models")])
    with pytest.raises(ProgramError, match="no disk is mounted at"):
        node.run()
    assert not node.work.exists()


def test_a_gated_model_says_so_in_the_hubs_words(node, web):
    web.gate = "right"
    node.want(NEW, web.url)
    with pytest.raises(
        ProgramError, match=r"the server answers 403: Access to model org/phi is restricted\."
    ):
        node.run()
    assert len(web.asked) == 1


def test_the_token_goes_to_the_source_and_to_no_other_server(node, web, monkeypatch):
    front = WebServer()
    front.elsewhere = web.url
    credentials = node.root / "credentials"
    put(credentials, {"token": b"right\n"})
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    node.want(NEW, front.url)
    web.cut_after = [2, 700_000]
    assert node.run() == 0
    front.close()
    assert {token for _, token, _ in front.asked} == {"Bearer right"}
    assert {token for _, token, _ in web.asked} == {None}
    assert web.asked[-1][2] == "bytes=700000-"
    assert b"right" not in b"".join(path.read_bytes() for path in node.root.rglob("*.json"))


def test_a_folder_is_a_source(node):
    share = node.root / "share"
    put(share, NEW)
    node.want(NEW, str(share), kind="folder")
    assert node.run() == 0
    assert node.has() == NEW
    node.want({**NEW, "gone.bin": b"x"}, str(share), kind="folder")
    with pytest.raises((ProgramError, OSError), match="gone"):
        node.run()


def test_a_lock_file_that_changes_meanwhile_is_followed(node, web, monkeypatch):
    node.want(OLD, web.url)
    fetch = source.Source.fetch

    def changed(self, one, part):
        fetch(self, one, part)
        if "model" in one.path and one.path in OLD:
            node.want(NEW, web.url)

    monkeypatch.setattr(source.Source, "fetch", changed)
    assert node.run() == 0
    assert node.has() == NEW


def test_a_run_that_was_killed_right_after_the_switch_is_ended_by_the_next(node, web):
    put(node.target, NEW)
    put(node.work / "tree", OLD)
    put(node.work, {"arrived": b""})
    node.want(NEW, web.url)
    node.run()
    assert node.has(node.work / "before") == OLD
    assert node.restarted == ["citadel-phi.service"]
    assert not (node.work / "tree").exists()


def test_its_limit_holds(node, web, monkeypatch):
    waited = []
    monkeypatch.setattr(source.time, "sleep", waited.append)
    node.want(NEW, web.url, bytesPerSec=100_000)
    node.run()
    assert max(waited) > 14


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "a//b", "./a"])
def test_a_path_out_of_the_folder_is_refused(node, path):
    node.want({path: b"x"}, "http://127.0.0.1:1/")
    with pytest.raises(ProgramError, match="is damaged"):
        wanted.read(node.path)
