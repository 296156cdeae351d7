"""citadel-deploy: brings this node up step by step, each step gated on its health: storage, GPUs, one model, the other
models one by one, monitoring. Where it stopped is kept across reboots."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from citadel_node import checks, output, settings, systemd
from citadel_node.checks import failures, well
from citadel_node.control.names import unknown
from citadel_node.control.progress import progress
from citadel_node.deploy import phases as steps
from citadel_node.deploy import state as states
from citadel_node.deploy.phases import Phase
from citadel_node.deploy.state import Record, State
from citadel_node.deploy.validate import validate
from citadel_node.output import duration_text, paint
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

_EPILOG = """exit status: 0 done (status: everything is deployed and well), 1 a phase failed or is not done,
2 usage, 75 another citadel-deploy is at it, 130 interrupted."""
_COLOURS = {"done": "green", "well": "green", "failed": "red", "pending": "dim"}


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    found = settings.load()
    action: Callable[[Settings, argparse.Namespace], int] = options.action
    return action(found, options)


def _validate(found: Settings, options: argparse.Namespace) -> int:
    return checks.report(validate(found), options.json)


def _status(found: Settings, options: argparse.Namespace) -> int:
    recorded = states.load(found)
    plan = steps.phases(found)
    with ThreadPoolExecutor(max_workers=8) as pool:
        seen = list(pool.map(lambda phase: steps.look(found, phase, probe=False), plan))
    now = time.time()
    rows = [
        _row(phase, recorded.phases.get(phase.name), one, now) for phase, one in zip(plan, seen, strict=True)
    ]
    complete = all(row["state"] in ("done", "well") for row in rows)
    if options.json:
        output.emit_json({"complete": complete, "phases": rows})
        return 0 if complete else 1
    shown = [
        [
            str(row["phase"]),
            paint(str(row["state"]), _COLOURS.get(str(row["state"]), "yellow")),
            str(row["when"]),
            str(row["detail"]),
        ]
        for row in rows
    ]
    output.say(output.table(["PHASE", "STATE", "WHEN", "WHAT"], shown))
    waiting = [str(row["phase"]) for row in rows if row["state"] not in ("done", "well")]
    output.say()
    output.say(
        "Everything is deployed."
        if complete
        else f"Next: {waiting[0]} (citadel-deploy next); all: citadel-deploy resume"
    )
    return 0 if complete else 1


def _row(phase: Phase, record: Record | None, seen: list[checks.Check], now: float) -> dict[str, object]:
    """`state`: done, unwell (done once, and not well now), failed, interrupted, pending, well (came up without us)."""
    bad = "; ".join(f"{check.name} {check.detail}" for check in failures(seen)[:2])
    if record is None:
        state, detail = ("pending" if bad else "well"), phase.what
    elif record.state == "done":
        state, detail = ("unwell", bad) if bad else ("done", phase.what)
    elif record.state == "failed":
        state, detail = "failed", record.reason
    else:
        state, detail = "interrupted", "the run was cut off; resume begins here"
    when = "" if record is None else f"{duration_text(now - record.at)} ago"
    return {
        "phase": phase.name,
        "state": state,
        "well": not bad,
        "when": when,
        "detail": output.clean(detail),
    }


def _next(found: Settings, options: argparse.Namespace) -> int:
    return _run(found, options, lambda plan, pending: pending[:1])


def _resume(found: Settings, options: argparse.Namespace) -> int:
    return _run(found, options, lambda plan, pending: pending)


def _phase(found: Settings, options: argparse.Namespace) -> int:
    plan = steps.phases(found)
    names = [phase.name for phase in plan]
    if options.name not in names:
        raise unknown(options.name, names, f"Phases: {', '.join(names)}.")
    return _run(found, options, lambda plan, pending: [phase for phase in plan if phase.name == options.name])


def _run(
    found: Settings, options: argparse.Namespace, choose: Callable[[list[Phase], list[Phase]], list[Phase]]
) -> int:
    """Carries out the chosen phases one after another and stops at the first that fails."""
    plan = steps.phases(found)
    with states.held(found):
        recorded = states.load(found)
        with ThreadPoolExecutor(max_workers=8) as pool:
            done = list(pool.map(lambda phase: _is_done(found, phase, recorded), plan))
        pending = [phase for phase, is_done in zip(plan, done, strict=True) if not is_done]
        chosen = choose(plan, pending)
        if options.dry_run:
            return _planned(chosen, options.json)
        results: list[dict[str, object]] = []
        try:
            for phase in chosen:
                _gate(found, plan, phase, options)
                results.append(_one(found, recorded, phase, options.json))
        except ProgramError as error:
            if not options.json:
                raise
            results.append({"phase": phase.name, "state": "failed", "reason": error.what, "fix": error.fix})
        ran = {result["phase"] for result in results if result["state"] == "done"}
        open_ = [phase for phase in pending if phase.name not in ran]
        complete = not open_
        if complete and any(result.get("changed") for result in results):
            # Everything runs by now: this only makes systemd say so of the targets as well.
            systemd.start([found.units.all], 60, block=False)
    failed = any(result["state"] == "failed" for result in results)
    if options.json:
        output.emit_json({"ok": not failed, "complete": complete, "ran": results})
    elif complete:
        output.say(
            "Everything is deployed."
            if chosen
            else "Everything is deployed and well; there is nothing to do."
        )
    else:
        output.say(f"Next: {open_[0].name} (citadel-deploy next)")
    return 1 if failed else 0


def _one(found: Settings, recorded: State, phase: Phase, json: bool) -> dict[str, object]:
    begun = time.time()
    recorded.phases[phase.name] = Record("running", begun)
    states.save(found, recorded)
    try:
        changed = steps.carry_out(found, phase, progress(json))
    except ProgramError as error:
        recorded.phases[phase.name] = Record(
            "failed", time.time(), time.time() - begun, error.what, error.fix
        )
        states.save(found, recorded)
        again = "When that is fixed: citadel-deploy resume"
        raise ProgramError(
            f"{phase.name} failed: {error.what}", f"{error.fix}\n  {again}" if error.fix else again
        ) from error
    seconds = time.time() - begun
    recorded.phases[phase.name] = Record("done", time.time(), seconds)
    states.save(found, recorded)
    if not json:
        how = f"done in {duration_text(seconds)}" if changed else "was well already"
        output.say(f"{phase.name}: {paint(how, 'green')}")
    return {"phase": phase.name, "state": "done", "changed": changed, "seconds": round(seconds, 3)}


def _gate(found: Settings, plan: list[Phase], phase: Phase, options: argparse.Namespace) -> None:
    """What a phase rests on must be well; `--force` goes on all the same."""
    if options.force:
        return
    for before in plan:
        if before.level < phase.level:
            bad = failures(steps.look(found, before, probe=False))
            if bad:
                raise ProgramError(
                    f"{phase.name} comes after {before.name}, which is not well: {bad[0].name} {bad[0].detail}",
                    f"citadel-deploy phase {before.name}; or, if you know better: --force",
                )


def _is_done(found: Settings, phase: Phase, recorded: State) -> bool:
    """Done and still well; what came up without us (at boot, by an apply) is well when it also makes a token."""
    record = recorded.phases.get(phase.name)
    if record is not None and record.state != "done":
        return False
    return well(steps.look(found, phase, probe=record is None))


def _planned(chosen: list[Phase], json: bool) -> int:
    if json:
        output.emit_json({"would_run": [phase.name for phase in chosen]})
        return 0
    for phase in chosen:
        output.say(f"would run {phase.name}: {phase.what} ({' '.join(phase.units)})")
    if not chosen:
        output.say("nothing to do")
    return 0


def _parser() -> argparse.ArgumentParser:
    def command_parser(name: str, help_: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=help_,
            description=help_,
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    parser = argparse.ArgumentParser(
        prog="citadel-deploy",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, help_, action, runs in (
        ("validate", "Looks whether this host can be deployed; changes nothing.", _validate, False),
        ("status", "Shows the phases, and how they are now.", _status, False),
        ("next", "Carries out the next phase that is not done, or no longer well.", _next, True),
        ("phase", "Carries out one phase.", _phase, True),
        (
            "resume",
            "Carries out all phases that are not done, or no longer well; stops at the first that fails.",
            _resume,
            True,
        ),
    ):
        command = command_parser(name, help_)
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        if runs:
            command.add_argument(
                "-n", "--dry-run", action="store_true", help="say what would be done, and do nothing"
            )
            command.add_argument(
                "--force", action="store_true", help="also where an earlier phase is not well"
            )
        if name == "phase":
            command.add_argument("name", metavar="NAME")
        command.set_defaults(action=action)
    return parser
