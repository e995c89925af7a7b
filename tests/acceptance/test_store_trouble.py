"""A live worker whose store gets into trouble: it waits and goes on, or stops and says why."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from kafka import KafkaConsumer, TopicPartition

from tests.acceptance.workers import PATIENCE_SECONDS, Play, address_of, ratings, until
from tests.commands import Command, StartCommand
from worker.demo.embedded import EmbeddedStore
from worker.demo.server import free_port


@pytest.fixture
def play(broker: str, fresh_store: EmbeddedStore, topic: str, process: StartCommand) -> Play:
    return Play(broker, fresh_store.url, topic, process)


@pytest.fixture
def worker(play: Play) -> Command:
    """One that has learned 200 ratings, of which none fills a history's chunk."""
    play.produce(ratings(200))
    started = play.worker()
    play.wait_learned(200, started)
    return started


def ended(worker: Command) -> str:
    """The log of a worker that gave up."""
    assert worker.wait(PATIENCE_SECONDS) == 1, worker.log
    return worker.log


def problems(worker: Command) -> str:
    return " ".join(httpx.get(f"{address_of(worker)}/readyz", timeout=30).json()["problems"])


def goes_on(play: Play, worker: Command, trouble: Callable[[], object], end: Callable[[], object]) -> None:
    """The worker waits for the end of a trouble, ready to be asked, and has then lost nothing."""
    trouble()
    play.produce(ratings(200, seed=2))
    until(lambda: "takes no writes now" in problems(worker), worker)
    assert httpx.get(f"{address_of(worker)}/livez", timeout=30).status_code == 200
    end()
    play.wait_learned(400, worker)
    until(lambda: not problems(worker), worker)
    play.verified(400)


def test_a_store_without_memory_is_waited_for(play: Play, worker: Command) -> None:
    goes_on(
        play,
        worker,
        lambda: play.client.config_set("maxmemory", "1mb"),
        lambda: play.client.config_set("maxmemory", "0"),
    )


def test_a_store_that_became_a_read_only_replica_is_waited_for(play: Play, worker: Command) -> None:
    goes_on(
        play,
        worker,
        lambda: play.client.replicaof("127.0.0.1", str(free_port())),
        lambda: play.client.replicaof("NO", "ONE"),
    )


def test_a_store_that_is_slow_is_waited_for(play: Play, worker: Command) -> None:
    play.client.client_pause(3000)  # milliseconds in which it answers nobody
    play.produce(ratings(200, seed=2))
    play.wait_learned(400, worker)
    assert "store" not in problems(worker)
    play.verified(400)


def test_scripts_that_are_flushed_are_not_missed(play: Play, worker: Command) -> None:
    play.client.script_flush()
    play.produce(ratings(200, seed=2))
    play.wait_learned(400, worker)
    play.verified(400)


def test_a_store_emptied_under_a_live_worker_stops_it(play: Play, worker: Command) -> None:
    until(lambda: _group_knows(play), worker)
    play.client.flushall()
    play.produce(ratings(200, seed=2))
    log = ended(worker)
    for words in (f"does not know model {play.model!r}", "LFM_STORE", "--new-model"):
        assert words in log
    assert play.client.dbsize() == 0, "nothing was written to a store that lost the model"
    worker = play.worker("--new-model")
    play.wait_learned(400, worker)
    play.verified(400)


def _group_knows(play: Play) -> bool:
    """Whether the group has a committed offset; without one a model may begin anew, from the beginning."""
    consumer = KafkaConsumer(bootstrap_servers=play.broker, group_id=play.model, enable_auto_commit=False)
    try:
        return any(consumer.committed(TopicPartition(play.topic, p)) for p in range(4))
    finally:
        consumer.close(autocommit=False)


def test_a_row_that_is_not_the_models_stops_a_worker_before_it_writes_anything(
    play: Play, worker: Command
) -> None:
    play.wait_drained(worker)
    row = play.client.get(play.key("u:u10"))
    play.produce(ratings(200, seed=2))
    for spoiled, words in (
        (row[:-1], "bytes, format 1"),
        (bytes([row[0] + 1]) + row[1:], "bytes, format 2"),
    ):
        play.client.set(play.key("u:u10"), spoiled)
        log = ended(play.worker())
        for each in ("user 'u10'", words, "LFM_MODEL"):
            assert each in log
        assert play.client.get(play.key("u:u10")) == spoiled
    play.client.set(play.key("u:u10"), row)
    worker = play.worker()
    play.wait_learned(400, worker)
    play.verified(400)


def test_a_value_of_a_foreign_type_stops_a_worker_before_it_writes_anything(
    play: Play, worker: Command
) -> None:
    play.wait_drained(worker)
    head = play.client.get(play.key("head"))
    marks = play.watermarks()
    # One commit that writes to each of the keys.
    play.produce([(b"u10", None), *ratings(200, seed=2), (b"x", b"not an event")], partition=0)
    for name in ("u:u10", "h:u10", "dead:0", "feed"):
        kept = play.key(name)
        there = play.client.exists(kept)
        if there:
            play.client.rename(kept, "aside")
        play.client.sadd(kept, "foreign")
        log = ended(play.worker())
        for each in (kept, "type set", "RENAME", "LFM_MODEL"):
            assert each in log
        assert (play.client.get(play.key("head")), play.watermarks()) == (head, marks)
        play.client.delete(kept)
        if there:
            play.client.rename("aside", kept)
