"""Other programs, with time limits."""

import os
import time
from pathlib import Path

import pytest
from citadel_node import commands
from citadel_node.program import ProgramError


def test_a_status_and_what_was_said():
    done = commands.run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], 5)
    assert (done.code, done.out, done.err, done.ok, done.words) == (3, "out\n", "err\n", False, "err")


def test_words_without_words():
    assert commands.run(["/bin/false"], 5).words == "exit status 1"


def test_a_missing_program():
    with pytest.raises(commands.CommandMissing, match="there-is-none is not installed"):
        commands.run(["there-is-none"], 5)


def test_a_stuck_program_and_its_children_are_killed(tmp_path):
    # The child holds the pipe open after its parent was killed: a naive wait would last for 30 s.
    begun = time.monotonic()
    with pytest.raises(commands.CommandTimeout, match=r"did not end within 0\.3 s"):
        commands.run(["/bin/sh", "-c", f"sleep 30 & echo $! >{tmp_path}/pid; wait"], 0.3)
    assert time.monotonic() - begun < 3
    pid = int((tmp_path / "pid").read_text())
    time.sleep(0.1)
    status = f"/proc/{pid}/status"
    assert not os.path.exists(status) or "Z (zombie)" in Path(status).read_text()


def test_what_is_not_text_is_read_all_the_same():
    assert commands.run(["printf", "\\377\\376x"], 5).out.endswith("x")


def test_arguments_are_not_a_shell():
    assert commands.run(["echo", "$HOME; `id` $(id) *"], 5).out == "$HOME; `id` $(id) *\n"


def test_sudo_that_refuses_is_said(host, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert commands.as_root(["echo", "done"], 5).out == "done\n"
    host.refuse_sudo()
    with pytest.raises(ProgramError, match="sudo refuses: sudo: a password is required") as error:
        commands.as_root(["mkdir", "/x"], 5)
    assert error.value.fix == "This needs root: sudo mkdir /x"
