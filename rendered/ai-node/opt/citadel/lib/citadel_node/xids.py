"""What NVIDIA's driver reported of its GPUs in the kernel's journal: lines such as `NVRM: Xid (PCI:0000:3b:00): 79, …`."""

from __future__ import annotations

import re

from citadel_node import commands
from citadel_node.program import ProgramError

#: Older ones are history: the alerts look back a quarter of an hour.
LOOK_BACK = "-1h"
_LINE = re.compile(r"^(\d+(?:\.\d+)?) .*NVRM: Xid \((?:PCI:)?([0-9A-Fa-f:.]+)\): (\d+)")


class XidError(ProgramError):
    """The kernel's journal cannot be read."""


def recent(timeout: float = 5.0) -> dict[tuple[str, int], float]:
    """When each error last came within the last hour, Unix time, by the GPU's PCI address and number. Raises XidError."""
    argv = ["journalctl", "--no-pager", "-q", "-o", "short-unix", "--since", LOOK_BACK]
    done = commands.run([*argv, "--grep", "NVRM: Xid", "_TRANSPORT=kernel"], timeout)
    # With --grep, 1 also says that there is none.
    if done.code not in (0, 1) or (done.code == 1 and done.err.strip()):
        raise XidError(f"the kernel's journal cannot be read: {done.words}", "Try: journalctl -k -n 5")
    return parse(done.out)


def parse(text: str) -> dict[tuple[str, int], float]:
    found: dict[tuple[str, int], float] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            key = match[2].lower(), int(match[3])
            found[key] = max(found.get(key, 0.0), float(match[1]))
    return found
