"""citadel: starts, stops and looks at the services of this AI node."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from citadel_node import checks, output, settings
from citadel_node.control import lifecycle, logs, names, overview
from citadel_node.control.completion import BASH
from citadel_node.control.lifecycle import Wish
from citadel_node.health import node
from citadel_node.settings import Settings

COMMANDS = ("health", "status", "start", "stop", "restart", "models", "logs", "names", "completion")
_EPILOG = """NAME is a model, or one of: models storage gpu monitor exporter all.
exit status: 0 well or done, 1 something is wrong (it is said what to do), 2 usage, 130 interrupted."""


def main(argv: list[str]) -> int:
    first = next((word for word in argv if not word.startswith("-")), None)
    if first is not None and first not in COMMANDS:
        raise names.unknown(first, COMMANDS, f"Commands: {', '.join(COMMANDS)}. More: citadel --help")
    options = _parser().parse_args(argv)
    if options.command == "completion":
        output.say(BASH.rstrip("\n"))
        return 0
    found = settings.load()
    action: Callable[[Settings, argparse.Namespace], int] = options.action
    return action(found, options)


def _lifecycle(
    act: Callable[[Settings, names.Subject, Wish], int],
) -> Callable[[Settings, argparse.Namespace], int]:
    def carry_out(found: Settings, options: argparse.Namespace) -> int:
        wish = Wish(wait=not getattr(options, "no_wait", False), dry_run=options.dry_run, json=options.json)
        return act(found, names.subject(found, options.name), wish)

    return carry_out


def _logs(found: Settings, options: argparse.Namespace) -> int:
    subject = names.subject(found, options.name)
    return logs.show(subject, options.lines, options.follow, options.since, options.json)


def _names(found: Settings, options: argparse.Namespace) -> int:
    listed = names.all_names(found)
    if options.json:
        output.emit_json(listed)
    else:
        output.say("\n".join(listed))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="citadel",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(
        name: str, help_: str, action: Callable[[Settings, argparse.Namespace], int] | None
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=help_,
            description=help_,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if action is not None:
            command.add_argument("--json", action="store_true", help="print the result as JSON")
        command.set_defaults(action=action)
        return command

    add("health", "Looks at everything that must be well, and says what to do where it is not.", _health)
    add("status", "Shows all services.", lambda found, options: overview.show_status(found, options.json))
    for name, help_, act in (
        ("start", "Starts a service, and waits until it is ready.", lifecycle.start),
        ("stop", "Stops a service.", lifecycle.stop),
        ("restart", "Restarts a service, and waits until it is ready.", lifecycle.restart),
    ):
        command = add(name, help_, _lifecycle(act))
        command.add_argument("name", metavar="NAME")
        command.add_argument(
            "-n", "--dry-run", action="store_true", help="say what would be done, and do nothing"
        )
        if name != "stop":
            command.add_argument("--no-wait", action="store_true", help="only ask systemd, do not wait")
    add(
        "models",
        "Shows the models: port, state, GPU memory, since when.",
        lambda f, o: overview.show_models(f, o.json),
    )
    command = add("logs", "Shows recent log lines of a service.", _logs)
    command.add_argument("name", metavar="NAME")
    command.add_argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C")
    command.add_argument("-n", "--lines", type=_count, default=50, help="how many lines (default: 50)")
    command.add_argument("--since", help='not older than this, as journalctl has it ("10 minutes ago")')
    add("names", "Lists the names that other commands take.", _names)
    add("completion", "Prints the completion script.", None).add_argument("shell", choices=["bash"])
    return parser


def _health(found: Settings, options: argparse.Namespace) -> int:
    return checks.report(node.all_checks(found), options.json)


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must not be negative: {text}")
    return value
