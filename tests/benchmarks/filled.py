"""A broker with a topic that holds the whole backlog."""

from __future__ import annotations

from typing import Final

import click

from tests.benchmarks.backlog import backlog
from tests.benchmarks.bench import Bench
from worker.demo.run import Run
from worker.producer import produce
from worker.settings import Settings
from worker.topics import ensure_topic

PARTITIONS: Final = 4


def filled(bench: Bench, run: Run) -> Settings:
    """What leads to a started broker and its topic of ``bench.events`` ratings."""
    settings = Settings(kafka=bench.broker(run).bootstrap, session_timeout_seconds=6)
    ensure_topic(settings, PARTITIONS)
    click.echo(f"producing {bench.events:,} events …", err=True)
    produce(backlog(bench.events), settings)
    return settings
