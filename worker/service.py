"""The learner as a process: its parts put together, started in order, and stopped without loss.

1. Kernels compile, before anything is asked of Kafka.
2. The watchdog watches; ``/metrics``, ``/livez`` and ``/readyz`` answer; not ready yet.
3. The model is opened: broker, topic and store must answer, and the settings fit.
4. The loop runs; ready.
5. SIGTERM or SIGINT: settle the commit in flight, leave the group, stop.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from types import FrameType
from typing import Final

from prometheus_client import CollectorRegistry

from lfm_online.model import Model
from lfm_online.prepare_learning import prepare_learning
from lfm_online.store.protocol import StoreAwayError
from worker.access import open_store
from worker.batch_size import BatchSize
from worker.checkpoint import Checkpoint
from worker.common_metrics import register_common
from worker.dead_letters.forwarder import Forwarder, KafkaPublisher
from worker.decode import Decoder
from worker.health import Health
from worker.http_health import health_app, serve_in_thread
from worker.membership import Membership
from worker.metrics import WorkerMetrics
from worker.model_opening import open_model
from worker.pipeline import Pipeline
from worker.rule_options import rule_of
from worker.settings import Settings
from worker.source.opening import open_source
from worker.source.protocol import Source, SourceAwayError
from worker.topic_guard import TopicGuard
from worker.watchdog import Watchdog

log = logging.getLogger(__name__)

SWITCH_SECONDS: Final = 0.0002
"""How long a thread keeps the interpreter while another waits for it. At Python's 5 ms the threads that
fetch and that send a commit stand in line behind the loop: 70 k events/s instead of 100 k."""
CAPACITY: Final = 1 << 17
"""Rows to make room for at once: zeroed memory takes none before it is touched, and growing copies."""
RETRY_SECONDS: Final = 0.5
GAUGE_SECONDS: Final = 0.5
"""Between two looks at lag and RMSE."""
DRAIN_TRIES: Final = 20
"""Half-second tries to settle the last commit before the process stops without its answer."""


class Service:
    """One worker process."""

    def __init__(self, settings: Settings) -> None:
        """Builds what needs no network."""
        self.settings = settings
        self.model = Model(
            rule_of(settings),
            settings.factors,
            history=settings.history,
            ranking=settings.ranking,
            capacity=CAPACITY,
        )
        self.registry = CollectorRegistry()
        self.metrics = WorkerMetrics(self.registry, self.model)
        self.health = Health(time.monotonic)
        register_common(
            self.registry,
            ready=lambda: not self.health.ready(),
            rows=lambda: {"user": len(self.model.users), "item": len(self.model.items)},
        )
        self.watchdog = Watchdog(settings.watchdog_seconds)
        self._stopping = threading.Event()
        self._looked_at = 0.0
        self._lag = 0  # records, of all partitions of this worker

    def run(self) -> None:
        """Learn until told to stop.

        Raises:
            MetaMismatchError, NewModelError, StoreBrokenError, SourceBrokenError, FormatError:
                what waiting would not mend; the message names the remedy.
        """
        s = self.settings
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # 1. Compile.
        prepare_learning(self.model.rule, ranking=s.ranking)
        # What is there by now stays. The rest is looked through as often as ever: dead letters under way are
        # cycles, and a worker that is sent nothing else grew by 100 MB in 450,000 of them.
        gc.enable()
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_SECONDS)
        # 2. Health.
        self.watchdog.start()
        app = health_app(self.watchdog.problems, self.health.ready, self.registry)
        server = serve_in_thread(
            app,
            s.worker_host,
            s.worker_port,
            setting="--worker-host, LFM_WORKER_HOST; --worker-port, LFM_WORKER_PORT",
        )
        try:
            log.info("metrics and health at %s", server.url)
            # 3. Open.
            with self._opened() as parts:
                # 4. Learn.
                if parts is not None:
                    self._loop(*parts)
        finally:
            server.stop()

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        log.info("%s: draining", signal.Signals(number).name)
        self._stopping.set()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[Pipeline, Forwarder] | None]:
        """The loop's parts, once broker, topic and store have answered; None if told to stop before."""
        s = self.settings
        with contextlib.ExitStack() as parts:
            store = parts.enter_context(contextlib.closing(open_store(s)))
            outboxes = parts.enter_context(contextlib.closing(open_store(s)))
            source: Source | None = None
            trouble = ""
            while not self._stopping.is_set():
                try:
                    if source is None:
                        source = parts.enter_context(contextlib.closing(open_source(s)))
                    meta = open_model(store, source, s)
                    break
                except (StoreAwayError, SourceAwayError) as error:
                    if str(error) != trouble:
                        log.warning("%s; tried again every %g s", error, RETRY_SECONDS)
                    trouble = str(error)
                    self.health.waiting_for(trouble)
                    self.watchdog.report(learned=0, waiting=False)
                    self._stopping.wait(RETRY_SECONDS)
            if source is None or self._stopping.is_set():
                yield None
                return
            log.info("model %r is open; waiting for partitions of %r in group %r", s.model, s.topic, s.group)
            checkpoint = Checkpoint(
                store,
                self.model,
                s.topic,
                feed_entries=s.feed_entries,
                new_id=lambda: os.urandom(16),
                user_rows=s.cache_mib * 2**20 // self.model.users.bytes_in_memory,
            )
            guard = TopicGuard(
                source,
                checkpoint,
                s.model,
                meta.topic_id,
                replaced=s.topic_replaced,
                gone=s.events_gone,
                told=self.metrics.topic_trouble,
            )
            pipeline = Pipeline(
                source,
                checkpoint,
                Decoder(s),
                self.metrics,
                BatchSize(s.commit_seconds, s.commit_events),
                guard,
                reopen=partial(open_model, store, source, s),
                outbox_limit=s.dead_letter_outbox,
                clock=time.monotonic,
                rng=random.Random(),
            )
            publisher = parts.enter_context(contextlib.closing(KafkaPublisher(s)))

            def counted(partition: int, letters: int) -> None:
                pipeline.outbox_changed(partition, letters)
                self.metrics.outbox.labels(str(partition)).set(letters)

            forwarder = Forwarder(
                outboxes,
                publisher,
                counted=counted,
                forwarded=self.metrics.forwarded.inc,
                clock=time.monotonic,
            )
            yield pipeline, forwarder

    def _loop(self, pipeline: Pipeline, forwarder: Forwarder) -> None:
        membership = Membership(self.settings, time.monotonic)
        while not self._stopping.is_set():
            pipeline.step()
            forwarder.step(pipeline.assigned)
            unassigned = membership.trouble(joined=pipeline.joined)
            self.health.stepped(pipeline.store_trouble or pipeline.source_trouble or unassigned)
            self._look(pipeline)
            self.watchdog.report(
                learned=sum(pipeline.checkpoint.watermarks.values()),
                waiting=self._lag > 0 and not pipeline.held_by,
            )
        # 5. Drain.
        for _ in range(DRAIN_TRIES):
            try:
                pipeline.drain()
                break
            except (StoreAwayError, SourceAwayError) as error:
                self.watchdog.report(learned=0, waiting=False)
                log.warning("the last commit is not settled: %s", error)
                time.sleep(RETRY_SECONDS)
        log.info("drained; learned %d ratings in all", int(self.model.shared["n"]))

    def _look(self, pipeline: Pipeline) -> None:
        """The gauges that cost too much for each step."""
        now = time.monotonic()
        if now - self._looked_at < GAUGE_SECONDS:
            return
        self._looked_at = now
        self.metrics.show_model()
        self._lag = 0
        # A partition of which nothing was learned yet is behind from its beginning on.
        marks = pipeline.checkpoint.beginnings | pipeline.checkpoint.watermarks
        for partition, end in pipeline.source.end_offsets().items():
            if partition in marks:
                lag = max(end - marks[partition], 0)
                self._lag += lag
                self.metrics.lag.labels(str(partition)).set(lag)
