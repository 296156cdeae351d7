"""The program: measures one thing after another, keeps the figures, says what changed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

from citadel_node import files, gpus, output
from citadel_node import settings as settings_module
from citadel_node.baseline import disks, models, store
from citadel_node.baseline.compare import Delta, compare
from citadel_node.program import EXIT_FAILED, EXIT_OK, ProgramError
from citadel_node.settings import Settings

LOCK_FILE = "baseline.lock"
DISK_LIMIT_SEC = 60.0


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = settings_module.load()
    if options.dry_run:
        return _plan(settings, options)
    with files.locked(settings.paths.state / LOCK_FILE, "another measurement"):
        return _measure(settings, options)


def _plan(settings: Settings, options: argparse.Namespace) -> int:
    size = _disk_mib(options)
    places = disks.places(settings)
    asked = [model.name for model in settings.models.values() if model.probe == "completion"]
    found = {
        "disks": {path: None if where is None else str(where) for path, where in places.items()},
        "disk_mib": size,
        "models": asked,
        "tokens": _tokens(options),
        "kept_in": str(settings.paths.state / store.DIRECTORY),
    }
    if options.json:
        output.emit_json(found)
        return EXIT_OK
    for path, where in places.items():
        words = (
            "nowhere to write: it would not be measured"
            if where is None
            else f"{size} MiB at most, in {where}"
        )
        output.say(f"{path}: {words}")
    output.say("GPUs: what nvidia-smi says")
    output.say(f"models that run: {_tokens(options)} tokens each, of {', '.join(asked)}")
    return EXIT_OK


def _measure(settings: Settings, options: argparse.Namespace) -> int:
    quick = bool(options.quick)
    problems: list[str] = []
    notes: list[str] = []
    disk_speeds = []
    for path, where in disks.places(settings).items():
        _progress(options, f"{path} …")
        speed = disks.measure(path, where, _disk_mib(options), 5.0 if quick else DISK_LIMIT_SEC)
        disk_speeds.append(speed)
        if speed.problem is not None:
            problems.append(f"{path}: {speed.problem}")
    gpu_states: Sequence[gpus.GpuState] = ()
    if settings.gpus:
        _progress(options, "GPUs …")
        try:
            gpu_states = gpus.query()
        except ProgramError as error:
            problems.append(error.what)
    model_speeds = []
    for model in settings.models.values():
        _progress(options, f"{model.name} …")
        try:
            tokens = models.measure(model, _tokens(options), 1 if quick else 3)
        except ProgramError as error:
            tokens = models.ModelSpeed(model.name, problem=error.what)
        model_speeds.append(tokens)
        if tokens.problem is not None:
            (notes if tokens.skipped else problems).append(f"{model.name}: {tokens.problem}")
    directory = settings.paths.state / store.DIRECTORY
    before = store.last_like(directory, quick)
    baseline: dict[str, Any] = output.to_data(
        {
            "time": output.time_text(time.time()),
            "quick": quick,
            "disks": disk_speeds,
            "gpus": gpu_states,
            "models": model_speeds,
            "problems": problems,
        }
    )
    deltas = compare(baseline, before, options.tolerance)
    kept = store.keep(directory, baseline)
    if options.json:
        compared = None if before is None else before["time"]
        output.emit_json(
            {**baseline, "file": kept, "compared_with": compared, "comparison": deltas, "notes": notes}
        )
    else:
        _print(deltas, before, notes, options.tolerance)
        output.say(f"kept: {kept}")
    for problem in problems:
        output.warn(f"not measured: {problem}")
    return EXIT_FAILED if problems else EXIT_OK


def _print(deltas: Sequence[Delta], before: Any, notes: Sequence[str], tolerance: float) -> None:
    rows = []
    for each in deltas:
        then = "-" if each.before is None else _figure(each.before, each.unit)
        change = "-" if each.change is None else f"{100 * each.change:+.0f} %"
        rows.append((each.what, _figure(each.now, each.unit), then, change, "slower" if each.worse else ""))
    if rows:
        output.say(output.table(("what", "now", "before", "change", ""), rows, right=(1, 2, 3)))
    output.say(
        "the first one: nothing to compare with" if before is None else f"compared with {before['time']}"
    )
    for note in notes:
        output.say(f"left out: {note}")
    worse = [each.what for each in deltas if each.worse]
    if worse:
        output.warn(f"warning: worse by more than {100 * tolerance:.0f} %: {', '.join(worse)}")


def _figure(value: float, unit: str) -> str:
    return f"{1000 * value:.0f} ms" if unit == "s" else f"{value:.1f} {unit}"


def _progress(options: argparse.Namespace, text: str) -> None:
    if not options.json:
        output.warn(text)


def _disk_mib(options: argparse.Namespace) -> int:
    return int(options.disk_mib or (64 if options.quick else 2048))


def _tokens(options: argparse.Namespace) -> int:
    return 16 if options.quick else 128


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise ValueError
    return value


def _size(text: str) -> int:
    value = int(text)
    if not 8 <= value <= 65536:
        raise ValueError
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="performance_baseline.py",
        description="Measures disks, GPUs and the models that run, keeps the figures and compares them with the last ones.",
        epilog="Exit status: 0 measured, also when slower than before (a warning says so); 1 something could not be measured.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small files, few tokens: seconds instead of minutes"
    )
    parser.add_argument(
        "--disk-mib", type=_size, metavar="N", help="size of the test file (default 2048; with --quick 64)"
    )
    parser.add_argument(
        "--tolerance",
        type=_share,
        default=0.2,
        metavar="SHARE",
        help="worse by more than this is said (default 0.2)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be measured, and measure nothing"
    )
    return parser
