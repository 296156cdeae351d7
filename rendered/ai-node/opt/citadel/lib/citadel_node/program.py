"""How a program of the node begins and ends: exit statuses, errors that say what to do, no stack traces."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUSY = 75
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143


class ProgramError(Exception):
    """Something is wrong. `what` was found, `fix` is what to do about it (may be empty), `code` the exit status."""

    def __init__(self, what: str, fix: str = "", code: int = EXIT_FAILED) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.code = code

    def __str__(self) -> str:
        return f"{self.what}\n  {self.fix}" if self.fix else self.what


class UsageError(ProgramError):
    """The command line asks for something that does not exist. Exit status 2."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what, fix, EXIT_USAGE)


class BusyError(ProgramError):
    """Another run holds the lock. Exit status 75."""

    def __init__(self, what: str, fix: str = "Wait until it has ended, or stop it.") -> None:
        super().__init__(what, fix, EXIT_BUSY)


def run(main: Callable[[list[str]], int], argv: Sequence[str] | None = None) -> NoReturn:
    """Runs `main` with the arguments after the program's name and exits with what it returns.

    A ProgramError is printed on standard error (what, then what to do) and ends with its code. Ctrl-C ends with 130,
    SIGTERM with 143 (both after `finally` blocks), a reader that went away with 141 and no words. Anything
    unexpected is one line and status 1; `CITADEL_TRACE=1` shows where it came from.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        code = main(words)
        sys.stdout.flush()
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else EXIT_OK if exit_.code is None else EXIT_FAILED
        if isinstance(exit_.code, str):
            _complain(exit_.code)
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        code = EXIT_BROKEN_PIPE
    except ProgramError as error:
        _complain(str(error))
        code = error.code
    except Exception as error:  # the one place where everything ends
        if os.environ.get("CITADEL_TRACE"):
            raise
        _complain(_unexpected(error))
        code = EXIT_FAILED
    _leave(code)


def _leave(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        # Python flushes once more while it ends, and would complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


def _terminated(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_TERMINATED)


def _unexpected(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        hint = {
            errno.ENOSPC: "\n  The disk is full: `df -h` shows which, `find DIR -xdev -size +1G` what fills it.",
            errno.EACCES: "\n  Run it with sudo.",
            errno.EPERM: "\n  Run it with sudo.",
            errno.EROFS: "\n  The file system is read-only: `findmnt` and `journalctl -k` say why.",
        }
        return f"{where}{error.strerror}{hint.get(error.errno or 0, '')}"
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "  This is a defect of the program. CITADEL_TRACE=1 in its environment shows where."
    )


def _complain(text: str) -> None:
    name = os.path.basename(sys.argv[0]) or "citadel"
    # Other programs' messages are part of it, and must not steer the terminal.
    shown = "".join(sign if sign in "\n\t" or sign.isprintable() else " " for sign in text)
    try:
        sys.stderr.write(f"{name}: {shown}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
