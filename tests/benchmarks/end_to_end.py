"""A backlog learned from Kafka into the store, beside consume-and-drop of the same topic."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import click

from tests.benchmarks.backlog import backlog
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.learned import learn
from worker.demo.run import Run
from worker.demo.server import free_port
from worker.producer import produce
from worker.settings import Settings
from worker.topics import ensure_topic

ROUNDS: Final = 3
PARTITIONS: Final = 4
VARIANTS: Final[dict[str, dict[str, str]]] = {
    "defaults": {},
    "without_ranking": {"LFM_RANKING": "false"},
    "ratings_alone": {"LFM_RANKING": "false", "LFM_HISTORY": "0"},
}
"""What is learned beside the ratings, as settings."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Events a second from the first commit to the last, best of three; ``verify`` must pass."""
    events = bench.events
    with Run() as run:
        broker, store = bench.broker(run), bench.store(run)
        settings = Settings(kafka=broker.bootstrap, store=store.url, session_timeout_seconds=6)
        ensure_topic(settings, PARTITIONS)
        click.echo(f"producing {events:,} events …", err=True)
        produce(backlog(events), settings)
        learned: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
        dropped, columns = [], []
        for round_ in range(ROUNDS):
            env = {
                "LFM_KAFKA": settings.kafka,
                "LFM_STORE": settings.store,
                "LFM_SESSION_TIMEOUT_SECONDS": "6",
                "LFM_WORKER_PORT": str(free_port()),
                "LFM_GROUP": f"round-{round_}",
            }
            dropped.append(_consume_and_drop(run, env, events))
            columns.append(_consume_and_drop(run, env, events, "--columns"))
            for variant, changes in VARIANTS.items():
                own = env | changes | {"LFM_MODEL": f"{variant}-{round_}", "LFM_GROUP": f"{variant}-{round_}"}
                learned[variant].append(learn(run, own, settings, events))
                _verify(own)
            rates = {"dropped": dropped, "as columns": columns, **learned}
            shown = ", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in rates.items())
            click.echo(f"round {round_}: {shown}", err=True)
    for variant, rates_of in learned.items():
        name, best = f"end_to_end_{variant}", max(rates_of)
        yield Figure(name, best, "events/s", "consume and drop by the client as it is", max(dropped))
        yield Figure(name, best, "events/s", "consume and drop as columns", max(columns))


def _consume_and_drop(run: Run, env: dict[str, str], events: int, *options: str) -> float:
    output = run.directory / f"dropped-{env['LFM_GROUP']}-{len(options)}"
    argv = [sys.executable, "-m", "tests.benchmarks.consume_and_drop", str(events), *options]
    process = run.start("drop", argv, env={**env, "LFM_GROUP": env["LFM_GROUP"] + "-drop"}, output=output)
    process.wait()
    return float(output.read_text())


def _verify(env: dict[str, str]) -> None:
    import os

    argv = [
        sys.executable,
        "-m",
        "worker.cli",
        "verify",
        "--kafka",
        env["LFM_KAFKA"],
        "--store",
        env["LFM_STORE"],
    ]
    subprocess.run(
        [*argv, "--model", env["LFM_MODEL"]], check=True, env=os.environ, stdout=subprocess.DEVNULL
    )
