"""Collectors in threads of their own. Whoever reads gets the last snapshot, at once, whatever a collector is doing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from citadel_node.exporter.catalogue import Sample


@dataclass(frozen=True)
class Result:
    samples: Sequence[Sample]
    #: What went wrong, in words for the journal; None when all is well.
    problem: str | None = None


@dataclass(frozen=True)
class Collector:
    name: str
    page: str
    collect: Callable[[], Result]
    #: Seconds from the start of one run to the start of the next.
    interval_sec: float
    #: Seconds after which a run counts as failed, though it may still hang in the kernel.
    deadline_sec: float
    #: What can be said when the run failed: old values would look like new ones, so they are dropped.
    otherwise: Callable[[], Sequence[Sample]] = tuple


@dataclass(frozen=True)
class Snapshot:
    samples: Sequence[Sample]
    ok: bool
    #: Unix time at which the figures were complete; for a run that hangs, when it was given up.
    at: float
    duration_sec: float


class Runner:
    """Runs one collector again and again. At most one run is under way, so a stuck one costs one thread, not many."""

    def __init__(
        self,
        collector: Collector,
        say: Callable[[str], None],
        *,
        delay_sec: float = 0.0,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.collector = collector
        self._say = say
        self._delay = delay_sec
        self._wall = wall
        self._clock = clock
        self._lock = threading.Lock()
        self._last: Snapshot | None = None
        self._began: tuple[float, float] | None = None
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"collect-{collector.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def snapshot(self) -> Snapshot | None:
        """The last result; a failure as long as a run is overdue; None before the first one is over."""
        with self._lock:
            last, began = self._last, self._began
        if began is None:
            return last
        running = self._clock() - began[0]
        deadline = self.collector.deadline_sec
        if running <= deadline:
            return last
        self._report(f"no result after {deadline:g} seconds; going on waiting, with no figures until then")
        return Snapshot(self.collector.otherwise(), False, began[1] + deadline, running)

    def run_once(self) -> None:
        collector = self.collector
        began = self._clock()
        with self._lock:
            self._began = (began, self._wall())
        try:
            result = collector.collect()
        except (
            Exception
        ) as error:  # a collector must never end the program; its name and words go to the journal
            result = Result(collector.otherwise(), f"{type(error).__name__}: {error}")
        duration = self._clock() - began
        with self._lock:
            self._last = Snapshot(result.samples, result.problem is None, self._wall(), duration)
            self._began = None
        self._report(result.problem)

    def _loop(self) -> None:
        if self._stop.wait(self._delay):
            return
        while True:
            began = self._clock()
            self.run_once()
            # At least a second of rest, so that what always takes too long does not run all the time.
            if self._stop.wait(max(1.0, began + self.collector.interval_sec - self._clock())):
                return

    def _report(self, problem: str | None) -> None:
        """Says what changed, once."""
        with self._lock:
            if problem == self._problem:
                return
            self._problem = problem
        self._say(f"{self.collector.name}: {problem or 'well again'}")


def page_samples(
    runners: Sequence[Runner], page: str | None, catalogue_page: Callable[[str], str], now: float
) -> list[Sample]:
    """All samples of a page (None: of all pages), with those about its collectors."""
    found: list[Sample] = []
    for runner in runners:
        snapshot = runner.snapshot()
        if snapshot is None:
            continue
        found.extend(each for each in snapshot.samples if page is None or catalogue_page(each.name) == page)
        if page is None or runner.collector.page == page:
            labels = (runner.collector.name,)
            found += [
                Sample("citadel_collector_success", float(snapshot.ok), labels),
                Sample("citadel_collector_duration_seconds", snapshot.duration_sec, labels),
                Sample("citadel_collector_last_run_timestamp_seconds", snapshot.at, labels),
                Sample("citadel_collector_age_seconds", max(0.0, now - snapshot.at), labels),
            ]
    return found
