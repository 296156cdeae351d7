"""storage_manager.py: looks at disks, directories, links and weights, and fixes what is ours."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

from citadel_node import checks, mounts, output, settings
from citadel_node.checks import FAILED, OK, WARNING, Check
from citadel_node.output import size_text
from citadel_node.program import ProgramError
from citadel_node.settings import Model, Settings
from citadel_node.storage import directories, disks, links, readable, weights

_EPILOG = """exit status: 0 all is well or was fixed, 1 something is wrong (it is said what to do), 2 usage.
Only what the settings name is touched; nothing is ever formatted, and nothing but a link is ever replaced."""


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    found = settings.load()
    action: Callable[[Settings, argparse.Namespace], int] = options.action
    return action(found, options)


def prerequisites(found: Settings) -> list[Check]:
    """Everything that models need of the storage: disks, room, directories, weights.

    A full disk is a warning here: models can be read from it, and must not be kept from starting.
    """
    levels = disks.level_checks(found)
    return [
        *disks.mount_checks(found),
        *(replace(level, state=WARNING) if level.state == FAILED else level for level in levels),
        *directories.check_all(found),
        *weights_checks(found),
    ]


def weights_checks(found: Settings) -> list[Check]:
    checks_: list[Check] = []
    for model in found.models.values():
        if not disks.is_mounted(found, model.path):
            mount = found.mount_of(model.path)
            where = mount.path if mount else model.path
            detail = f"cannot be looked at: {where} is not mounted"
            checks_.append(Check("weights", model.name, FAILED, detail, f"sudo mount {where}"))
            continue
        fetched = (found.paths.configs / "weights" / f"{model.name}.json").exists()
        if fetched and not model.path.exists():
            # It starts by itself once they are there, and must not keep the others from starting until then.
            detail, unit = (
                f"{model.path} is not there yet: it is being fetched",
                f"citadel-weights-{model.name}",
            )
            checks_.append(Check("weights", model.name, WARNING, detail, f"systemctl status {unit}"))
            continue
        seen = weights.inspect(model)
        files = f"{seen.files} {'file' if seen.files == 1 else 'files'}, {size_text(seen.size)}"
        if seen.problems:
            detail = f"{model.path}: {'; '.join(seen.problems[:4])}"
            fix = f"Bring {model.directory} back, from {found.backup.directory}/models/daily or by a new download."
            if fetched:
                unit = f"citadel-weights-{model.name}"
                fix = f"sudo rm -r {model.path} && sudo systemctl start {unit}, which fetches it."
            # A model that only starts by hand must not keep the others from starting.
            state = FAILED if model.at_boot else WARNING
            checks_.append(Check("weights", model.name, state, detail, fix))
        elif closed := _closed_to(model):
            readers = found.node.readers
            names = f"{', '.join(closed[:4])}{' and more' if len(closed) > 4 else ''}"
            detail = f"{model.path}: not readable by {model.account}: {names}"
            fix = f"sudo chgrp -R {readers} {model.path}/ && sudo chmod -R g+rX {model.path}/"
            checks_.append(Check("weights", model.name, FAILED if model.at_boot else WARNING, detail, fix))
        elif seen.doubts:
            fix = f"Measure it (du -sh --apparent-size {model.path}) and correct weightsGiB in the inventory."
            checks_.append(Check("weights", model.name, WARNING, "; ".join(seen.doubts), fix))
        else:
            checks_.append(Check("weights", model.name, OK, files))
    return checks_


def _closed_to(model: Model) -> list[str]:
    """What of its folder the model's own account may not read. The account comes with the model; before, no one can tell."""
    who = readable.reader(model.account)
    try:
        return [] if who is None else readable.refusals(model.path, who)
    except OSError as error:
        return [f"{error.filename}: {error.strerror}"]


def _verify_prereq(found: Settings, options: argparse.Namespace) -> int:
    return checks.report(prerequisites(found), options.json)


def _verify_symlinks(found: Settings, options: argparse.Namespace) -> int:
    return checks.report(links.check_all(found), options.json)


def _repair_symlinks(found: Settings, options: argparse.Namespace) -> int:
    """Fixes what can be fixed; the status is that of a look afterwards."""
    repaired: list[str] = []
    for link in found.links:
        state = links.inspect(found, link)
        if not state.repairable:
            continue
        was = "was missing" if state.kind == "missing" else f"pointed to {state.points_to}"
        if not options.dry_run:
            links.repair(link)
        repaired.append(f"{link.path} -> {link.target} ({was})")
    after = links.check_all(found)
    if options.json:
        data = {"ok": checks.well(after), "dry_run": options.dry_run, "repaired": repaired, "checks": after}
        output.emit_json(data)
        return 0 if options.dry_run or checks.well(after) else 1
    for line in repaired:
        output.say(f"{'would repair' if options.dry_run else 'repaired'}: {line}")
    if options.dry_run:
        if not repaired:
            output.say("nothing to repair")
        return 0
    return checks.report(after, json=False)


def _create_dirs(found: Settings, options: argparse.Namespace) -> int:
    done: list[str] = []
    # Below an empty mount point they would be on the wrong disk, and hidden later.
    absent = directories.unreachable(found)
    wrong = [
        f"{mount} is not mounted, {len(lost)} directories belong on it" for mount, lost in absent.items()
    ]
    hidden = {directory for lost in absent.values() for directory in lost}
    for directory in sorted(set(found.directories) - hidden, key=lambda one: one.path):
        try:
            steps = directories.commands_for(directory) if options.dry_run else directories.create(directory)
        except ProgramError as error:
            wrong.append(str(error))
            continue
        done.extend(" ".join(argv) for argv in steps)
    if options.json:
        output.emit_json({"ok": not wrong, "dry_run": options.dry_run, "commands": done, "problems": wrong})
    else:
        for line in done:
            output.say(f"{'would run' if options.dry_run else 'ran'}: {line}")
        output.say(
            f"{len(found.directories)} directories, {len(done) or 'nothing'} {'to do' if options.dry_run else 'done'}"
        )
    if wrong:
        raise ProgramError(
            "; ".join(wrong), "sudo mount -a, then again; storage_manager.py verify-prereq says more."
        )
    return 0


def _status(found: Settings, options: argparse.Namespace) -> int:
    rows = []
    for mount in found.mounts:
        seen = mounts.mounted(mount.path)
        usage = mounts.usage(mount.path) if seen else None
        rows.append({"mount": mount, "mounted": seen, "usage": usage})
    models = {
        name: weights.inspect(model)
        if disks.is_mounted(found, model.path)
        else weights.Weights(problems=["its disk is not mounted"])
        for name, model in found.models.items()
    }
    link_checks = links.check_all(found)
    if options.json:
        data = {"disks": rows, "models": models, "links": link_checks, "ok": checks.well(link_checks)}
        output.emit_json(data)
        return 0
    lines = []
    for mount in found.mounts:
        seen = mounts.mounted(mount.path)
        if seen is None:
            lines.append([str(mount.path), mount.source, mount.type, "", "", "", "not mounted"])
            continue
        usage = mounts.usage(mount.path)
        sizes = [size_text(usage.size), size_text(usage.used), size_text(usage.available)]
        lines.append([str(mount.path), seen.source, seen.type, *sizes, f"{usage.percent:.0f} %"])
    output.say(
        output.table(["DISK", "SOURCE", "TYPE", "SIZE", "USED", "FREE", "USED %"], lines, right=[3, 4, 5, 6])
    )
    output.say()
    rows_ = [
        [
            name,
            found.models[name].directory,
            str(seen.files),
            size_text(seen.size),
            "; ".join(seen.problems) or "whole",
        ]
        for name, seen in models.items()
    ]
    output.say(output.table(["MODEL", "FOLDER", "FILES", "SIZE", "WEIGHTS"], rows_, right=[2, 3]))
    output.say()
    well = sum(check.state == OK for check in link_checks)
    ours = f"{well} of {len(link_checks)} links are well"
    output.say(
        ours if well == len(link_checks) else f"{ours}; storage_manager.py verify-symlinks says which are not"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="storage_manager.py",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(
        name: str, help_: str, action: Callable[[Settings, argparse.Namespace], int], writes: bool = False
    ) -> None:
        command = commands.add_parser(name, help=help_, description=help_, epilog=_EPILOG)
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        if writes:
            command.add_argument(
                "-n", "--dry-run", action="store_true", help="say what would be done, and do nothing"
            )
        command.set_defaults(action=action)

    add("verify-symlinks", "Looks at the links by which models are found.", _verify_symlinks)
    add(
        "repair-symlinks",
        "Makes missing links, and corrects those that point elsewhere.",
        _repair_symlinks,
        writes=True,
    )
    add(
        "verify-prereq",
        "Looks at disks, room, directories and weights: what models need to start.",
        _verify_prereq,
    )
    add(
        "create-dirs",
        "Makes missing directories, and sets owners and modes right.",
        _create_dirs,
        writes=True,
    )
    add("status", "Shows disks, models and links.", _status)
    return parser
