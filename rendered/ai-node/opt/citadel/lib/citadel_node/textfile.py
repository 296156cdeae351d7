"""Metrics as files that node exporter reads (`--collector.textfile.directory`)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from citadel_node.files import atomic_write

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")


@dataclass(frozen=True)
class Sample:
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A family: name, one line of help, type `gauge` or `counter`, and its samples."""

    name: str
    help: str
    samples: Sequence[Sample]
    type: str = "gauge"


def render(metrics: Sequence[Metric]) -> str:
    """Prometheus' text format. Families in the order given, samples sorted by their labels."""
    lines: list[str] = []
    for metric in metrics:
        if not _NAME.match(metric.name):
            raise ValueError(f"not a metric's name: {metric.name!r}")
        lines.append(f"# HELP {metric.name} {_escape(metric.help)}")
        lines.append(f"# TYPE {metric.name} {metric.type}")
        seen: set[str] = set()
        for sample in sorted(metric.samples, key=lambda one: sorted(one.labels.items())):
            labels = _labels(sample.labels)
            if labels in seen:
                raise ValueError(f"{metric.name}{labels} is there twice")
            seen.add(labels)
            lines.append(f"{metric.name}{labels} {_value(sample.value)}")
    return "\n".join(lines) + "\n" if lines else ""


def write(path: Path, metrics: Sequence[Metric]) -> None:
    """Replaces the file at once; its name must end in `.prom`, or node exporter does not see it."""
    if path.suffix != ".prom":
        raise ValueError(f"not a textfile for node exporter: {path}")
    atomic_write(path, render(metrics), 0o644, durable=False)


def _labels(labels: Mapping[str, str]) -> str:
    for name in labels:
        if not _LABEL.match(name) or name.startswith("__"):
            raise ValueError(f"not a label's name: {name!r}")
    inside = ",".join(f'{name}="{_escape(value, quotes=True)}"' for name, value in sorted(labels.items()))
    return f"{{{inside}}}" if inside else ""


def _escape(text: str, quotes: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped


def _value(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
