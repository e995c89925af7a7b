"""Every metric of the learner: kind, unit, labels and meaning, once.

Names end in their unit. Ids never become labels. Counters are this process's own; the RMSE comes
from the model's globals, so every worker of a model tells the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter, time
from typing import Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.layout import BANDS, COHORTS, PREDICTORS
from lfm_online.model import Model
from worker.dead_letters.letter import REASONS
from worker.in_flight import InFlight, Settled
from worker.observer import Step
from worker.topic_guard import TROUBLES, Trouble

OUTCOMES: Final = ("learned", "retracted", "forgotten", "refused", "dead_letter")
SCORERS: Final = ("next", "popular")
# A boundary at each objective: 10 ms at a trickle, 250 ms at 70% load, 1 s under the demo's load.
VISIBLE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)
STEP_BUCKETS: Final = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)


class BulkHistogram(Collector):
    """A histogram that takes an array at once: one event costs 10 ns where ``observe`` costs 1 us."""

    def __init__(
        self, name: str, meaning: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        """Register under ``name``."""
        self._name, self._meaning = name, meaning
        self._bounds = np.array([*buckets, math.inf])
        self._counts = np.zeros(len(self._bounds), np.int64)
        self._sum = 0.0
        registry.register(self)

    def observe(self, values: NDArray[np.float64]) -> None:
        """Count ``values: float64[n]``."""
        self._counts += np.bincount(np.searchsorted(self._bounds, values), minlength=len(self._bounds))
        self._sum += float(values.sum())

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
        """Register all; ``model`` is read after each commit."""
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
        self.visible = BulkHistogram(
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
            buckets=[1, 10, 100, 500, 1000, 2000, 5000],
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
        for outcome in OUTCOMES:
            self.events.labels(outcome)
        for reason in REASONS:
            self.dead_letters.labels(reason)
        for trouble in TROUBLES:
            self.topic_troubles.labels(trouble)
        for band in BANDS:
            self.in_band.labels(band)
        for scorer in SCORERS:
            self.hits.labels(scorer)
        for cohort in COHORTS:
            self.scored.labels(cohort)
            for predictor in PREDICTORS:
                self.squared_error.labels(predictor, cohort)

    @contextmanager
    def step(self, name: Step) -> Iterator[None]:
        """Time a step of the loop."""
        started = perf_counter()
        try:
            yield
        finally:
            self.step_seconds.labels(name).observe(perf_counter() - started)

    def committed(self, settled: Settled) -> None:
        """Count a commit's events."""
        done, now_ms = settled.done, time() * 1000.0
        self.commit_seconds.observe(settled.receipt.seconds)
        self.batch_events.observe(len(done.events))
        timed = done.events.record_ms[done.events.record_ms >= 0]
        self.visible.observe(np.maximum(now_ms - timed, 0.0) / 1000.0)
        what = np.bincount(done.batch.what, minlength=3)
        refused = int(done.outcome.refused.sum())
        self.events.labels("learned").inc(int(what[RATING]) - refused)
        self.events.labels("retracted").inc(int(what[RETRACTION]))
        self.events.labels("forgotten").inc(int(what[FORGET]))
        self.events.labels("refused").inc(refused)
        for letter in done.events.letters:
            self.events.labels("dead_letter").inc(letter.offsets)
            self.dead_letters.labels(letter.reason).inc(letter.offsets)
        self.foreign_keys.inc(done.events.foreign_keys)
        self._errors(done)
        self.ranked.inc(done.hits.ranked)
        for scorer in SCORERS:
            self.hits.labels(scorer).inc(getattr(done.hits, scorer))
        if self._model.ranking is not None:
            self.recent_share.set(float(self._model.ranking.globals["pi"][0]))
        self.show_rmse()

    def _errors(self, done: InFlight) -> None:
        scored = (done.batch.what == RATING) & ~done.outcome.refused
        for cohort, chosen in (("warm", scored & ~done.outcome.cold), ("cold", scored & done.outcome.cold)):
            self.scored.labels(cohort).inc(int(chosen.sum()))
            for predictor in PREDICTORS:
                error = (done.batch.rating - getattr(done.outcome, predictor))[chosen]
                # Not ``error @ error``: that is BLAS, whose second thread then spins until the next commit.
                self.squared_error.labels(predictor, cohort).inc(float(np.square(error).sum()))
        error = np.abs(done.batch.rating - done.outcome.model)[scored, None]
        for band, held in zip(BANDS, (error <= done.outcome.bands[scored]).sum(axis=0), strict=True):
            self.in_band.labels(band).inc(int(held))

    def show_rmse(self) -> None:
        """The RMSE gauges, from the model's globals."""
        shared = self._model.shared
        scored, recent = float(shared["scored"].sum()), float(shared["recent_weight"])
        if scored == 0:
            return
        for j, predictor in enumerate(PREDICTORS):
            total = float(shared["squared_error"][2 * j : 2 * j + 2].sum())
            self.rmse.labels(predictor, "all").set(math.sqrt(total / scored))
            late = float(shared["recent_squared_error"][j])
            self.rmse.labels(predictor, "recent").set(math.sqrt(late / recent))

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
