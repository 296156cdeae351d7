"""Other programs: argument vectors, never a shell, always with a time limit."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from citadel_node.program import ProgramError

# What a killed process may take to disappear. One that waits in the kernel (a dead GPU, a dead disk) never does.
_REAP_SEC = 1.0


@dataclass(frozen=True)
class Completed:
    """How a program ended: exit status (negative: the signal), standard output and standard error."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def words(self) -> str:
        """What it said about its failure, in one line: standard error, or else output, or its status."""
        said = " ".join((self.err.strip() or self.out.strip()).split())
        return said or f"exit status {self.code}"


class CommandMissing(ProgramError):
    """The program is not installed."""


class CommandTimeout(ProgramError):
    """The program did not end in time, and was killed."""


def run(argv: Sequence[str], timeout: float, stdin: str | None = None, errors: str = "replace") -> Completed:
    """Runs a program in the C locale and returns how it ended; any exit status is a result and not an error.

    `errors` says what becomes of output that is not UTF-8; "surrogateescape" keeps names of files as they are.

    Raises CommandMissing and CommandTimeout. It and its children are killed when `timeout` seconds are over or when
    we are interrupted; we do not wait for one that cannot be killed.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors=errors,
            env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""},
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise CommandMissing(f"{argv[0]} is not installed", f"Look for it: command -v {argv[0]}") from error
    except PermissionError as error:
        raise CommandMissing(f"{argv[0]} may not be run by this account", "Run it with sudo.") from error
    try:
        out, err = process.communicate(stdin, timeout)
    except subprocess.TimeoutExpired as error:
        _kill(process)
        raise CommandTimeout(
            f"`{_short(argv)}` did not end within {timeout:g} s",
            f"Run it by hand; if it hangs there too, look at `journalctl -k` and at `ps -o stat,wchan -C {argv[0]}`.",
        ) from error
    except BaseException:
        _kill(process)
        raise
    return Completed(tuple(argv), process.returncode, out, err)


def as_root(
    argv: Sequence[str], timeout: float, stdin: str | None = None, errors: str = "replace"
) -> Completed:
    """As `run`, by root: directly where we are root, else through `sudo -n`. Says so when sudo refuses."""
    if os.geteuid() == 0:
        return run(argv, timeout, stdin, errors)
    if shutil.which("sudo") is None:
        raise ProgramError(
            f"only root can do this: {' '.join(argv)}", "Run it as root: there is no sudo here."
        )
    done = run(["sudo", "-n", "--", *argv], timeout, stdin, errors)
    if not done.ok and done.err.lstrip().startswith("sudo:"):
        raise ProgramError(
            f"sudo refuses: {done.words}",
            f"This needs root: sudo {' '.join(argv)}",
        )
    return done


def _short(argv: Sequence[str]) -> str:
    words = " ".join(argv)
    return words if len(words) <= 60 else f"{words[:58]} …"


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired, ValueError, OSError):
        process.wait(_REAP_SEC)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
