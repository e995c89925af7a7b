"""A backlog learned from Kafka into the store, beside consume-and-drop of the same topic."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import click

from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from tests.benchmarks.filled import filled
from tests.benchmarks.learned import learn, store_of_its_own
from worker.demo.run import Run
from worker.demo.server import free_port

ROUNDS: Final = 3
VARIANTS: Final[dict[str, dict[str, str]]] = {
    "defaults": {},
    "without_ranking": {"LFM_RANKING": "false"},
    "ratings_alone": {"LFM_RANKING": "false", "LFM_HISTORY": "0"},
}
"""What is learned beside the ratings, as settings."""


PEERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "kafka-python": {
        "consume and drop by the client as it is": ("tests.benchmarks.consume_and_drop",),
        "consume and drop as columns": ("tests.benchmarks.consume_and_drop", "--columns"),
    },
    "librdkafka": {
        "consume and drop by confluent-kafka": ("tests.benchmarks.consume_and_drop_librdkafka",),
        "the same as columns": ("tests.benchmarks.consume_and_drop_librdkafka", "--columns"),
    },
}
"""By the worker's source, what its client reads when nothing is learned: module and options."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Events a second from the first commit to the last, best of three; ``verify`` must pass."""
    return _measure(bench, "kafka-python", "end_to_end")


def measure_librdkafka(bench: Bench) -> Iterator[Figure]:
    """The same with the source librdkafka."""
    return _measure(bench, "librdkafka", "end_to_end_librdkafka")


def _measure(bench: Bench, source: str, title: str) -> Iterator[Figure]:
    events = bench.events
    with Run() as run:
        settings = filled(bench, run)
        learned: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
        dropped: dict[str, list[float]] = {peer: [] for peer in PEERS[source]}
        for round_ in range(ROUNDS):
            env = {
                "LFM_KAFKA": settings.kafka,
                "LFM_SESSION_TIMEOUT_SECONDS": "6",
                "LFM_SOURCE": source,
                "LFM_WORKER_PORT": str(free_port()),
                "LFM_GROUP": f"round-{round_}",
            }
            for peer, module in PEERS[source].items():
                dropped[peer].append(_consume_and_drop(run, env, events, *module))
            for variant, changes in VARIANTS.items():
                with store_of_its_own(bench, settings) as (apart, own):
                    name = f"{variant}-{round_}"
                    its = env | changes | {"LFM_STORE": own.store, "LFM_MODEL": name, "LFM_GROUP": name}
                    learned[variant].append(learn(apart, its, own, events))
                    verify(its)
            shown = ", ".join(f"{name} {rates[-1]:,.0f}/s" for name, rates in {**dropped, **learned}.items())
            click.echo(f"round {round_}: {shown}", err=True)
    for variant, rates in learned.items():
        for peer, peers_rates in dropped.items():
            yield Figure(f"{title}_{variant}", max(rates), "events/s", peer, max(peers_rates))


def _consume_and_drop(run: Run, env: dict[str, str], events: int, module: str, *options: str) -> float:
    output = run.directory / f"dropped-{env['LFM_GROUP']}-{len(options)}"
    argv = [sys.executable, "-m", module, str(events), *options]
    process = run.start("drop", argv, env={**env, "LFM_GROUP": env["LFM_GROUP"] + "-drop"}, output=output)
    process.wait()
    return float(output.read_text())


def verify(env: dict[str, str]) -> None:
    """Raise if the model is not what the topic says."""
    where = ("--kafka", env["LFM_KAFKA"], "--store", env["LFM_STORE"], "--model", env["LFM_MODEL"])
    argv = [sys.executable, "-m", "worker.cli", "verify", *where]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"verify ended with code {done.returncode}:\n{done.stdout}{done.stderr}")
