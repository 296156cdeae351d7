"""Which archives of the configuration this host itself made: a list of their digests that root alone reads and writes.

The archives and their catalogue lie on a disk that the node's account can write, and that can be carried away: their checksums find
damage, and not a forgery. What is put back as root has to be in this list.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from citadel_node import commands
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

_LIMIT_SEC = 60.0
_KEPT = 4000
# Constant; its arguments are the list, how many lines of it stay, and the new line.
_ADD = """set -eu
umask 077
mkdir -p -- "${1%/*}"
{ [ ! -f "$1" ] || tail -n "$2" -- "$1"; printf '%s\\n' "$3"; } >"$1.new"
sync -- "$1.new"
mv -f -- "$1.new" "$1"
"""


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add(settings: Settings, name: str, digest: str) -> None:
    """Raises ProgramError: an archive that is in no list could not be put back."""
    line = f"{digest}  {name}"
    done = commands.as_root(["sh", "-c", _ADD, "vouch", str(_list(settings)), str(_KEPT), line], _LIMIT_SEC)
    if not done.ok:
        raise ProgramError(
            f"{_list(settings)} could not be written: {done.words}", f"Look: df -h {_list(settings).parent}"
        )


def knows(settings: Settings, name: str, digest: str) -> bool:
    """Whether root on this host wrote down these bytes under this name; False where there is no list."""
    done = commands.as_root(["cat", "--", str(_list(settings))], _LIMIT_SEC)
    return done.ok and f"{digest}  {name}" in done.out.split("\n")


def _list(settings: Settings) -> Path:
    return settings.paths.generations.parent / "citadel-archives" / "configs"
