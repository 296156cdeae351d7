"""fetch_weights.py: makes a model's folder what the lock file says, from what this host has and from its source."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from citadel_node import files, mounts, output, systemd
from citadel_node.notify import Notifier
from citadel_node.output import size_text
from citadel_node.program import ProgramError
from citadel_node.weights import wanted as wanted_file
from citadel_node.weights.gathering import Gathering
from citadel_node.weights.source import Source
from citadel_node.weights.wanted import Wanted

_SPARE_BYTES = 64 << 20
_EPILOG = """exit status: 0 the weights are there, 1 they are not (it is said what to do), 2 usage, 75 another run is at it.
What was fetched is kept, and continued by the next run. Its token is the systemd credential "token"."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="fetch_weights.py",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("wanted", type=Path, help="/opt/citadel/configs/weights/MODEL.json")
    path = parser.parse_args(argv).wanted
    wanted = wanted_file.read(path)
    _require_disk(wanted)
    wanted.work.mkdir(parents=True, exist_ok=True)
    with files.locked(wanted.work / "lock", "another run"):
        while True:
            _make(wanted)
            # The lock file may have changed while weights were fetched.
            now = wanted_file.read(path)
            if now.digest == wanted.digest:
                break
            wanted = now
        _after(wanted)
    return 0


def _make(wanted: Wanted) -> None:
    gathering = Gathering(wanted)
    if gathering.is_in_place():
        gathering.settle()
        output.say(f"{wanted.target} has the weights of the lock file: {size_text(wanted.size)}")
        return
    gathering.prepare()
    _link_from_here(wanted, gathering)
    _require_space(wanted, gathering)
    _copy_from_disks(wanted, gathering)
    _fetch(wanted, gathering)
    gathering.put()
    output.say(f"{wanted.target} has the weights of the lock file now: {size_text(wanted.size)}")


def _require_disk(wanted: Wanted) -> None:
    """On an empty mount point they would fill the wrong disk."""
    for disk in wanted.disks:
        if wanted.target.is_relative_to(disk) and mounts.mounted(disk) is None:
            raise ProgramError(
                f"no disk is mounted at {disk}; nothing was fetched", f"Mount it: sudo mount {disk}"
            )


def _link_from_here(wanted: Wanted, gathering: Gathering) -> None:
    """What the model's folder and the one before it have already takes no room and no time of the network."""
    for one in gathering.missing():
        for folder in (wanted.target, gathering.before):
            if gathering.take(one, folder / one.path, link=True):
                break


def _require_space(wanted: Wanted, gathering: Gathering) -> None:
    needed = gathering.bytes_to_come() + _SPARE_BYTES
    free = mounts.usage(gathering.objects).available
    if free < needed:
        raise ProgramError(
            f"{gathering.objects} has {size_text(free)} free; the weights of {wanted.model} need {size_text(needed)}",
            f"See what is large: sudo du -xh --max-depth=2 {wanted.target.parent.parent} | sort -h | tail",
        )


def _copy_from_disks(wanted: Wanted, gathering: Gathering) -> None:
    """From folders of the model's name on other disks, at most two folders deep: a copy that someone keeps there."""
    name = wanted.target.name
    patterns = (name, f"*/{name}", f"*/*/{name}")
    folders = [
        path
        for disk in wanted.disks
        if mounts.mounted(disk) is not None
        for pattern in patterns
        for path in sorted(disk.glob(pattern))
        if path not in (wanted.target, wanted.work) and path.is_dir()
    ]
    for one in gathering.missing():
        for folder in (wanted.target, gathering.before, *folders):
            if gathering.take(one, folder / one.path, link=False):
                output.say(f"{one.path}: taken from {folder}")
                break


def _fetch(wanted: Wanted, gathering: Gathering) -> None:
    notifier = Notifier()
    missing = gathering.missing()
    total = sum(one.size for one in missing)
    done = total - gathering.bytes_to_come()
    told = 0.0

    def progress(amount: int) -> None:
        nonlocal done, told
        done += amount
        if time.monotonic() - told >= 2:
            told = time.monotonic()
            share = 100 * min(done, total) // max(total, 1)
            notifier.status(f"{share} % of {size_text(total)} from {wanted.origin}")

    source = Source(wanted, _token(), progress)
    for one in missing:
        output.say(f"{one.path}: {size_text(one.size)} from {wanted.origin}")
        source.fetch(one, gathering.part_of(one))
        os.replace(gathering.part_of(one), gathering.path_of(one))


def _token() -> str | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder is None or not (Path(folder) / "token").exists():
        return None
    token = (Path(folder) / "token").read_text(encoding="utf-8").strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ProgramError(
            "the token has spaces, line ends or other such characters", "Give its secret the token alone."
        )
    return token


def _after(wanted: Wanted) -> None:
    """What the model's service has to do with it. Neither is a reason to fail: the timer comes again within the hour."""
    gathering = Gathering(wanted)
    try:
        state = systemd.show_one(wanted.unit)
        if gathering.has_arrived():
            # A unit that was never started in this boot waits for its weights; one that is inactive, a person has stopped.
            if state.active == "inactive" and (not wanted.at_boot or state.inactive_since is not None):
                output.say(f"{wanted.unit} is stopped, and stays so")
            else:
                systemd.restart([wanted.unit], block=False)
                output.say(f"{wanted.unit}: restarted, with the new weights")
            gathering.forget_arrival()
            return
        switched = gathering.switched_at()
        if switched is None or not state.is_active:
            return
        if state.active_since is not None and state.active_since > switched:
            gathering.forget_before()
            output.say(f"{gathering.before}: removed, {wanted.unit} serves with the new weights")
    except ProgramError as error:
        output.warn(str(error))
