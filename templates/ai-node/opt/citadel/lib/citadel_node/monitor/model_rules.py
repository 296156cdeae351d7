"""What is wrong with the models, and which of them to restart. Asks systemd and the model itself before it acts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from citadel_node import models as model_requests
from citadel_node import systemd
from citadel_node.exposition import parse
from citadel_node.fetch import FetchError, fetch
from citadel_node.monitor import restarts
from citadel_node.monitor.alert_book import Condition
from citadel_node.monitor.observation import ModelFacts, Observation
from citadel_node.monitor.restarts import Verdict, Watch
from citadel_node.program import ProgramError
from citadel_node.settings import Model, Settings
from citadel_node.systemd import UnitState

#: Seconds for a model to tell its token counters.
COUNTERS_TIMEOUT_SEC = 5.0
_COUNTERS = re.compile(r"vllm:(generation_tokens|prompt_tokens)_total\Z")
#: Cycles for which a model may be stopped before that is worth a word.
STOPPED_CYCLES = 20


def tokens(model: Model) -> float | None:
    """Tokens that the model has read and written; None where it does not say."""
    try:
        response = fetch(model_requests.url(model, "/metrics"), COUNTERS_TIMEOUT_SEC)
    except FetchError:
        return None
    if response.status != 200:
        return None
    values = [
        value for name, _, value in parse(response.body.decode(errors="replace")) if _COUNTERS.match(name)
    ]
    return sum(values) if values else None


@dataclass
class Hands:
    """What the guard may do to the host."""

    show: Callable[[list[str]], Mapping[str, UnitState]] = systemd.show
    tokens: Callable[[Model], float | None] = tokens
    restart: Callable[[str], None] = lambda unit: try_restart(unit)
    #: Called before each model: asking many that hang takes longer than a watchdog waits.
    alive: Callable[[], object] = lambda: None


def try_restart(unit: str) -> None:
    """Restarts a unit that is active and leaves alone one that someone has just stopped. Does not wait for it to load."""
    done = systemd.control(["try-restart", "--no-block", "--", unit], 20.0)
    if not done.ok:
        raise ProgramError(f"try-restart {unit}: {done.words}", f"Do it by hand: systemctl restart {unit}")


class ModelGuard:
    """Remembers each model from cycle to cycle."""

    def __init__(self, settings: Settings, watches: Mapping[str, Watch], hands: Hands | None = None) -> None:
        self._settings = settings
        self._hands = hands or Hands()
        self.watches = {name: watches.get(name, Watch()) for name in settings.models}
        #: Token counters when the failures began.
        self._tokens: dict[str, float | None] = {}
        # Two looks at the model after its unit became active, for the last one before that is still what is known.
        looks_sec = 2 * settings.exporter.probe_interval_sec
        self._silent_cycles = 1 + math.ceil(looks_sec / settings.monitor.interval_sec)
        #: Models that we restarted and that serve nothing yet.
        self._restarted: dict[str, Condition] = {}

    def check(self, seen: Observation) -> list[Condition]:
        """The conditions of this cycle. Restarts what is dead."""
        conditions: list[Condition] = []
        monitor = self._settings.monitor
        unwell: list[Model] = []
        for name, model in self._settings.models.items():
            self._hands.alive()
            facts = seen.models.get(name)
            if facts is None:
                continue
            before = self.watches[name]
            watch, verdict = restarts.judge(
                before,
                facts,
                seen.at,
                after_failures=monitor.restart_after_failures,
                per_hour=monitor.restarts_per_hour,
            )
            self.watches[name] = watch
            if facts.active and facts.up and facts.probe is not False:
                self._restarted.pop(name, None)
            if verdict is Verdict.OUT:
                unwell.append(model)
                continue
            if watch.failures == 1 and before.failures == 0:
                self._tokens[name] = self._hands.tokens(model)
            if verdict is Verdict.DEAD:
                self._restart(model, facts, seen.at, conditions)
            elif verdict is Verdict.LIMITED:
                conditions.append(self._limited(model, watch))
            elif facts.up is False:
                conditions.append(_silent(model, self._silent_cycles))
            elif verdict is Verdict.FAILING:
                conditions.append(_failing(model, watch))
        return [*conditions, *self._inactive(unwell), *self._restarted.values()]

    def _restart(self, model: Model, facts: ModelFacts, now: float, conditions: list[Condition]) -> None:
        watch = self.watches[model.name]
        counted = self._hands.tokens(model) if facts.up else None
        began = self._tokens.get(model.name)
        if counted is not None and began is not None and counted > began:
            # It makes tokens, only not ours in time. Restarting it would throw away the work of others.
            self.watches[model.name] = restarts.reprieved(watch)
            self._tokens[model.name] = counted
            conditions.append(_busy(model))
            return
        try:
            state = self._hands.show([model.unit])[model.unit]
            if not state.is_active or state.job or (state.active_since or 0) > (watch.failing_since or now):
                # It was stopped or started since: the next looks decide.
                self.watches[model.name] = restarts.forgotten(watch)
                return
            self._hands.restart(model.unit)
        except ProgramError as error:
            conditions.append(
                Condition(
                    "critical",
                    "model",
                    model.name,
                    f"{model.name} is dead and cannot be restarted: {error.what}",
                    error.fix,
                )
            )
            return
        self.watches[model.name] = restarts.restarted(watch, now)
        self._restarted[model.name] = _restarted(model, watch)

    def _limited(self, model: Model, watch: Watch) -> Condition:
        if self._settings.monitor.restarts_per_hour == 0:
            what = f"{model.name} is up but dead; restarting it is switched off"
        else:
            again = f"after {len(watch.recent)} restarts within an hour"
            what = f"{model.name} is up but dead again, {again}; it is left alone now"
        fix = f"journalctl -u {model.unit} -n 200; nvidia-smi; then citadel restart {model.name}"
        return Condition("critical", "model_limit", model.name, what, fix)

    def _inactive(self, models: list[Model]) -> list[Condition]:
        if not models:
            return []
        try:
            states = self._hands.show([model.unit for model in models])
        except ProgramError:
            return []
        found = []
        for model in models:
            state = states[model.unit]
            if state.is_failed:
                found.append(
                    Condition(
                        "critical",
                        "model",
                        model.name,
                        f"{model.unit} has failed ({state.result})",
                        f"journalctl -u {model.unit} -n 100; then citadel restart {model.name}",
                    )
                )
            elif state.active == "inactive" and model.at_boot:
                found.append(
                    Condition(
                        "warning",
                        "model",
                        model.name,
                        f"{model.name} is stopped",
                        f"citadel start {model.name}",
                        cycles=STOPPED_CYCLES,
                    )
                )
        return found


def _restarted(model: Model, watch: Watch) -> Condition:
    number = len(watch.recent) + 1
    return Condition(
        "critical",
        "model_restart",
        model.name,
        f"{model.name} was up but served nothing {watch.failures} times in a row: restarted (restart {number} within an hour)",
        f"If it happens again: journalctl -u {model.unit} -n 200; nvidia-smi",
    )


def _failing(model: Model, watch: Watch) -> Condition:
    times = "once" if watch.failures == 1 else f"{watch.failures} times in a row"
    return Condition(
        "warning",
        "model",
        model.name,
        f"{model.name} answers /health but served no token {times}",
        f"Try it: curl -m 20 http://localhost:{model.port}/v1/models; journalctl -u {model.unit} -n 50",
    )


def _silent(model: Model, cycles: int) -> Condition:
    return Condition(
        "critical",
        "model",
        model.name,
        f"{model.unit} is active, but nothing answers on port {model.port}",
        f"journalctl -u {model.unit} -n 100; then citadel restart {model.name}",
        cycles=cycles,
    )


def _busy(model: Model) -> Condition:
    return Condition(
        "warning",
        "model_busy",
        model.name,
        f"{model.name} makes tokens, but not the probe's one in time: it is overloaded",
        f"Look at its queue: curl -s http://localhost:{model.port}/metrics | grep num_requests_waiting",
    )
