"""The metrics that every process of a model has: kind, unit, labels and meaning, once."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

# A time of creation a series doubles what is scraped, and nothing here asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]  # typed in part


class _Rows(Collector):
    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("lfm_rows", "Rows held in this process's memory.", labels=["kind"])
        for kind, count in self._counts().items():
            family.add_metric([kind], count)
        yield family


def register_common(
    registry: CollectorRegistry, *, ready: Callable[[], bool], rows: Callable[[], Mapping[str, int]]
) -> None:
    """Register the metrics that the learner and the lookups share.

    Args:
        registry: Of this process.
        ready: Whether it would answer ``/readyz`` with 200; asked at each scrape.
        rows: Rows in memory by kind, user and item; asked at each scrape.
    """
    Gauge("lfm_ready", "1 if this process is ready, else 0.", registry=registry).set_function(
        lambda: float(ready())
    )
    Gauge(
        "lfm_build_info", "Always 1; the labels say what runs.", ["version", "python"], registry=registry
    ).labels(version("lfm-online"), platform.python_version()).set(1)
    registry.register(_Rows(rows))
