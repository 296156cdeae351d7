"""The program: live on a terminal, once everywhere else."""

from __future__ import annotations

import argparse
import contextlib
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator

from citadel_node import output
from citadel_node import settings as settings_module
from citadel_node.dashboard.data import gather, to_json
from citadel_node.monitor.source import Source
from citadel_node.settings import Settings

#: Columns where no one says how wide the paper is.
PAPER = 100


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    settings = settings_module.load()
    source = Source(settings, lambda _text: None)
    if options.json:
        output.emit_json(to_json(gather(settings, source), settings))
        return 0
    if options.once or not sys.stdout.isatty():
        _print(settings, source)
        return 0
    return _live(settings, source, options.interval)


def _print(settings: Settings, source: Source) -> None:
    from citadel_node.dashboard.panels import screen
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=PAPER)
    console.print(screen(gather(settings, source), settings))


def _live(settings: Settings, source: Source, interval: float) -> int:
    from citadel_node.dashboard.panels import screen
    from rich.console import Console
    from rich.live import Live

    console = Console()
    view = gather(settings, source)
    # SIGTERM ends as q does: the terminal must get its screen back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    hint = "q leaves"
    try:
        with (
            _keys() as keys,
            Live(screen(view, settings, hint), console=console, screen=True, auto_refresh=False) as live,
        ):
            while True:
                live.update(screen(view, settings, hint), refresh=True)
                if _asked_to_leave(keys, interval):
                    return 0
                view = gather(settings, source, patience_sec=0.0)
    except KeyboardInterrupt:
        return 0


@contextlib.contextmanager
def _keys() -> Iterator[bool]:
    """Single keys from the terminal; False where standard input is none."""
    if not sys.stdin.isatty():
        yield False
        return
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        yield True
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _asked_to_leave(keys: bool, seconds: float) -> bool:
    if not keys:
        time.sleep(seconds)
        return False
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([sys.stdin], [], [], left)
        if ready and sys.stdin.read(1) in ("q", "Q", "\x04", ""):
            return True
    return False


def _interval(text: str) -> float:
    seconds = float(text)
    if not 0.2 <= seconds <= 3600:
        raise ValueError
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="monitoring_dashboard.py",
        description="This node at a glance: models, GPUs, disks, backups, alerts. Live on a terminal; once where the output is none.",
    )
    parser.add_argument("--once", action="store_true", help="print it once and end")
    parser.add_argument("--json", action="store_true", help="print it once, as JSON")
    parser.add_argument(
        "--interval", type=_interval, default=2.0, metavar="SECONDS", help="between two looks (default 2)"
    )
    return parser
