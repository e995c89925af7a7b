"""Every metric of the learner: kind, unit, labels and meaning, once.

Names end in their unit. Ids never become labels. Counters are this process's own; the RMSE comes
from the model's globals, so every worker of a model tells the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter, time
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.commit_sums import count_delays, sum_outcome
from lfm_online.layout import BANDS, COHORTS, PREDICTORS
from lfm_online.model import Model
from worker.dead_letters.letter import REASONS
from worker.in_flight import Settled
from worker.observer import Step
from worker.topic_guard import TROUBLES, Trouble

OUTCOMES: Final = ("learned", "retracted", "forgotten", "refused", "dead_letter")
SCORERS: Final = ("next", "popular")
# A boundary at each objective: 10 ms at a trickle, 250 ms at 70% load, 1 s under the demo's load.
VISIBLE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)
BATCH_BUCKETS: Final = (1, 10, 100, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
STEP_BUCKETS: Final = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class DelayHistogram(Collector):
    """A histogram of times since, which takes an array at once: an event costs 10 ns, by ``observe`` 1 us."""

    def __init__(
        self, name: str, meaning: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        """Register under ``name``."""
        self._name, self._meaning = name, meaning
        self._bounds = np.array([*buckets, math.inf])
        self._counts = np.zeros(len(self._bounds), np.int64)
        self._sum = 0.0
        registry.register(self)

    def observe(self, since_ms: NDArray[np.int64], now_ms: float) -> None:
        """Count the seconds from each of ``since_ms: int64[n]`` to now; a negative one is none."""
        self._sum += count_delays(since_ms, now_ms, self._bounds, self._counts)

    def collect(self) -> Iterator[Metric]:
        """For the registry."""
        bounds = [f"{bound:g}" if math.isfinite(bound) else "+Inf" for bound in self._bounds]
        counts = np.cumsum(self._counts).tolist()
        family = HistogramMetricFamily(self._name, self._meaning)
        family.add_metric([], list(zip(bounds, counts, strict=True)), self._sum)
        yield family


class WorkerMetrics:
    """The learner's metrics, and the pipeline's observer."""

    def __init__(self, registry: CollectorRegistry, model: Model) -> None:
        """Register all; ``model`` is read by :meth:`show_model`."""
        self._model = model
        r = registry
        self.events = Counter(
            "lfm_events", "Events taken from the topic, by what became of them.", ["outcome"], registry=r
        )
        self.dead_letters = Counter(
            "lfm_dead_letters", "Events in dead letters, by reason.", ["reason"], registry=r
        )
        self.forwarded = Counter(
            "lfm_dead_letters_forwarded", "Dead letters that their topic confirmed.", registry=r
        )
        self.outbox = Gauge(
            "lfm_dead_letters_outbox", "Dead letters not yet forwarded.", ["partition"], registry=r
        )
        self.scored = Counter(
            "lfm_scored_events", "Ratings predicted before they were learned.", ["cohort"], registry=r
        )
        self.squared_error = Counter(
            "lfm_squared_error",
            "Sum of squared errors of those predictions.",
            ["predictor", "cohort"],
            registry=r,
        )
        self.in_band = Counter(
            "lfm_band_ratings",
            "Of those ratings, the ones within the band stated beforehand, by its level in percent.",
            ["band"],
            registry=r,
        )
        self.ranked = Counter(
            "lfm_ranked_events",
            "Sampled ratings at or above the mean, each ranked before it was learned among all items that "
            "its user had not rated. Of a model of more than 20,000 items none is.",
            registry=r,
        )
        self.hits = Counter(
            "lfm_hits",
            "Of those, the ones whose item was among the first 10: as recommend ranks, and by popularity.",
            ["scorer"],
            registry=r,
        )
        self.recent_share = Gauge(
            "lfm_ranking_recent_share",
            "Learned share of recent popularity, against all-time, in what the ranking head expects.",
            registry=r,
        )
        self.rmse = Gauge(
            "lfm_rmse",
            "RMSE before learning, of all ratings, and of recent ones (half-life 10,000 ratings).",
            ["predictor", "window"],
            registry=r,
        )
        self.visible = DelayHistogram(
            "lfm_event_visible_seconds", "From the record's own time to its commit.", VISIBLE_BUCKETS, r
        )
        self.step_seconds = Histogram(
            "lfm_step_seconds",
            "Time of one step of the loop; turn: waited for another worker's, and followed what it did.",
            ["step"],
            buckets=STEP_BUCKETS,
            registry=r,
        )
        self.commit_seconds = Histogram(
            "lfm_commit_seconds", "Time of one commit in the store.", buckets=STEP_BUCKETS, registry=r
        )
        self.batch_events = Histogram(
            "lfm_batch_events",
            "Events of one commit.",
            buckets=BATCH_BUCKETS,
            registry=r,
        )
        self.commits_refused = Counter(
            "lfm_commits_refused", "Commits refused because another got through.", registry=r
        )
        self.store_errors = Counter("lfm_store_errors", "Times that the store did not answer.", registry=r)
        self.topic_troubles = Counter(
            "lfm_topic_troubles",
            "Changes of the topic that the worker went on after.",
            ["trouble"],
            registry=r,
        )
        self.events_gone = Counter(
            "lfm_events_gone",
            "Offsets that the topic's retention took before they were learned.",
            ["partition"],
            registry=r,
        )
        self.foreign_keys = Counter(
            "lfm_foreign_keys", "Records keyed by something other than their user id.", registry=r
        )
        self.lag = Gauge("lfm_lag_events", "Records behind the stored watermark.", ["partition"], registry=r)
        self.assigned_partitions = Gauge("lfm_assigned_partitions", "Partitions of this worker.", registry=r)
        for reason in REASONS:
            self.dead_letters.labels(reason)
        for trouble in TROUBLES:
            self.topic_troubles.labels(trouble)
        # What each commit adds to. Looking a child up costs as much as adding.
        self._outcome = {outcome: self.events.labels(outcome) for outcome in OUTCOMES}
        self._in_band = [self.in_band.labels(band) for band in BANDS]
        self._hits = {scorer: self.hits.labels(scorer) for scorer in SCORERS}
        self._scored = [self.scored.labels(cohort) for cohort in COHORTS]
        self._squared_error = [
            self.squared_error.labels(predictor, cohort) for predictor in PREDICTORS for cohort in COHORTS
        ]
        self._steps = {name: self.step_seconds.labels(name) for name in get_args(Step)}

    @contextmanager
    def step(self, name: Step) -> Iterator[None]:
        """Time a step of the loop."""
        started = perf_counter()
        try:
            yield
        finally:
            self._steps[name].observe(perf_counter() - started)

    def committed(self, settled: Settled) -> None:
        """Count a commit's events."""
        done = settled.done
        self.commit_seconds.observe(settled.receipt.seconds)
        self.batch_events.observe(len(done.events))
        self.visible.observe(done.events.record_ms, time() * 1000.0)
        sums = sum_outcome(done.batch, done.outcome)
        ratings, retractions, forgotten = (int(sums.kinds[kind]) for kind in (RATING, RETRACTION, FORGET))
        self._outcome["learned"].inc(ratings - sums.refused)
        self._outcome["retracted"].inc(retractions)
        self._outcome["forgotten"].inc(forgotten)
        self._outcome["refused"].inc(sums.refused)
        for letter in done.events.letters:
            self._outcome["dead_letter"].inc(letter.offsets)
            self.dead_letters.labels(letter.reason).inc(letter.offsets)
        self.foreign_keys.inc(done.events.foreign_keys)
        _add(self._scored, sums.scored)
        _add(self._squared_error, sums.squared_error)
        _add(self._in_band, sums.in_band)
        if done.hits.ranked:
            self.ranked.inc(done.hits.ranked)
            for scorer in SCORERS:
                self._hits[scorer].inc(getattr(done.hits, scorer))
        self.show_model()

    def show_model(self) -> None:
        """The gauges from the model's globals: also of a worker that just began, or where another learns."""
        if self._model.ranking is not None:
            self.recent_share.set(float(self._model.ranking.globals["pi"][0]))
        shared = self._model.shared
        scored = float(shared["scored"].sum())
        if scored == 0:
            return
        ever = np.sqrt(shared["squared_error"].reshape(len(PREDICTORS), -1).sum(axis=1) / scored)
        recent = np.sqrt(shared["recent_squared_error"] / shared["recent_weight"])
        for window, values in (("all", ever), ("recent", recent)):
            for predictor, value in zip(PREDICTORS, values.tolist(), strict=True):
                self.rmse.labels(predictor, window).set(value)

    def topic_trouble(self, trouble: Trouble, gone: Mapping[int, int]) -> None:
        """Count a trouble that the worker goes on after, and by partition the offsets that are gone."""
        self.topic_troubles.labels(trouble).inc()
        for partition, offsets in gone.items():
            self.events_gone.labels(str(partition)).inc(offsets)

    def refused(self) -> None:
        """A commit was refused."""
        self.commits_refused.inc()

    def store_away(self) -> None:
        """The store did not answer."""
        self.store_errors.inc()

    def assigned(self, partitions: frozenset[int]) -> None:
        """Forget the lag of partitions that are another's now."""
        self.assigned_partitions.set(len(partitions))
        self.lag.clear()
        self.outbox.clear()


def _add(counters: Sequence[Counter], amounts: NDArray[Any]) -> None:
    """Add to each; ``amounts`` in their order."""
    for counter, amount in zip(counters, amounts.ravel().tolist(), strict=True):
        counter.inc(amount)
