"""Samples in Prometheus' text format. Kept apart: citadel-monitor measures with the same collectors and needs none of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from citadel_node.exporter.catalogue import CATALOGUE, Sample
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

__all__ = ["CONTENT_TYPE_LATEST", "expose", "expose_process", "process_registry"]

_Family = GaugeMetricFamily | CounterMetricFamily


class _Page:
    """What prometheus_client asks for metrics: families in the order of the catalogue."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        families: dict[str, _Family] = {}
        for sample in self._samples:
            family = families.get(sample.name)
            if family is None:
                family = families[sample.name] = _family(sample.name)
            family.add_metric(sample.labels, sample.value)
        return (families[name] for name in CATALOGUE if name in families)


def _family(name: str) -> _Family:
    entry = CATALOGUE[name]
    if name.endswith("_total"):
        return CounterMetricFamily(name, entry.help, labels=entry.labels)
    return GaugeMetricFamily(name, entry.help, labels=entry.labels)


def expose(samples: Iterable[Sample]) -> bytes:
    return bytes(generate_latest(_Page(samples)))  # type: ignore[arg-type]


def process_registry() -> CollectorRegistry:
    """`process_*`: memory, processor time and open files of the exporter itself."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def expose_process(registry: CollectorRegistry) -> bytes:
    return bytes(generate_latest(registry))
