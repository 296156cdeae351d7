"""Who is at the keyboard: the question, and root's rights through sudo."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

from citadel_node import commands, output
from citadel_node.program import ProgramError, UsageError

Tell = Callable[[str], None]


def again_as_root() -> NoReturn:
    """Starts this program again through sudo. Raises ProgramError when sudo refuses."""
    commands.as_root(["true"], 10.0)
    program = os.path.realpath(sys.argv[0])
    os.execvp("sudo", ["sudo", "-n", "--", program, *sys.argv[1:]])


def confirm(question: str) -> None:
    """Asks; raises ProgramError for anything but yes, and UsageError where no one can be asked."""
    if not sys.stdin.isatty():
        raise UsageError("no one can be asked here", "Say --yes, or --dry-run to look first.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ProgramError("nothing was changed")


def teller(as_json: bool) -> Tell:
    """Where words for people go: standard output, or standard error next to JSON."""
    return _to_stderr if as_json else _to_stdout


def _to_stdout(text: str) -> None:
    output.say(text)


def _to_stderr(text: str) -> None:
    output.warn(text)
