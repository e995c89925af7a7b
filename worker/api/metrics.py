"""Every metric of the lookups: kind, unit, labels and meaning, once. Ids never become labels."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from litestar.types import ASGIApp, Message, Middleware, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from lfm_online.replica import Replica

# A boundary at each objective: 10 ms for a prediction, 50 ms for a recommendation, 1 s for anything.
LOOKUP_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class LookupMetrics:
    """The lookups' own metrics; those that the learner has too are in ``worker.common_metrics``."""

    def __init__(self, registry: CollectorRegistry, replica: Replica, endpoints: list[str]) -> None:
        """Register all, with a series for each endpoint from the start."""
        self.endpoints = frozenset(endpoints)
        self.seconds = Histogram(
            "lfm_lookup_seconds",
            "Time to answer a lookup, from its arrival to the end of the answer.",
            ["endpoint"],
            buckets=LOOKUP_BUCKETS,
            registry=registry,
        )
        self.lookups = Counter(
            "lfm_lookups", "Lookups by the class of their status.", ["endpoint", "status"], registry=registry
        )
        Gauge(
            "lfm_replica_age_seconds",
            "Time since the rows in memory were last known to be those of the model's head.",
            registry=registry,
        ).set_function(replica.age_seconds)
        for endpoint in endpoints:
            self.seconds.labels(endpoint)
            for status in ("2xx", "4xx", "5xx"):
                self.lookups.labels(endpoint, status)


def count_lookups(metrics: LookupMetrics) -> Middleware:
    """A middleware that times and counts each lookup under its handler's name.

    A function, since Litestar copies the middleware of a router, and metrics can't be copied.
    """

    def around(app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            status = 500

            async def sending(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            endpoint = str(scope["route_handler"].name)
            if endpoint not in metrics.endpoints:  # OPTIONS, which the framework answers
                await app(scope, receive, send)
                return
            started = perf_counter()
            try:
                await app(scope, receive, sending)
            finally:
                metrics.seconds.labels(endpoint).observe(perf_counter() - started)
                metrics.lookups.labels(endpoint, f"{status // 100}xx").inc()

        return counted

    return around
