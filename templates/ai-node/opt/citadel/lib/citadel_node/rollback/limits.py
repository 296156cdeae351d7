"""What going back cannot take back. Said before anything is touched."""

from __future__ import annotations

from collections.abc import Callable

from citadel_node import commands
from citadel_node.program import ProgramError
from citadel_node.rollback.items import unit_holds
from citadel_node.rollback.paths import holds
from citadel_node.rollback.payload import Plan
from citadel_node.rollback.state import PATH_SECTIONS
from citadel_node.rollback.way_in import way_in

PROGRAM = "/usr/local/bin/citadel-rollback"


def limits(plan: Plan, number: int, versions: Callable[[str], set[str] | None]) -> list[str]:
    """Sentences. `versions` gives the versions of a package that its sources offer, or None when it cannot be asked."""
    return [
        *_packages(plan, versions),
        *_accounts(plan),
        *_mounts(plan),
        *_hand_edits(plan),
        *_way_in(plan),
        *_own_program(plan, number),
        "what programs have written since stays as it is: models, backups, databases, logs, files in home directories",
    ]


def offered_versions(package: str) -> set[str] | None:
    """What apt knows of, without a network."""
    try:
        done = commands.run(["apt-cache", "madison", package], 20.0)
    except ProgramError:
        return None
    if not done.ok:
        return None
    return {parts[1].strip() for line in done.out.splitlines() if len(parts := line.split("|")) > 2}


def _packages(plan: Plan, versions: Callable[[str], set[str] | None]) -> list[str]:
    found: list[str] = []
    it = plan.situation
    for change in plan.changes:
        if change.section != "packages":
            continue
        name = change.key
        if change.action == "delete":
            found.append(
                f"package {name} is removed; its configuration files stay, and what its scripts did is not undone"
            )
            continue
        wanted = it.wants("packages")[name]
        version = wanted.get("version")
        offered = versions(name)
        if wanted.get("source") is not None:
            found.append(f"package {name} is installed from {wanted['source']}, if that file is still there")
        elif version is None:
            found.append(f"package {name} comes back in the version that the package sources have now")
        elif offered is not None and version not in offered:
            found.append(
                f"package {name} {version} is no longer offered by the package sources known here: "
                "if `apt update` does not find it either, nothing of this rollback will stay"
            )
    return found


def _accounts(plan: Plan) -> list[str]:
    users = [change for change in plan.changes if change.section == "users"]
    gone = [change.key for change in users if change.action == "delete"]
    new = [change.key for change in users if change.action == "create"]
    return [
        *(f"user {name} goes; the home directory and its files stay" for name in gone),
        *(
            f"user {name} comes back without a password, with the home directory that is there now"
            for name in new
        ),
    ]


def _mounts(plan: Plan) -> list[str]:
    return [
        f"{change.key} is {'unmounted' if change.action == 'delete' else 'mounted anew'}; what is on the disk stays as it is"
        for change in plan.changes
        if change.section == "mounts"
    ]


def _hand_edits(plan: Plan) -> list[str]:
    it = plan.situation
    edited = [
        change.key
        for change in plan.changes
        if change.section in PATH_SECTIONS
        and (last := it.last(change.section).get(change.key)) is not None
        and change.key in it.observed.paths
        and not holds(last, it.observed.paths[change.key])
    ]
    stopped = [
        change.key
        for change in plan.changes
        if change.section == "units"
        and (last := it.last("units").get(change.key)) is not None
        and not unit_holds(last, it.observed.unit(change.key))
    ]
    found: list[str] = []
    if edited:
        found.append(f"changed by hand since the last apply, and overwritten: {', '.join(edited)}")
    if stopped:
        found.append(
            f"started, stopped, enabled or disabled by hand since, and put right: {', '.join(stopped)}"
        )
    return found


def _way_in(plan: Plan) -> list[str]:
    found = way_in(plan.situation, plan.changes, plan.actions)
    if not found:
        return []
    return [
        f"the way in changes ({', '.join(found)}), and nobody confirms it from outside as an apply would: "
        "stay logged in until a new connection works"
    ]


def _own_program(plan: Plan, number: int) -> list[str]:
    if PROGRAM in plan.situation.wants("files"):
        return []
    return [
        f"generation {number} has no citadel-rollback: from there only the operator's machine can go elsewhere"
    ]
