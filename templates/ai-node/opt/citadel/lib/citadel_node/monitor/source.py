"""Where the figures come from: the exporter, which measures already; or the same collectors here, while it is silent."""

from __future__ import annotations

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
        try:
            figures = self.exporter()
        except FetchError as error:
            if self._own is None:
                self._say(f"the exporter does not answer ({error}): measuring here until it does")
                self._own = OwnCollectors(self._settings, self._say)
            return observe(self._own.figures(now), now, "monitor")
        if self._own is not None:
            self._own.stop()
            self._own = None
            self._say("the exporter answers again")
        return observe(figures, now, "exporter")

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

    def stop(self) -> None:
        for each in self.runners:
            each.stop()
