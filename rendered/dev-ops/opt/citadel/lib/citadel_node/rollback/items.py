"""What differs beside paths: packages, accounts, mounts, units, checks. The rules are those of the engine's diff."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from citadel_node.program import ProgramError
from citadel_node.rollback.state import Change, SeenMount, SeenUnit, SeenUser, Situation, is_adopted

# Options that the kernel shows again as they were given; what others say is no drift.
_COMPARED = frozenset(("ro", "noexec", "nosuid", "nodev", "noatime", "nodiratime", "sync", "dirsync"))
_USER = frozenset(("user", "users", "group", "owner"))
_CANNOT_ENABLE = frozenset(("static", "generated", "transient", "alias", "indirect"))
_BY_NAME = (
    (re.compile(r"(?:LABEL=|/dev/disk/by-label/)(.*)\Z"), "label"),
    (re.compile(r"(?:UUID=|/dev/disk/by-uuid/)(.*)\Z"), "uuid"),
    (re.compile(r"(?:PARTLABEL=|/dev/disk/by-partlabel/)(.*)\Z"), "part_label"),
    (re.compile(r"(?:PARTUUID=|/dev/disk/by-partuuid/)(.*)\Z"), "part_uuid"),
)


def item_changes(situation: Situation, notes: list[str]) -> list[Change]:
    """Changes of everything that is no path; `notes` get what stays although it left the configuration."""
    return [
        *_packages(situation, notes),
        *_groups(situation, notes),
        *_users(situation, notes),
        *_mounts(situation, notes),
        *_units(situation, notes),
        *_checks(situation),
    ]


def _stays(notes: list[str], what: str) -> None:
    notes.append(f"{what} stays: it was there before it was managed")


def _packages(it: Situation, notes: list[str]) -> Iterator[Change]:
    for name, package in sorted(it.wants("packages").items()):
        seen = it.observed.packages.get(name)
        if package.get("state") == "absent":
            if seen is not None:
                yield Change("packages", name, "delete", f"{seen} is removed")
            continue
        version = package.get("version")
        if seen is None or version not in (None, seen):
            note = f"{seen or 'absent'} → {version or 'any version'}"
            yield Change("packages", name, "create" if seen is None else "update", note)
    for name in it.leaving("packages"):
        if name not in it.observed.packages or it.last("packages")[name].get("state") == "absent":
            continue
        if is_adopted(it.last("packages")[name]):
            _stays(notes, f"package {name}")
        else:
            yield Change("packages", name, "delete", f"{it.observed.packages[name]} is removed")


def _groups(it: Situation, notes: list[str]) -> Iterator[Change]:
    for name, group in sorted(it.wants("groups").items()):
        seen = it.observed.groups.get(name)
        _same_number("group", name, group.get("gid"), seen)
        if seen is None:
            yield Change("groups", name, "create")
    users = it.wants("users")
    for name in it.leaving("groups"):
        own_group = name in users and users[name].get("group") is None
        if name not in it.observed.groups or own_group:
            continue
        if is_adopted(it.last("groups")[name]):
            _stays(notes, f"group {name}")
        else:
            yield Change("groups", name, "delete")


def _users(it: Situation, notes: list[str]) -> Iterator[Change]:
    for name in sorted(it.wants("users")):
        seen = it.observed.users.get(name)
        _same_number("user", name, it.facts["users"][name].get("uid"), seen.uid if seen else None)
        lost = lost_memberships(it, name)
        if lost and _user_holds(it.facts["users"][name], seen):
            yield Change("users", name, "update", f"{name} loses {', '.join(lost)}")
        elif not _user_holds(it.facts["users"][name], seen):
            yield Change("users", name, "create" if seen is None else "update")
    for name in it.leaving("users"):
        seen = it.observed.users.get(name)
        if seen is None:
            continue
        if is_adopted(it.last("users")[name]) or seen.uid == 0:
            _stays(notes, f"user {name}")
            if lost := lost_memberships(it, name):
                yield Change("users", name, "update", f"{name} loses {', '.join(lost)}")
        else:
            yield Change("users", name, "delete", f"the home directory {seen.home} is kept")


def _same_number(noun: str, name: str, wanted: int | None, seen: int | None) -> None:
    if wanted is None or seen is None or wanted == seen:
        return
    raise ProgramError(
        f"{noun} {name} has the number {seen}, and that generation wants {wanted}: its files would keep the old one",
        "Change the number by hand, with the files that have it. Nothing was changed.",
    )


def lost_memberships(it: Situation, name: str) -> list[str]:
    """Groups that the current generation gave a user and that are not wanted any more."""
    last, seen = it.last("users").get(name), it.observed.users.get(name)
    if last is None or seen is None:
        return []
    stays = set(last.get("had") or ())
    if name in it.wants("users"):
        want = it.facts["users"][name]
        stays.update(want.get("groups") or (), (want["group"],))
    return sorted(group for group in last.get("groups") or () if group not in stays and group in seen.groups)


def earlier_memberships(it: Situation, name: str) -> list[str]:
    """Of a wanted user's groups, those that the user was in before a generation named them."""
    last, seen = it.last("users").get(name) or {}, it.observed.users.get(name)
    named, had = last.get("groups") or (), last.get("had") or ()
    now = () if seen is None else seen.groups
    wanted = it.facts["users"][name].get("groups") or ()
    return sorted(group for group in wanted if group in (had if group in named else now))


def _user_holds(facts: Mapping[str, Any], seen: SeenUser | None) -> bool:
    return (
        seen is not None
        and facts.get("uid") in (None, seen.uid)
        and (facts["group"], facts["home"], facts["shell"]) == (seen.group, seen.home, seen.shell)
        and all(group in seen.groups or group == seen.group for group in facts.get("groups") or ())
    )


def _mounts(it: Situation, notes: list[str]) -> Iterator[Change]:
    for path, mount in sorted(it.wants("mounts").items()):
        seen = it.observed.mounts.get(path)
        if mount["state"] == "present":
            continue
        if not _mount_holds(mount, seen) or not _options_given(mount, it.last("mounts").get(path), seen):
            yield Change("mounts", path, "create" if seen is None else "update", str(mount["source"]))
    for path in it.leaving("mounts"):
        last = it.last("mounts")[path]
        if path not in it.observed.mounts or last.get("state") != "mounted":
            continue
        if is_adopted(last):
            _stays(notes, f"mount {path}")
        else:
            yield Change("mounts", path, "delete", "is unmounted; what is on the disk stays")


# What mount(8), systemd or the kernel's defaults take: the kernel has nothing to show for it.
_NEVER_SHOWN = re.compile(
    r"defaults|(no)?auto|rw|exec|suid|dev|async|(no)?atime|(no)?diratime|(no)?relatime|(no)?strictatime"
    r"|(no)?lazytime|(no)?users?|group|owner|_netdev|nofail|r?bind|loop(=.*)?|offset=.*|[xX]-.*|comment=.*"
    r"|credentials=.*|silent|loud|acl|user_xattr|(usr|grp)quota|(no)?barrier(=.*)?"
)


def _options_given(
    mount: Mapping[str, Any], last: Mapping[str, Any] | None, seen: SeenMount | None
) -> bool:
    """Whether the options are those of the last time; where there was none, all that can be shown is shown."""
    wanted = {str(one) for one in mount["options"] if not _NEVER_SHOWN.fullmatch(str(one))}
    if last is None or not isinstance(last.get("options"), list):
        return seen is None or all(one in _COMPARED or one in seen.options for one in wanted)
    return wanted == {str(one) for one in last["options"] if not _NEVER_SHOWN.fullmatch(str(one))}


def _mount_holds(mount: Mapping[str, Any], seen: SeenMount | None) -> bool:
    if seen is None:
        return False
    options = [str(one) for one in mount["options"]]
    type_ = str(mount["type"])
    same_type = type_ in ("auto", "none", seen.type) or (type_, seen.type) == ("nfs", "nfs4")
    return _same_source(str(mount["source"]), options, seen) and same_type and _same_options(options, seen)


def _same_source(wanted: str, options: list[str], seen: SeenMount) -> bool:
    for form, attribute in _BY_NAME:
        match = form.match(wanted)
        if match is None:
            continue
        value: str | None = getattr(seen, attribute)
        if value is None:
            return seen.source.startswith("/dev/")
        return value.lower() == re.sub(r'\A"(.*)"\Z', r"\1", match[1]).lower()
    if "bind" in options or "rbind" in options:
        return seen.fs_root is None or wanted == seen.fs_root or wanted.endswith(seen.fs_root)
    device = re.sub(r"\[.*\]\Z", "", seen.source)
    if wanted in (device, seen.source):
        return True
    # Other names of one device cannot be told apart from here.
    return re.match(r"/dev/(disk|mapper|md|[^/]+/)", wanted) is not None and device.startswith("/dev/")


def _same_options(wanted: list[str], seen: SeenMount) -> bool:
    expected = _COMPARED.intersection(wanted)
    found = _COMPARED.intersection(seen.options)
    return expected <= found if _USER.intersection(wanted) else expected == found


def unit_holds(facts: Mapping[str, Any], seen: SeenUnit) -> bool:
    """Whether a unit is enabled and runs as these facts say."""
    enabled = facts.get("enabled")
    state = facts.get("state")
    return (
        (enabled is None or seen.file_state in _CANNOT_ENABLE or enabled == seen.enabled)
        and (state != "running" or (seen.running and seen.load != "masked"))
        and (state != "stopped" or not seen.running)
    )


def _units(it: Situation, notes: list[str]) -> Iterator[Change]:
    for name, unit in sorted(it.wants("units").items()):
        seen = it.observed.unit(name)
        if not unit_holds(unit, seen) or seen.stale:
            yield Change("units", name, "create" if seen.load == "not-found" else "update")
    for name in it.leaving("units"):
        last, seen = it.last("units")[name], it.observed.unit(name)
        runs = last.get("state") == "running" and seen.running
        if not runs and not (last.get("enabled") is True and seen.enabled):
            continue
        path = f"/etc/systemd/system/{name}"
        file_leaves = path in it.last("files") and path not in it.wants("files")
        if is_adopted(last) and not file_leaves:
            _stays(notes, f"unit {name}")
        else:
            yield Change("units", name, "delete", "is stopped and disabled")


def _checks(it: Situation) -> Iterator[Change]:
    applied = it.last("checks")
    for name, check in sorted(it.wants("checks").items()):
        if name not in applied or dict(applied[name]) != dict(check):
            yield Change("checks", name, "update" if name in applied else "create")
    for name in it.leaving("checks"):
        yield Change("checks", name, "delete")
