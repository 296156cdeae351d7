"""The program: one cycle after another, until it is told to stop."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from citadel_node import files, output
from citadel_node import settings as settings_module
from citadel_node.exposition import Figures, read_textfiles
from citadel_node.monitor import restarts
from citadel_node.monitor.alert_book import AlertBook, severities
from citadel_node.monitor.array_file import ArrayFile
from citadel_node.monitor.history import HOUR, History
from citadel_node.monitor.model_rules import Hands, ModelGuard
from citadel_node.monitor.observation import entry, unix
from citadel_node.monitor.rules import counts_words, host_conditions, textfile_conditions
from citadel_node.monitor.source import Source
from citadel_node.notify import Notifier
from citadel_node.program import ProgramError
from citadel_node.settings import Settings

#: Backups and disks change slowly.
TEXTFILES_EVERY_SEC = 60.0
#: Below PATHS["state"].
STATE_FILE = "monitor.json"
HISTORY_FILE = "history.jsonl"
LOCK_FILE = "monitor.lock"


class Watcher:
    """Everything that one cycle needs. `cycle` measures, judges, acts and writes."""

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        *,
        source: Source | None = None,
        hands: Hands | None = None,
    ) -> None:
        self._settings = settings
        self._say = say
        self._source = source or Source(settings, say)
        logs, state = settings.paths.monitoring_logs, settings.paths.state
        for directory in (logs, state):
            _usable(directory, settings.node.account)
        self.metrics = ArrayFile(logs / "metrics.json", settings.monitor.keep_metrics)
        self.alerts = ArrayFile(logs / "alerts.json", settings.monitor.keep_alerts)
        for file in (self.metrics, self.alerts):
            if file.damaged:
                say(f"{file.path}: {file.damaged} lines cannot be read and are left out from now on")
        self._state_file = state / STATE_FILE
        kept = self._read_state()
        self.book = AlertBook.from_json(kept.get("alerts"))
        self.guard = ModelGuard(settings, restarts.from_json(kept.get("models")), hands)
        self._written = json.dumps(self._state())
        self._history = History(state / HISTORY_FILE)
        self._textfiles: tuple[float, Figures] = (0.0, Figures())
        self._trouble: str | None = None
        # Readers find both files from the first moment.
        self._quietly(self.metrics.write)
        self._quietly(self.alerts.write)

    def cycle(self, now: float) -> list[dict[str, str]]:
        """Returns the events of this cycle, which are in alerts.json now."""
        seen = self._source.look(now)
        if now - self._textfiles[0] >= TEXTFILES_EVERY_SEC:
            self._textfiles = (now, read_textfiles(str(self._settings.paths.textfiles)))
        conditions = [
            *host_conditions(seen, self._settings),
            *self.guard.check(seen),
            *textfile_conditions(self._textfiles[1], self._settings, now),
        ]
        events = self.book.update(conditions, now)
        for each in events:
            self._say(
                f"{each['state']} {each['severity']} {each['source']} {each['subject']}: {each['message']}"
            )
        self._quietly(self._write_state)
        self.metrics.append([entry(seen, self.book.counts())])
        self._quietly(self.metrics.write)
        if events:
            self.alerts.append(events)
            self._quietly(self.alerts.write)
        self._quietly(lambda: self._remember(now))
        return events

    def _remember(self, now: float) -> None:
        self._history.append_finished(
            now, self.metrics.objects, self._settings.monitor.interval_sec, self._alerts_of
        )

    def _alerts_of(self, hour: int) -> dict[str, int]:
        return severities(
            each for each in self.alerts.objects() if hour <= unix(str(each["time"])) < hour + HOUR
        )

    def _state(self) -> dict[str, Any]:
        return {"models": restarts.to_json(self.guard.watches), "alerts": self.book.to_json()}

    def _read_state(self) -> dict[str, Any]:
        try:
            value = files.read_json(self._state_file)
        except (ProgramError, OSError) as error:
            self._say(f"{self._state_file} cannot be read, counting again: {error}")
            return {}
        return value if isinstance(value, dict) else {}

    def _write_state(self) -> None:
        text = json.dumps(self._state())
        if text != self._written:
            files.atomic_write(self._state_file, text + "\n")
            self._written = text

    def _quietly(self, write: Callable[[], object]) -> None:
        """A full disk must not end the monitor: it says so once, and goes on watching."""
        try:
            write()
        except OSError as error:
            trouble = f"cannot write {error.filename}: {error.strerror}"
            if trouble != self._trouble:
                self._say(f"{trouble}; going on without")
            self._trouble = trouble


def main(argv: list[str]) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    if options.json and options.cycles is None:
        parser.error("--json goes with --cycles")
    settings = settings_module.load()
    _usable(settings.paths.state, settings.node.account)
    with files.locked(settings.paths.state / LOCK_FILE, "another citadel-monitor"):
        return _work(options, settings)


def _work(options: argparse.Namespace, settings: Settings) -> int:
    notifier = Notifier()
    hands = _spectator() if options.dry_run else Hands(alive=notifier.alive)
    watcher = Watcher(settings, _say, hands=hands)
    if options.cycles is not None:
        return _some_cycles(watcher, settings, options.cycles, as_json=options.json)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    first = True
    while True:
        began = time.monotonic()
        watcher.cycle(time.time())
        words = f"watching {len(settings.models)} models: {counts_words(watcher.book.counts())}"
        if first:
            _say(words)
            notifier.ready(words)
            first = False
        notifier.status(words)
        if _wait(stop, notifier, began + settings.monitor.interval_sec):
            notifier.stopping()
            return 0


def _wait(stop: threading.Event, notifier: Notifier, until: float) -> bool:
    """Waits, telling the watchdog that all is well; at least one second. True: it is time to end."""
    until = max(until, time.monotonic() + 1.0)
    pause = notifier.interval_sec or until
    while True:
        notifier.alive()
        left = until - time.monotonic()
        if left <= 0:
            return stop.is_set()
        if stop.wait(min(left, pause)):
            return True


def _some_cycles(watcher: Watcher, settings: Settings, cycles: int, *, as_json: bool) -> int:
    for number in range(cycles):
        if number:
            time.sleep(settings.monitor.interval_sec)
        watcher.cycle(time.time())
    firing = watcher.book.firing()
    if as_json:
        output.emit_json({"firing": firing})
    else:
        for each in firing:
            output.say(f"{each['severity']}: {each['message']}\n  {each['fix']}")
        output.say(counts_words(watcher.book.counts()))
    return 0


def _spectator() -> Hands:
    return Hands(restart=lambda unit: _say(f"would restart {unit} (--dry-run)"))


def _usable(directory: Path, account: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProgramError(
            f"{directory} cannot be made: {error.strerror}",
            f"sudo install -d -o {account} {directory}",
        ) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ProgramError(f"{directory} may not be written", f"sudo chown {account}: {directory}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="citadel-monitor",
        description="Watches this node: keeps metrics.json and alerts.json, and restarts models that are up but dead.",
    )
    parser.add_argument(
        "--cycles",
        type=_positive,
        metavar="N",
        help="so many cycles, then print what fires and end (default: for ever)",
    )
    parser.add_argument("--json", action="store_true", help="with --cycles: print JSON")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be restarted, and restart nothing"
    )
    return parser
