"""The monthly report."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from citadel_node.output import time_text
from citadel_node.program import UsageError
from citadel_node.report import backups, chart, content, data, main, markdown, page
from citadel_node.report.month import Month

NOVEMBER = Month(2026, 11)
DAY = 86400


def line(at, **rest):
    return {"hour": time_text(at), "observed": 1.0, "boot_time": "2026-10-01T00:00:00Z", **rest}


def history(hours=240):
    """Ten days in which a disk fills by one percent a day and phi3 serves half of the time."""
    return [
        line(
            NOVEMBER.begin + at * 3600,
            cpu_percent={"mean": 20.0, "max": 50.0 + at % 7},
            memory_percent={"mean": 30.0, "max": 31.0},
            models={
                "phi3": {"serving": float(at % 2), "active": 1.0, "probe_ms": 12},
                "<b>": {"serving": 1.0},
            },
            gpus={"0": {"temperature_max": 60.0 + at % 9, "utilization_mean": 40.0, "memory_max_gib": 70.0}},
            storage={"/mnt/a|b": {"used_percent": 50 + at / 24, "size_gib": 3500.0}},
            alerts={"critical": int(at == 30), "warning": int(at == 31)},
        )
        for at in range(hours)
    ]


def alert(at, state="firing", severity="critical", **rest):
    return {
        "time": time_text(at),
        "state": state,
        "severity": severity,
        "source": "model_restart",
        "subject": "phi3",
        "message": "<script>alert(1)</script> | *bold*",
        **rest,
    }


def report(**changes):
    values = {
        "month": NOVEMBER,
        "node": "ai-node",
        "now": NOVEMBER.begin + 10 * DAY,
        "history": history(),
        "alerts": [
            alert(NOVEMBER.begin + 30 * 3600),
            alert(NOVEMBER.begin - 1),
            alert(NOVEMBER.begin + 31 * 3600, "resolved"),
        ],
        "backups": {"configs": data.BackupMonth(3, 2048, NOVEMBER.begin, 1, True)},
        "baselines": [
            {
                "time": time_text(NOVEMBER.begin + day * DAY),
                "quick": False,
                "models": [{"model": "phi3", "tokens_per_sec": 40 / day}],
            }
            for day in (1, 2)
        ],
        **changes,
    }
    return data.make(**values)


class TestMonth:
    def test_neighbours_and_length(self):
        assert str(Month(2026, 1).before) == "2025-12"
        assert str(Month(2026, 12).after) == "2027-01"
        assert [Month(2028, 2).days, NOVEMBER.days, Month(2026, 12).days] == [29, 30, 31]
        assert NOVEMBER.day_of(NOVEMBER.end - 1) == 30
        assert Month.of(NOVEMBER.begin - 1) == Month(2026, 10)

    @pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-01", "", "2026-01-01", "1969-12"])
    def test_what_is_no_month(self, text):
        with pytest.raises(UsageError):
            Month.parse(text)


class TestData:
    def test_nothing_known(self):
        empty = report(history=[], alerts=[], backups=None, baselines=[])
        assert (empty.observed_hours, empty.hours) == (0, 240)
        assert empty.cpu is None
        assert len(empty.alert_days) == 10

    def test_models_by_what_was_observed(self):
        found = report().models["phi3"]
        assert found.serving == 0.5
        assert found.active == 1.0
        assert found.probe_ms == 12
        assert found.restarts == 1

    def test_storage_trend(self):
        found = report().storage["/mnt/a|b"]
        assert found.per_day == pytest.approx(1.0)
        assert found.full_in_days == pytest.approx(40, abs=0.2)
        assert report(history=history(24)).storage["/mnt/a|b"].per_day is None

    def test_a_disk_that_empties_is_never_full(self):
        lines = [
            line(NOVEMBER.begin + at * DAY, storage={"/": {"used_percent": 90.0 - at}}) for at in range(5)
        ]
        found = report(history=lines).storage["/"]
        assert (found.per_day, found.full_in_days) == (pytest.approx(-1.0), None)

    def test_alerts_are_counted_once(self):
        days = report().alert_days
        assert days[1] == (2, 1, 1), "the history has them; the event of the same hour adds none"
        late = report(alerts=[alert(NOVEMBER.begin + 10 * DAY - 60)], history=history(230))
        assert late.alert_days[9] == (10, 1, 0), "younger than the history"

    def test_boots_and_load(self):
        lines = [line(NOVEMBER.begin), line(NOVEMBER.begin + 3600, boot_time="2026-11-01T00:30:00Z")]
        assert len(report(history=lines).boots) == 2
        assert report().cpu == (20.0, 56.0)

    def test_other_months_are_left_out(self):
        assert report(month=Month(2026, 10)).models == {}


class TestBackups:
    def test_of_a_month(self):
        said = {
            "archives": {
                "a": {
                    "backup": "configs",
                    "created": "2026-11-02T00:00:00Z",
                    "size_bytes": 10,
                    "state": "good",
                },
                "b": {
                    "backup": "configs",
                    "created": "2026-10-02T00:00:00Z",
                    "size_bytes": 90,
                    "state": "damaged",
                },
                "c": {"backup": 1},
                "d": None,
            },
            "runs": [
                {"backup": "configs", "model": "", "success": True},
                {"backup": "models-daily", "model": "phi3", "success": False},
            ],
        }
        assert backups.summarise(said, NOVEMBER) == {
            "configs": data.BackupMonth(1, 10, Month(2026, 11).begin + DAY, 1, True),
            "models-daily": data.BackupMonth(0, 0, None, 0, False),
        }

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"archives": 3, "runs": {}}'])
    def test_another_programs_file_is_no_reason_to_fail(self, tmp_path, text):
        (tmp_path / "m.json").write_text(text)
        assert backups.read_backups(tmp_path / "m.json", NOVEMBER) in (None, {})
        assert backups.read_backups(tmp_path / "none.json", NOVEMBER) is None


class Reader(HTMLParser):
    """Collects tags, and fails where they do not close as they opened."""

    void = ("meta", "br")

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestForms:
    def html(self, made):
        text = page.page(made, content.sections(made))
        reader = Reader()
        reader.feed(text)
        assert reader.open == []
        return text, reader.seen

    def test_html_is_one_page_that_runs_and_fetches_nothing(self):
        text, seen = self.html(report())
        tags = {tag for tag, _ in seen}
        assert not tags & {"script", "link", "img", "iframe", "object"}
        assert "http" not in re.sub(r"http-equiv", "", text)
        assert "&lt;script&gt;" in text
        assert "prefers-color-scheme: dark" in text

    def test_charts_have_a_name_a_description_and_are_well_formed(self):
        text, _ = self.html(report())
        charts = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
        assert len(charts) == 3 + 2
        names = []
        for each in charts:
            root = ElementTree.fromstring(each)
            assert root.get("role") == "img"
            labels = (root.get("aria-labelledby") or "").split()
            for label in labels:
                assert root.find(f"*[@id='{label}']").text
            names += labels
            assert labels or root.get("aria-label")
        assert len(names) == len(set(names)), "identities are unique on the page"

    def test_markdown_tables_have_as_many_cells_everywhere(self):
        made = report()
        text = markdown.markdown(made, content.sections(made))
        for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
            counts = {len(re.findall(r"(?<!\\)\|", each)) for each in block.strip().splitlines()}
            assert len(counts) == 1, block
        assert r"\<script\>" in text
        assert "| phi3" in text

    def test_where_there_is_no_data_it_says_so(self):
        made = report(history=[], alerts=[], backups=None, baselines=[])
        text = markdown.markdown(made, content.sections(made))
        assert text.count(content.NOTHING) == 5
        assert "Nothing is known: the backup disk's list cannot be read." in text
        assert "No baseline was measured" in text
        assert content.NOTHING in self.html(made)[0]

    def test_a_slower_model_is_marked(self):
        made = report()
        row = next(each for each in content.sections(made)[-1].tables[0].rows if each[0] == "phi3 speed")
        assert row == ("phi3 speed", "40 tokens/s", "20 tokens/s", "-50 %", "slower")

    def test_a_gap_in_time_interrupts_the_line(self):
        def pieces(*at):
            points = [(float(x), 50.0) for x in at]
            svg = chart.line_chart("a", "t", "d", points, begin=0, end=100, top=100, gap=5, ticks=[], unit="")
            return svg.count("<polyline"), svg.count("<circle")

        assert pieces(1, 2, 3) == (1, 0)
        assert pieces(1, 2, 30, 31, 60) == (2, 1)


class TestProgram:
    def test_writes_both_files_for_agent0_to_read(self, host, capsys):
        state = host.path("/var/lib/citadel")
        (state / "history.jsonl").write_text(
            "".join(f"{json.dumps(each)}\n" for each in history()) + "half a li"
        )
        assert main.main(["--month", "2026-11"]) == 0
        reports = host.path("/opt/citadel/logs/reports")
        assert capsys.readouterr().out == f"{reports}/2026-11.md\n{reports}/2026-11.html\n"
        assert (reports / "2026-11.html").stat().st_mode & 0o777 == 0o644
        assert "50.00 %" in (reports / "2026-11.md").read_text()

    def test_the_last_complete_month_if_it_is_known_else_this_one(self, host, monkeypatch, capsys):
        monkeypatch.setattr("time.time", lambda: Month(2026, 12).begin + DAY)
        assert main.main(["--dry-run"]) == 0
        assert "2026-12.md" in capsys.readouterr().out
        (host.path("/var/lib/citadel") / "history.jsonl").write_text(json.dumps(history(1)[0]) + "\n")
        assert main.main(["--dry-run"]) == 0
        assert "2026-11.md" in capsys.readouterr().out
        assert not host.path("/opt/citadel/logs/reports").exists()

    def test_json(self, host, capsys):
        assert main.main(["--month", "2026-11", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["report"]["observed_hours"] == 0

    def test_a_month_that_is_none(self, host):
        with pytest.raises(UsageError, match="2026-13"):
            main.main(["--month", "2026-13"])
