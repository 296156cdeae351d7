"""`citadel logs`: journalctl with the right units, in our place, so that -f and Ctrl-C are its own."""

from __future__ import annotations

import os

from citadel_node.control.names import Subject
from citadel_node.program import ProgramError


def arguments(subject: Subject, lines: int, follow: bool, since: str | None, json: bool) -> list[str]:
    argv = ["journalctl", "--no-pager", f"--lines={lines}"]
    argv += [f"--unit={unit}" for unit in subject.stop]
    if follow:
        argv.append("--follow")
    if since is not None:
        argv.append(f"--since={since}")
    if json:
        argv.append("--output=json")
    return argv


def show(subject: Subject, lines: int, follow: bool, since: str | None, json: bool) -> int:
    """Does not return where journalctl is installed."""
    argv = arguments(subject, lines, follow, since, json)
    try:
        os.execvp(argv[0], argv)
    except FileNotFoundError:
        raise ProgramError(
            "journalctl is not installed", "The journal is systemd's: apt install systemd"
        ) from None
