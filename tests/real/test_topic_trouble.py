"""What a worker does when the log is no longer the one that it learned from, on Apache Kafka."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from tests.acceptance.workers import PATIENCE_SECONDS, Play, metric, rating_bytes, ratings, until
from tests.commands import Command, StartCommand
from tests.contracts.sources import CLIENTS
from tests.servers.kafka import RealKafka
from tests.topics import create_topic, make_anew
from worker.demo.run import Run


@pytest.fixture(params=CLIENTS)
def source(request: pytest.FixtureRequest) -> str:
    """What the workers read by."""
    return str(request.param)


@pytest.fixture
def play(broker: str, store: str, topic: str, process: StartCommand, source: str) -> Play:
    made = Play(broker, store, topic, process)
    made.source = source
    return made


@pytest.fixture
def admin(broker: str) -> Iterator[Any]:
    client = KafkaAdminClient(bootstrap_servers=broker)
    yield client
    client.close()


def ended(worker: Command) -> str:
    """The log of a worker that gave up."""
    assert worker.wait(PATIENCE_SECONDS) == 1, worker.log
    return worker.log


def send_anew(play: Play, records: list[tuple[bytes, bytes]], partition: int | None = None) -> None:
    """By a producer that knows the log as it is now."""
    producer = KafkaProducer(bootstrap_servers=play.broker)
    for key, value in records:
        producer.send(play.topic, key=key, value=value, partition=partition)
    producer.close()


def rows_events(play: Play) -> int:
    """Events that the users' rows have counted."""
    users = play.client.scan_iter(play.key("u:*").replace("{", "\\{"), count=1000)
    return sum(int.from_bytes(play.client.get(name)[4:8], "little") for name in users)


def test_a_topic_made_anew_stops_a_worker_that_starts_and_one_that_runs(play: Play, admin: Any) -> None:
    play.produce(ratings(300))
    worker = play.worker()
    play.wait_learned(300, worker)
    make_anew(admin, play.topic)
    log = ended(worker)
    assert "was deleted and made anew" in log
    assert "LFM_TOPIC_REPLACED=continue" in log
    assert play.learned() == 300
    log = ended(play.worker())
    assert "was deleted and made anew" in log
    assert rows_events(play) == 300


def test_told_to_go_on_a_model_learns_the_new_topic_from_its_beginning(play: Play, admin: Any) -> None:
    play.produce(ratings(300))
    workers = [play.worker("--topic-replaced", "continue") for _ in range(2)]
    play.wait_learned(300, *workers)
    until(lambda: all(metric(worker, "lfm_assigned_partitions") > 0 for worker in workers), *workers)
    make_anew(admin, play.topic)
    send_anew(play, ratings(500, seed=2))
    until(lambda: rows_events(play) == 800, *workers)
    assert play.learned() == 500
    assert sum(metric(worker, 'lfm_topic_troubles_total{trouble="replaced"}') for worker in workers) == 1
    for worker in workers:
        play.wait_drained(worker)
    # A worker that starts later takes it as it is.
    worker = play.worker()
    send_anew(play, ratings(10, seed=3))
    play.wait_learned(510, worker)


def test_events_that_retention_took_are_counted_by_partition(play: Play, admin: Any) -> None:
    play.produce(ratings(40), partition=1)
    play.produce(ratings(40), partition=2)
    worker = play.worker()
    play.wait_learned(80, worker)
    play.wait_drained(worker)
    play.produce(ratings(20, seed=2), partition=1)
    play.produce(ratings(20, seed=3), partition=2)
    admin.delete_records({TopicPartition(play.topic, 1): 47, TopicPartition(play.topic, 2): 60})
    log = ended(play.worker())
    assert "offsets gone: 7 in partition 1 (up to 46), 20 in partition 2 (up to 59)" in log
    assert "LFM_EVENTS_GONE=continue" in log
    assert play.learned() == 80
    worker = play.worker("--events-gone", "continue")
    until(lambda: play.learned() == 120, worker)
    assert rows_events(play) == 80 + 13
    assert metric(worker, "lfm_events_gone_total") == 27
    play.produce(ratings(5, seed=4), partition=2)
    until(lambda: rows_events(play) == 98, worker)


def test_partitions_that_are_added_are_learned_and_told(play: Play, admin: Any) -> None:
    play.produce(ratings(100))
    worker = play.worker()
    play.wait_learned(100, worker)
    admin.create_partitions({play.topic: 6})
    until(lambda: "partitions were added: [4, 5]" in worker.log, worker)
    send_anew(play, ratings(50, seed=2), 5)
    play.wait_learned(150, worker)
    assert metric(worker, 'lfm_topic_troubles_total{trouble="partitions_added"}') == 1
    play.verified(150)


def test_markers_of_transactions_and_compacted_offsets_are_no_lost_events(play: Play, admin: Any) -> None:
    worker = play.worker()
    producer = KafkaProducer(bootstrap_servers=play.broker, transactional_id=play.topic)
    producer.init_transactions()
    for seed, end in ((1, producer.commit_transaction), (2, producer.abort_transaction)):
        producer.begin_transaction()
        for key, value in ratings(30, seed=seed):
            producer.send(play.topic, key=key, value=value, partition=0)
        producer.flush()
        end()
    producer.close()
    # 30 events, a marker, 30 that were taken back, a marker: all passed, though the last record is the 30th.
    until(lambda: play.watermarks() == {0: 62}, worker)
    until(lambda: metric(worker, "lfm_lag_events") == 0, worker)
    assert rows_events(play) == 30
    play.wait_drained(worker)
    # Retention may take all of it: nothing that was not learned is gone.
    admin.delete_records({TopicPartition(play.topic, 0): 62})
    worker = play.worker()
    play.produce(ratings(5, seed=3), partition=0)
    play.wait_learned(67, worker)


@pytest.fixture
def own_kafka(run: Run) -> Iterator[RealKafka]:
    """A Kafka of the test's own, whose log is damaged."""
    server = RealKafka(run, f"damaged-kafka-{time.monotonic_ns()}").start()
    yield server
    server.kill()


def test_a_log_that_lost_its_end_stops_the_worker_or_is_learned_on_from_there(
    own_kafka: RealKafka, store: str, process: StartCommand, source: str
) -> None:
    topic = create_topic(own_kafka.bootstrap, 4)
    play = Play(own_kafka.bootstrap, store, topic, process)
    play.source = source
    segment = own_kafka.directory / f"{topic}-0" / f"{0:020}.log"
    play.produce(ratings(25, seed=1), partition=0)
    kept = segment.stat().st_size
    play.produce(ratings(40, seed=2), partition=0)
    worker = play.worker()
    play.wait_learned(65, worker)
    play.wait_drained(worker)
    own_kafka.stop()
    os.truncate(segment, kept)
    own_kafka.start()
    log = ended(play.worker())
    assert "was cut: partition 0 ends at 25, learned up to 65" in log
    assert "LFM_TOPIC_REPLACED=continue" in log
    worker = play.worker("--topic-replaced", "continue")
    until(lambda: play.watermarks() == {0: 25}, worker)
    send_anew(play, ratings(10, seed=3), 0)
    play.wait_learned(35, worker)
    assert rows_events(play) == 75
    assert metric(worker, 'lfm_topic_troubles_total{trouble="cut"}') == 1


def test_a_damaged_batch_stops_the_worker_or_becomes_one_dead_letter(
    own_kafka: RealKafka, store: str, process: StartCommand, source: str
) -> None:
    topic = create_topic(own_kafka.bootstrap, 4)
    play = Play(own_kafka.bootstrap, store, topic, process)
    play.source = source
    play.produce(ratings(25, seed=1), partition=0)
    play.produce([(b"u", rating_bytes("DAMAGED", f"i{j}", 3)) for j in range(3)], partition=0)
    play.produce(ratings(40, seed=2), partition=0)
    play.produce(ratings(30, seed=3), partition=1)
    own_kafka.stop()
    segment = own_kafka.directory / f"{topic}-0" / f"{0:020}.log"
    data = bytearray(segment.read_bytes())
    at = data.index(b"DAMAGED")
    data[at] ^= 0x20
    segment.write_bytes(data)
    own_kafka.start()
    log = ended(play.worker())
    assert "offsets 25 to" in log
    assert "its checksum is wrong" in log
    assert "LFM_UNDECODABLE=continue" in log
    worker = play.worker("--undecodable", "continue")
    play.wait_learned(98, worker)
    dead = int(metric(worker, 'lfm_dead_letters_total{reason="undecodable"}'))
    assert 3 <= dead < 98
    assert rows_events(play) == 98 - dead
    code, report = play.verify()
    assert (code, report["events"], report["dead_letters"]) == (0, 98 - dead, dead), report
