"""Metrics as files; read back by Prometheus' own client library."""

import math
import random

import pytest
from citadel_node import textfile
from citadel_node.textfile import Metric, Sample
from prometheus_client.parser import text_string_to_metric_families


def test_the_format():
    metric = Metric("citadel_x", "What\nit is \\ was", [Sample(1.5, {"b": "2", "a": 'q"\\\n'}), Sample(2)])
    assert textfile.render([metric]) == (
        "# HELP citadel_x What\\nit is \\\\ was\n# TYPE citadel_x gauge\n"
        'citadel_x 2\ncitadel_x{a="q\\"\\\\\\n",b="2"} 1.5\n'
    )
    assert textfile.render([]) == ""


def test_values():
    values = [0, -1, 1e20, 0.1, math.nan, math.inf, -math.inf, 1764000000.25]
    assert [textfile.render([Metric("x", "x", [Sample(v)])]).split()[-1] for v in values] == [
        "0",
        "-1",
        "1e+20",
        "0.1",
        "NaN",
        "+Inf",
        "-Inf",
        "1764000000.25",
    ]


def test_any_label_comes_back():
    chance = random.Random(7)
    for _ in range(200):
        text = "".join(chance.choice('ab"\\\n{},= é\t') for _ in range(chance.randrange(12)))
        said = textfile.render([Metric("x", text, [Sample(3, {"l": text})])])
        (family,) = text_string_to_metric_families(said)
        assert family.samples[0].labels == {"l": text}


@pytest.mark.parametrize(
    "metric",
    [
        Metric("bad name", "", []),
        Metric("x", "", [Sample(1, {"bad-label": ""})]),
        Metric("x", "", [Sample(1, {"a": "1"}), Sample(2, {"a": "1"})]),
    ],
)
def test_what_node_exporter_would_refuse(metric):
    with pytest.raises(ValueError, match=r"not a|twice"):
        textfile.render([metric])


def test_writing(tmp_path):
    textfile.write(tmp_path / "citadel-x.prom", [Metric("x", "x", [Sample(1)])])
    assert (tmp_path / "citadel-x.prom").stat().st_mode & 0o777 == 0o644
    with pytest.raises(ValueError, match="not a textfile"):
        textfile.write(tmp_path / "citadel-x.txt", [])
