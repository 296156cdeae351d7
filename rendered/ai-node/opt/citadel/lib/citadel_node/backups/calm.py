"""Lets others go first: processor and disk."""

from __future__ import annotations

import contextlib
import functools
import os

_NICE = 10


@functools.cache  # niceness adds up
def calm_down() -> None:
    """Before anything large is read. Threads and programs started later inherit it."""
    from citadel_node import commands
    from citadel_node.program import ProgramError

    with contextlib.suppress(OSError):
        os.nice(_NICE)
    with contextlib.suppress(ProgramError):
        commands.run(["ionice", "--class", "idle", "--pid", str(os.getpid())], 5.0)
