"""Where the figures come from: the exporter, which measures already; or the same collectors here, while it is silent."""

from __future__ import annotations

import time
from collections.abc import Callable

from citadel_node.exposition import Figures, parse
from citadel_node.fetch import FetchError, fetch
from citadel_node.monitor.observation import Observation, observe
from citadel_node.settings import Settings

EXPORTER_TIMEOUT_SEC = 5.0


class Source:
    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._own: OwnCollectors | None = None

    def look(self, now: float) -> Observation:
        figures, source = self.figures(now)
        return observe(figures, now, source)

    def figures(self, now: float, patience_sec: float = 0.0) -> tuple[Figures, str]:
        """The figures and who measured them. Where that is not the exporter, waits so long for first results."""
        try:
            figures = self.exporter()
        except FetchError as error:
            if self._own is None:
                self._say(f"the exporter does not answer ({error}): measuring here until it does")
                self._own = OwnCollectors(self._settings, self._say)
                self._own.wait(patience_sec)
            return self._own.figures(now), "monitor"
        if self._own is not None:
            self._own.stop()
            self._own = None
            self._say("the exporter answers again")
        return figures, "exporter"

    def exporter(self) -> Figures:
        """What the exporter says. FetchError when it says nothing of use in time."""
        response = fetch(f"http://127.0.0.1:{self._settings.exporter.port}/metrics", EXPORTER_TIMEOUT_SEC)
        if response.status != 200:
            raise FetchError(f"/metrics says {response.status}")
        return Figures(parse(response.body.decode(errors="replace")))


class OwnCollectors:
    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        # Only here: as long as the exporter answers, their memory is not needed.
        from citadel_node.exporter import collectors, runner

        self._runner = runner
        self.runners = [runner.Runner(each, say) for each in collectors.collectors(settings)]
        for each in self.runners:
            each.start()

    def figures(self, now: float) -> Figures:
        from citadel_node.exporter.catalogue import CATALOGUE

        samples = self._runner.page_samples(self.runners, None, lambda name: CATALOGUE[name].page, now)
        return Figures(
            (each.name, tuple(zip(CATALOGUE[each.name].labels, each.labels, strict=True)), each.value)
            for each in samples
        )

    def wait(self, seconds: float) -> None:
        """Until each has a result, or the time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(each.snapshot() is None for each in self.runners):
            time.sleep(0.05)

    def stop(self) -> None:
        for each in self.runners:
            each.stop()
