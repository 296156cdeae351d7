"""The lines of a transaction's `ops/`: what the engine's program on the host reads, in the engine's own form."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from citadel_node.rollback import blocks
from citadel_node.rollback.document import is_below
from citadel_node.rollback.items import lost_memberships
from citadel_node.rollback.state import PATH_SECTIONS, Change, Situation, UnitAction, is_adopted, last_path

US = "\x1f"
_RANK = {"dir": 0, "link": 1, "file": 2, "block": 2, "attr": 3, "rmdir": 4, "del": 4, "original": 4}
_PATHS = ("directories", "files", "symlinks", "blocks")
# Paths that systemd reads as configuration of units; its generator makes units of fstab.
_MANAGER = re.compile(
    r"(/etc/systemd/system|/(usr/|usr/local/)?lib/systemd/system)/|/etc/fstab\Z",
)


# What reads a file that comes back from before us, by its path: the document no longer says.
_VALIDATOR_OF = (
    (re.compile(r"/etc/ssh/sshd_config(\.d/[^/]+\.conf)?\Z"), "sshd-config"),
    (re.compile(r"/etc/(sudoers|sudoers\.d/[^/.]+)\Z"), "sudoers"),
    (re.compile(r"/etc/nftables\.conf\Z"), "nftables"),
    (re.compile(r"/etc/fstab\Z"), "fstab"),
)


def record(*fields: object) -> str:
    """One line. None is an empty field."""
    texts = ["" if one is None else str(one).lower() if isinstance(one, bool) else str(one) for one in fields]
    if any(ord(sign) < 32 or ord(sign) == 127 for text in texts for sign in text):
        raise ValueError(f"control character in a record: {texts!r}")
    return US.join(texts) + "\n"


# An operation: its kind, its path, and for what is put: owner, group and mode, or a link's target.
Operation = tuple[str, ...]


def path_operations(
    it: Situation, changes: Sequence[Change], written: Mapping[str, bytes]
) -> list[Operation]:
    """What stands in the way goes first, then directories from the top down, links, files, and last what leaves."""
    mine = [change for change in changes if change.section in _PATHS]
    put = sorted(
        (
            _put(it, change, written)
            for change in mine
            if (change.action != "delete" and not _returns(it, change)) or change.section == "blocks"
        ),
        key=lambda one: (_RANK[one[0]], one[1]),
    )
    kept = {one[1] for one in put}
    replaced = [one[1] for one in put if one[0] in ("link", "file")]
    links = [path for path, seen in it.observed.paths.items() if seen.kind == "symlink"]
    removals: list[Operation] = [
        _removal(it, change)
        for change in sorted(mine, key=lambda one: one.key, reverse=True)
        if (change.action == "delete" or _returns(it, change))
        and change.section != "blocks"
        and change.key not in kept
        and not is_below(change.key, replaced)
        and not is_below(change.key, links)
    ]
    first = [
        one for one in removals if one[0] == "del" and any(path.startswith(f"{one[1]}/") for path in kept)
    ]
    return [*first, *put, *(one for one in removals if one not in first)]


def adopted_paths(it: Situation) -> list[str]:
    """What this generation is the first to name: the host keeps what stands there, whether or not it changes."""
    wanted = {path for section in PATH_SECTIONS for path in it.wants(section)}
    return sorted(path for path in wanted if last_path(it, path) is None)


def _returns(it: Situation, change: Change) -> bool:
    """Whether a change puts back what stood at a path that left, before any generation named it."""
    return (
        change.section in ("files", "symlinks")
        and change.action != "delete"
        and change.key not in it.wants(change.section)
    )


def _removal(it: Situation, change: Change) -> Operation:
    if change.action == "delete":
        return ("rmdir" if change.section == "directories" else "del", change.key)
    copy = it.observed.before[change.key].copy
    assert copy is not None, "what is put back has a copy"
    return ("original", change.key, copy)


def _put(it: Situation, change: Change, written: Mapping[str, bytes]) -> Operation:
    path = change.key
    if change.section == "symlinks":
        return ("link", path, str(it.wants("symlinks")[path]["target"]))
    if change.section == "blocks":
        return ("block", path)
    value = it.wants(change.section)[path]
    access = (value["owner"], value["group"], value["mode"])
    if change.section == "directories":
        return ("dir", path, *access)
    return ("file" if path in written else "attr", path, *access)


def block_texts(it: Situation, every: Sequence[Operation]) -> tuple[list[Operation], dict[str, str]]:
    """The operations with each file of blocks numbered, and `ops/block-N`: its lines and the names of those that go."""
    numbered: list[Operation] = []
    texts: dict[str, str] = {}
    for one in every:
        if one[0] != "block":
            numbered.append(one)
            continue
        numbered.append(("block", one[1], str(len(texts))))
        wanted = it.wants("blocks").get(one[1]) or {}
        last = it.last("blocks").get(one[1]) or {}
        lines: list[str] = []
        for name in sorted(wanted):
            text = blocks.normal(wanted[name]).decode()
            lines += [f"w {name}", *(f"t {line}" for line in text.split("\n")[:-1])]
        names = [name for name in last if not (name == "adopted" and is_adopted(last))]
        lines += [f"r {name}" for name in names if name not in wanted]
        texts[f"block-{len(texts)}"] = "".join(f"{line}\n" for line in lines)
    return numbered, texts


def validations(it: Situation, every: Sequence[Operation]) -> str:
    """Changed files that name a validator, unchanged ones in whose folder something changes, and what is put back."""
    changed = [one[1] for one in every]
    wanted = [(path, file["validate"]) for path, file in it.wants("files").items() if "validate" in file]
    if "/etc/fstab" in it.wants("blocks"):
        wanted.append(("/etc/fstab", "fstab"))

    def concerned(path: str) -> bool:
        parent = path.rpartition("/")[0]
        folder = path if parent in ("", "/etc") else parent
        return any(other == path or other.startswith(f"{folder}/") for other in changed)

    lines: list[tuple[str, ...]] = [(path, str(kind)) for path, kind in wanted if concerned(path)]
    lines += [
        (path, kind, "original")
        for op, path, *_ in every
        if op == "original"
        for pattern, kind in _VALIDATOR_OF
        if pattern.match(path)
    ]
    return "".join(record(one[1], one[0], *one[2:]) for one in sorted(lines, key=lambda one: one[0]))


def package_lines(it: Situation, changes: Sequence[Change]) -> tuple[str, str]:
    """`ops/packages-install` and `ops/packages-remove`."""
    packages = it.wants("packages")
    install = [one.key for one in changes if one.section == "packages" and one.action != "delete"]
    remove = [one.key for one in changes if one.section == "packages" and one.action == "delete"]
    return (
        "".join(record(key, packages[key].get("version"), packages[key].get("source")) for key in install),
        "".join(record(key) for key in remove),
    )


def account_lines(it: Situation, changes: Sequence[Change]) -> dict[str, str]:
    """`groups`, `users`, `members-remove`, `users-remove` and `groups-remove` of `ops/`."""
    groups, users = it.wants("groups"), it.wants("users")

    def lines(section: str, leaving: bool) -> list[Change]:
        return [one for one in changes if one.section == section and (one.action == "delete") == leaving]

    return {
        "groups": "".join(
            record(one.key, groups[one.key].get("gid"), groups[one.key].get("system"))
            for one in lines("groups", False)
        ),
        "users": "".join(
            _user(one.key, users[one.key], one.action) for one in lines("users", False) if one.key in users
        ),
        "members-remove": "".join(
            record(one.key, group)
            for one in lines("users", False)
            for group in lost_memberships(it, one.key)
        ),
        "users-remove": "".join(record(one.key) for one in lines("users", True)),
        "groups-remove": "".join(record(one.key) for one in lines("groups", True)),
    }


def _user(name: str, user: Mapping[str, Any], action: str) -> str:
    return record(
        name,
        user.get("uid"),
        user.get("group"),
        user["home"],
        user["shell"],
        ",".join(user["groups"]),
        user["system"],
        action,
    )


def unit_lines(it: Situation, actions: Sequence[UnitAction]) -> tuple[str, str]:
    """`ops/units-before` (those that leave) and `ops/units`."""
    units = it.wants("units")
    return (
        "".join(record(one.verb, one.unit) for one in actions if one.unit not in units),
        "".join(record(one.verb, one.unit, one.wave) for one in actions if one.unit in units),
    )


def rest_lines(it: Situation) -> str:
    """`ops/units-rest`: units that are to be stopped or disabled, whatever a package does to them."""
    return "".join(
        record(verb, name)
        for name, unit in sorted(it.wants("units").items())
        for verb, wanted in (("stop", unit["state"] == "stopped"), ("disable", unit["enabled"] is False))
        if wanted
    )


def check_lines(checks: Mapping[str, Mapping[str, Any]]) -> str:
    """`ops/checks`."""
    return "".join(_check(name, checks[name]) for name in sorted(checks))


def _check(name: str, check: Mapping[str, Any]) -> str:
    common = (check["kind"], name, check["wave"], math.ceil(check["timeoutSec"]))
    if check["kind"] == "unit":
        return record(*common, check["unit"])
    if check["kind"] == "tcp":
        return record(*common, check["host"], check["port"])
    if check["kind"] == "command":
        return record(*common, *check["command"])
    url = urlsplit(check["url"])
    port = url.port or (443 if url.scheme == "https" else 80)
    request = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return record(
        *common, check["status"], f"{url.scheme}://{url.netloc}{request}", url.hostname, port, request
    )


def needs_reload(it: Situation, actions: Sequence[UnitAction], operations: Sequence[Operation]) -> bool:
    """Whether systemd has to read its files again."""
    links = any(one.verb in ("enable", "disable", "unmask") for one in actions)
    stale = any(unit.stale for unit in it.observed.units.values())
    return links or stale or any(_MANAGER.match(one[1]) for one in operations)


def summary(changes: Sequence[Change]) -> str:
    """`3 changes: files 2, units 1`, or `no change`."""
    if not changes:
        return "no change"
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.section] = counts.get(change.section, 0) + 1
    parts = ", ".join(f"{section} {count}" for section, count in counts.items())
    return f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}: {parts}"
