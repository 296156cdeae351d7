"""Reads Prometheus' text format: the exporter's pages and the textfiles of this host. Comments and timestamps are skipped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Labels = tuple[tuple[str, str], ...]
_SAMPLE = re.compile(r'^([A-Za-z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)')
_LABEL = re.compile(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Figures:
    """Samples by name. Nothing found is an empty answer or None, never zero."""

    def __init__(self, samples: Iterable[tuple[str, Labels, float]] = ()) -> None:
        self._by_name: dict[str, list[tuple[dict[str, str], float]]] = {}
        for name, labels, value in samples:
            self._by_name.setdefault(name, []).append((dict(labels), value))

    def one(self, name: str, **labels: str) -> float | None:
        """The value of the first sample that has these labels."""
        for found, value in self._by_name.get(name, ()):
            if all(found.get(key) == wanted for key, wanted in labels.items()):
                return value
        return None

    def flag(self, name: str, **labels: str) -> bool | None:
        value = self.one(name, **labels)
        return None if value is None else value != 0

    def by(self, name: str, label: str) -> Mapping[str, float]:
        """Value of the label → value of the sample, in the order of the text."""
        return {labels[label]: value for labels, value in self._by_name.get(name, ()) if label in labels}

    def all(self, name: str) -> Iterator[tuple[Mapping[str, str], float]]:
        return iter(self._by_name.get(name, ()))

    def __contains__(self, name: str) -> bool:
        return name in self._by_name


def parse(text: str) -> Iterator[tuple[str, Labels, float]]:
    """Lines that are no samples are skipped: one bad textfile must not hide the others."""
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match is None:
            continue
        try:
            value = float(match[3])
        except ValueError:
            continue
        labels = tuple((name, _unescape(value_text)) for name, value_text in _LABEL.findall(match[2] or ""))
        yield match[1], labels, value


def read_textfiles(directory: str, prefix: str = "citadel") -> Figures:
    """All samples of `<directory>/<prefix>*.prom`; a missing directory is empty."""
    samples: list[tuple[str, Labels, float]] = []
    for path in sorted(Path(directory).glob(f"{prefix}*.prom")):
        try:
            samples.extend(parse(path.read_text(encoding="utf-8", errors="replace")))
        except OSError:
            continue
    return Figures(samples)


def _unescape(text: str) -> str:
    return re.sub(r'\\[\\"n]', lambda match: _ESCAPES[match[0]], text)
