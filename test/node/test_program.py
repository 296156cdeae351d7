"""How programs end."""

import signal
import subprocess
import sys

import pytest
from citadel_node import output, program
from citadel_node.program import BusyError, ProgramError, UsageError
from support.host import LIBRARY


def ended(main, capsys):
    with pytest.raises(SystemExit) as leaving:
        program.run(main, [])
    return leaving.value.code, capsys.readouterr()


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ProgramError("the disk is gone", "Plug it in."), 1, ": the disk is gone\n  Plug it in.\n"),
        (ProgramError("no more to say"), 1, ": no more to say\n"),
        (UsageError("no such thing"), 2, ": no such thing\n"),
        (BusyError("someone holds it"), 75, "Wait until it has ended"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
        (
            PermissionError(13, "Permission denied", "/x"),
            1,
            ": /x: Permission denied\n  Run it with sudo.\n",
        ),
        (OSError(28, "No space left on device", "/x"), 1, "The disk is full"),
        (ZeroDivisionError("oops"), 1, ": unexpected ZeroDivisionError: oops\n  This is a defect"),
    ],
)
def test_errors_become_words_and_a_status(error, code, text, capsys):
    def main(_argv):
        raise error

    seen, said = ended(main, capsys)
    assert seen == code
    assert text in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_what_others_said_steers_no_terminal(capsys):
    def main(_argv):
        raise ProgramError("systemd: \x1b]0;x\x07\x9b2J\u202e\u200b no", "Look.")

    assert ended(main, capsys)[1].err.endswith(":  ]0;x  2J   no\n  Look.\n".replace(":  ", ": systemd:  "))
    output.emit_json({"said": "\x1b\x9b\u202eä\n"})
    assert capsys.readouterr().out == '{\n  "said": "\\u001b\\u009b\\u202eä\\n"\n}\n'


def test_a_status_is_passed_on(capsys):
    assert ended(lambda _argv: 0, capsys)[0] == 0
    assert ended(lambda _argv: 2, capsys)[0] == 2


def script(text):
    return [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {str(LIBRARY)!r})\n{text}"]


def test_a_reader_that_goes_away_is_no_error():
    text = "from citadel_node.program import run\nrun(lambda a: [print('x' * 100) for _ in range(100000)] and 0, [])"
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -1; echo "${PIPESTATUS[0]}"', "x", *script(text)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.splitlines()[-1] == "141"
    assert done.stderr == ""


def test_sigterm_runs_what_must_be_run():
    text = (
        "import time\nfrom citadel_node.program import run\n"
        "def main(a):\n  try:\n    print('ready', flush=True); time.sleep(30)\n  finally:\n    print('cleaned')\n"
        "run(main, [])"
    )
    with subprocess.Popen(script(text), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (143, "cleaned\n", "")


def test_a_trace_where_one_is_wanted(monkeypatch):
    monkeypatch.setenv("CITADEL_TRACE", "1")

    def main(_argv):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        program.run(main, [])
