"""Servers with a topic that holds the whole backlog."""

from __future__ import annotations

from typing import Final

import click

from tests.benchmarks.backlog import backlog
from tests.benchmarks.bench import Bench
from worker.demo.embedded import EmbeddedStore
from worker.demo.run import Run
from worker.producer import produce
from worker.settings import Settings
from worker.topics import ensure_topic

PARTITIONS: Final = 4


def filled(bench: Bench, run: Run) -> tuple[Settings, EmbeddedStore]:
    """What leads to started servers and their topic of ``bench.events`` ratings; and the store."""
    broker, store = bench.broker(run), bench.store(run)
    settings = Settings(kafka=broker.bootstrap, store=store.url, session_timeout_seconds=6)
    ensure_topic(settings, PARTITIONS)
    click.echo(f"producing {bench.events:,} events …", err=True)
    produce(backlog(bench.events), settings)
    return settings, store
