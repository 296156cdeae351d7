"""What is printed."""

import dataclasses
import io
from pathlib import Path

import pytest
from citadel_node import output


def test_tables():
    assert output.table(["a", "size"], [["long name", "1"], ["日本", "200"]], right=[1]) == (
        "a          size\nlong name     1\n日本        200"
    )
    assert output.table(["a"], []) == "a"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59, "59 s"),
        (60, "1 min"),
        (185, "3 min 5 s"),
        (3600, "1 h"),
        (7800, "2 h 10 min"),
        (86400, "1 d"),
        (356400, "4 d 3 h"),
    ],
)
def test_durations(seconds, text):
    assert output.duration_text(seconds) == text


def test_sizes():
    assert [output.size_text(size) for size in (0, 1023, 1536, 5 * 2**40)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "5.0 TiB",
    ]


def test_times():
    assert output.time_text(0) == "1970-01-01T00:00:00Z"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_colours_only_on_terminals_that_want_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.paint("x", "red", io.StringIO()) == "x"
    assert output.paint("x", "red", Terminal()) == "\033[31mx\033[0m"
    monkeypatch.setenv("TERM", "dumb")
    assert output.paint("x", "red", Terminal()) == "x"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.paint("x", "red", Terminal()) == "x"


def test_colours_do_not_count():
    assert output.width("\033[31mab\033[0m") == 2


def test_what_comes_from_elsewhere_does_not_steer_the_terminal():
    assert output.clean("a\033[2Jb\x07\r\n") == "a [2Jb   "


def test_json(capsys):
    @dataclasses.dataclass
    class Thing:
        path: Path
        names: tuple[str, ...]

    output.emit_json({"x": Thing(Path("/a"), ("é",))})
    assert (
        capsys.readouterr().out
        == '{\n  "x": {\n    "path": "/a",\n    "names": [\n      "é"\n    ]\n  }\n}\n'
    )
