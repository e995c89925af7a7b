"""Dead letters on their way from the outbox to their topic, on a broker."""

import threading
import time
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.topics import create_topic
from worker.dead_letters.forwarder import Forwarder, KafkaPublisher
from worker.dead_letters.letter import DeadLetter
from worker.demo.embedded import EmbeddedBroker
from worker.demo.run import Run
from worker.demo.server import free_port
from worker.settings import Settings

PATIENCE_SECONDS = 60.0


def letter(offset: int, key: bytes | None, value: bytes | None) -> DeadLetter:
    return DeadLetter(
        reason="malformed",
        detail="why",
        topic="ratings",
        partition=1,
        offset=offset,
        time_ms=5,
        key=key,
        value=value,
        value_bytes=len(value or b""),
        sha256="",
    )


LETTERS = [letter(offset, b"k", b"%d" % offset) for offset in range(700)]
ODD = [letter(700, None, b"v"), letter(701, b"\xff", None), letter(702, None, None), letter(703, b"", b"")]


@pytest.fixture
def outbox() -> MemoryServer:
    return MemoryServer(
        dead={1: {each.offset: each.to_bytes() for each in [*LETTERS, *ODD]}, 2: {9: b"not ours"}}
    )


class Told:
    """What a forwarder tells, and its clock."""

    def __init__(self) -> None:
        self.forwarded = 0
        self.counts: list[tuple[int, int]] = []
        self.now = 0.0

    def forwarder(self, outbox: MemoryServer, publisher: KafkaPublisher) -> Forwarder:
        return Forwarder(
            MemoryStore(outbox),
            publisher,
            counted=lambda partition, letters: self.counts.append((partition, letters)),
            forwarded=self._forward,
            clock=self._clock,
        )

    def _forward(self, letters: int) -> None:
        self.forwarded += letters

    def _clock(self) -> float:
        self.now += 2.0
        return self.now


@pytest.fixture
def publisher(broker: str, topic: str) -> Iterator[KafkaPublisher]:
    made = KafkaPublisher(Settings(kafka=broker, dead_letter_topic=topic))
    yield made
    made.close()


def consumed(broker: str, topic: str, count: int) -> list[tuple[bytes | None, bytes | None, int]]:
    """Key, value and named offset of each record."""
    consumer = KafkaConsumer(bootstrap_servers=broker, consumer_timeout_ms=int(PATIENCE_SECONDS * 1000))
    partitions = [TopicPartition(topic, p) for p in range(4)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    records = [next(consumer) for _ in range(count)]
    consumer.close()
    return [(r.key, r.value, int(dict(r.headers)["lfm-offset"])) for r in records]


def test_letters_leave_the_outbox_once_the_broker_has_them(
    broker: str, topic: str, publisher: KafkaPublisher, outbox: MemoryServer
) -> None:
    told = Told()
    forwarder = told.forwarder(outbox, publisher)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while outbox.dead[1]:
        assert time.monotonic() < deadline, forwarder.trouble
        forwarder.step(frozenset({0, 1}))
    assert told.forwarded == len(LETTERS) + len(ODD)
    assert told.counts[:2] == [(0, 0), (1, len(LETTERS) + len(ODD))]
    assert outbox.dead[2] == {9: b"not ours"}, "another worker's partition"
    sent = {offset: (key, value) for key, value, offset in consumed(broker, topic, len(LETTERS) + len(ODD))}
    expected = {each.offset: (each.key, each.value) for each in [*LETTERS, *ODD]}
    # A client sends no record of neither key nor value: it goes as an empty value.
    assert sent == expected | {702: (None, b"")}


def test_a_letter_that_the_topic_does_not_take_holds_no_other_and_follows_once_it_is_let(
    broker: str, topic: str, real_servers: bool
) -> None:
    if not real_servers:
        pytest.skip("the embedded broker takes records of any size")
    limit = 2**20
    outbox = MemoryServer(dead={1: {n: letter(n, b"k", b"v").to_bytes() for n in range(9)}})
    outbox.dead[1][4] = letter(4, b"k", bytes(limit)).to_bytes()  # Kafka's limit is about that of a batch
    publisher = KafkaPublisher(Settings(kafka=broker, dead_letter_topic=topic, dead_letter_max_bytes=limit))
    forwarder = Told().forwarder(outbox, publisher)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while set(outbox.dead[1]) != {4} or "MessageSizeTooLarge" not in forwarder.trouble:
        assert time.monotonic() < deadline, forwarder.trouble
        forwarder.step(frozenset({1}))
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": str(2 * limit)})]
    )
    admin.close()
    while outbox.dead[1]:
        assert time.monotonic() < deadline, forwarder.trouble
        forwarder.step(frozenset({1}))
    publisher.close()
    assert sorted(offset for _, _, offset in consumed(broker, topic, 9)) == list(range(9))


def test_a_letter_as_large_as_the_settings_allow_is_sent(broker: str, topic: str, real_servers: bool) -> None:
    if real_servers:
        pytest.skip("see above: Kafka has a limit of its own")
    large = letter(0, bytes(2**20), bytes(2**20))
    outbox = MemoryServer(dead={1: {0: large.to_bytes()}})
    publisher = KafkaPublisher(Settings(kafka=broker, dead_letter_topic=topic, dead_letter_max_bytes=2**20))
    forwarder = Told().forwarder(outbox, publisher)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while outbox.dead[1]:
        assert time.monotonic() < deadline, forwarder.trouble
        forwarder.step(frozenset({1}))
    publisher.close()


def test_without_a_broker_letters_stay_in_the_outbox(
    outbox: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {partition: dict(letters) for partition, letters in outbox.dead.items()}
    publisher = KafkaPublisher(Settings(kafka=f"127.0.0.1:{free_port()}", topic="ratings"))
    forwarder = Told().forwarder(outbox, publisher)
    forwarder.step(frozenset({1}))
    assert forwarder.trouble
    assert outbox.dead == before
    forwarder.close()


def test_a_broker_that_went_away_with_letters_under_way_does_not_keep_the_worker_from_ending(
    run: Run, outbox: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.closing.CLOSE_SECONDS", 0.3)
    broker, threads = EmbeddedBroker(run, "broker-that-goes").start(), set(threading.enumerate())
    publisher = KafkaPublisher(Settings(kafka=broker.bootstrap, topic=create_topic(broker.bootstrap, 1)))
    publisher.send(LETTERS[0])
    broker.kill()
    publisher.send(LETTERS[0])
    publisher.close()
    assert set(threading.enumerate()) <= threads
