"""When a model is restarted, and when not."""

from dataclasses import replace

import pytest
from citadel_node import settings
from citadel_node.monitor import restarts
from citadel_node.monitor.model_rules import Hands, ModelGuard
from citadel_node.monitor.observation import ModelFacts, Observation
from citadel_node.monitor.restarts import Verdict, Watch
from citadel_node.program import ProgramError
from citadel_node.systemd import UnitState

WELL = ModelFacts(active=True, up=True, probe=True, probe_sec=0.1, looked_at=0)
WEDGED = replace(WELL, probe=False)
SILENT = ModelFacts(active=True, up=False, probe=False, probe_sec=None, looked_at=0)
OUT = ModelFacts(active=False, up=False, probe=False, probe_sec=None, looked_at=0)
UNKNOWN = replace(SILENT, active=None)


def follow(*looks, watch=None, per_hour=3):
    """Verdicts of looks one minute apart."""
    watch = watch or Watch()
    verdicts = []
    for at, facts in enumerate(looks):
        now = 1000.0 + 60 * at
        watch, verdict = restarts.judge(
            watch, replace(facts, looked_at=now), now, after_failures=3, per_hour=per_hour
        )
        verdicts.append(verdict)
    return watch, verdicts


class TestJudge:
    def test_dead_after_three_in_a_row(self):
        watch, verdicts = follow(WELL, WEDGED, WEDGED, WEDGED)
        assert verdicts == [Verdict.WELL, Verdict.FAILING, Verdict.FAILING, Verdict.DEAD]
        assert watch.failing_since == 1060

    def test_one_token_between_them_and_the_count_begins_again(self):
        assert follow(WEDGED, WEDGED, WELL, WEDGED, WEDGED)[1][-1] is Verdict.FAILING

    def test_the_same_look_is_not_counted_twice(self):
        watch = Watch()
        for now in range(10):
            watch, verdict = restarts.judge(
                watch, replace(WEDGED, looked_at=5), now, after_failures=3, per_hour=3
            )
        assert (watch.failures, verdict) == (1, Verdict.FAILING)

    def test_without_a_look_nothing_is_counted(self):
        watch, verdict = restarts.judge(
            Watch(), replace(WEDGED, looked_at=None), 0, after_failures=1, per_hour=3
        )
        assert (watch.failures, verdict) == (0, Verdict.WELL)

    @pytest.mark.parametrize("facts", [OUT, UNKNOWN])
    def test_stopped_loading_or_unknown_is_left_alone(self, facts):
        assert follow(facts, facts, facts, facts)[1] == [Verdict.OUT] * 4

    def test_a_stop_in_between_begins_anew(self):
        assert follow(WEDGED, WEDGED, OUT, WEDGED)[1][-1] is Verdict.FAILING

    def test_silent_since_it_became_active_is_not_dead(self):
        assert Verdict.DEAD not in follow(SILENT, SILENT, SILENT, SILENT)[1]

    def test_silent_after_it_had_answered_is_dead(self):
        assert follow(WELL, SILENT, SILENT, SILENT)[1][-1] is Verdict.DEAD

    def test_a_model_that_is_not_probed_is_dead_when_it_falls_silent(self):
        answers = replace(WELL, probe=None)
        assert follow(answers, answers)[1] == [Verdict.WELL, Verdict.WELL]
        assert follow(answers, SILENT, SILENT, SILENT)[1][-1] is Verdict.DEAD

    def test_the_limit_and_its_end(self):
        watch = Watch(recent=(900.0, 950.0), total=7)
        assert follow(WEDGED, WEDGED, WEDGED, watch=watch, per_hour=2)[1][-1] is Verdict.LIMITED
        old = Watch(recent=(-3000.0, 950.0), total=7)
        assert follow(WEDGED, WEDGED, WEDGED, watch=old, per_hour=2)[1][-1] is Verdict.DEAD

    def test_no_restarts_at_all(self):
        assert follow(WEDGED, WEDGED, WEDGED, per_hour=0)[1][-1] is Verdict.LIMITED

    def test_a_clock_that_was_set_back_does_not_lock_for_ever(self):
        assert follow(WELL, watch=Watch(recent=(9e9,) * 5))[0].recent == ()

    def test_what_survives_a_restart_of_the_monitor(self):
        watch = restarts.restarted(Watch(failures=3, failing_since=1.0, answered=True), 50.0)
        assert watch == Watch(recent=(50.0,), total=1)
        failing = Watch(failures=2, failing_since=1.0, looked_at=61.0, answered=True, recent=(50.0,), total=1)
        for each in (watch, failing):
            assert restarts.from_json(restarts.to_json({"phi3": each})) == {"phi3": each}
        well = Watch(looked_at=61.0, answered=True)
        assert restarts.to_json({"phi3": well}) == {"phi3": {"total": 0, "recent": []}}, (
            "or each look would be written"
        )

    @pytest.mark.parametrize(
        "value", [None, [], {"phi3": 1}, {"phi3": {"total": "x", "recent": []}}, {"a": {}}]
    )
    def test_what_is_not_ours_is_left_out(self, value):
        assert restarts.from_json(value) == {}


def unit(**changes):
    values = {
        "unit": "u", "description": "", "load": "loaded", "active": "active", "sub": "running", "result": "success",
        "enabled": "enabled", "main_pid": 1, "restarts": 0, "exit_status": 0, "active_since": 1.0,
        "inactive_since": None, "job": False,
    }  # fmt: skip
    return UnitState(**{**values, **changes})


class Fake:
    """Hands that remember, over one model: phi3."""

    def __init__(self, host, **state):
        self.state = unit(**state)
        self.counted = [5.0]
        self.restarted = []
        self.guard = ModelGuard(
            settings.load(),
            {},
            Hands(
                lambda units: dict.fromkeys(units, self.state),
                lambda _model: self.counted.pop(0) if len(self.counted) > 1 else self.counted[0],
                self.restart,
            ),
        )
        self.now = 1000.0

    def restart(self, name):
        self.restarted.append(name)

    def see(self, *looks):
        conditions = []
        for facts in looks:
            self.now += 60
            seen = Observation(self.now, "exporter", models={"phi3": replace(facts, looked_at=self.now)})
            conditions = self.guard.check(seen)
        return [(each.severity, each.source, each.message) for each in conditions]


class TestGuard:
    def test_restarts_and_says_so_until_it_serves(self, host):
        fake = Fake(host)
        said = fake.see(WELL, WEDGED, WEDGED, WEDGED)
        assert fake.restarted == ["citadel-phi3.service"]
        assert said == [
            (
                "critical",
                "model_restart",
                "phi3 was up but served nothing 3 times in a row: restarted (restart 1 within an hour)",
            )
        ]
        assert fake.see(OUT)[0][1] == "model_restart"
        assert fake.see(WELL) == []
        assert fake.guard.watches["phi3"].total == 1

    def test_a_model_that_is_not_probed_serves_when_it_answers(self, host):
        fake = Fake(host)
        answers = replace(WELL, probe=None)
        fake.see(answers, SILENT, SILENT, SILENT)
        assert fake.restarted == ["citadel-phi3.service"]
        assert fake.see(OUT)[0][1] == "model_restart"
        assert fake.see(answers) == []

    def test_says_what_fails_before_it_acts(self, host):
        fake = Fake(host)
        assert fake.see(WEDGED) == [("warning", "model", "phi3 answers /health but served no token once")]
        assert "2 times in a row" in fake.see(WEDGED)[0][2]
        assert fake.restarted == []

    def test_busy_is_not_dead(self, host):
        fake = Fake(host)
        fake.counted = [5.0, 6.0]
        said = fake.see(WEDGED, WEDGED, WEDGED)
        assert fake.restarted == []
        assert "overloaded" in said[0][2]
        fake.counted = [6.0]
        fake.see(WEDGED, WEDGED)
        assert fake.restarted == ["citadel-phi3.service"], "no token since: now it is dead"

    @pytest.mark.parametrize(
        "state",
        [{"active": "activating"}, {"active": "inactive"}, {"job": True}, {"active_since": 1_000_000.0}],
    )
    def test_what_changed_since_is_left_alone(self, host, state):
        fake = Fake(host, **state)
        fake.see(WEDGED, WEDGED, WEDGED)
        assert fake.restarted == []

    def test_the_limit_is_said(self, host):
        fake = Fake(host)
        for _ in range(3):
            fake.see(WEDGED, WEDGED, WEDGED)
        said = fake.see(WEDGED, WEDGED, WEDGED)
        assert len(fake.restarted) == 3
        assert [text for _, source, text in said if source == "model_limit"] == [
            "phi3 is up but dead again, after 3 restarts within an hour; it is left alone now"
        ]

    def test_no_restarts_at_all_is_said_as_such(self, host):
        host.write_settings(('"restarts_per_hour": 3', '"restarts_per_hour": 0'))
        fake = Fake(host)
        said = fake.see(WEDGED, WEDGED, WEDGED)
        assert said[0][2] == "phi3 is up but dead; restarting it is switched off"
        assert fake.restarted == []

    def test_a_restart_that_is_refused_is_said_and_not_counted(self, host):
        fake = Fake(host)

        def refuse(_unit):
            raise ProgramError("access denied", "do it")

        fake.restart = refuse
        fake.guard._hands.restart = refuse
        said = fake.see(WEDGED, WEDGED, WEDGED)
        assert "cannot be restarted: access denied" in said[0][2]
        assert fake.guard.watches["phi3"].total == 0

    def test_failed_and_stopped_units(self, host):
        assert "has failed (exit-code)" in Fake(host, active="failed", result="exit-code").see(OUT)[0][2]
        stopped = Fake(host, active="inactive")
        assert stopped.see(OUT) == [("warning", "model", "phi3 is stopped")]
        assert Fake(host, active="activating").see(OUT) == []

    def test_active_but_silent_is_said(self, host):
        assert Fake(host).see(SILENT) == [
            (
                "critical",
                "model",
                f"citadel-phi3.service is active, but nothing answers on port {host.servers['phi3'].port}",
            )
        ]
