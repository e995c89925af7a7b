"""The producer, against a broker."""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import ClusterAuthorizationFailedError, KafkaError, MessageSizeTooLargeError
from kafka.future import Future

from lfm_online.ratings_file import RatingsTable
from worker import producer, topics
from worker.cli import main
from worker.producer import ProduceError, produce
from worker.settings import Settings
from worker.topics import ensure_topic, is_compacted


def table(n: int, *, has_times: bool = True) -> RatingsTable:
    times = 1_600_000_000_123 + np.arange(n) if has_times else np.zeros(n, np.int64)
    users = [f"u/{place % 7} é" for place in range(n)]
    ratings = (np.arange(n) % 5 + 0.5).astype(np.float64)
    return RatingsTable(users, [str(place) for place in range(n)], ratings, times, has_times)


def consumed(broker: str, topic: str) -> list[Any]:
    """All records of the topic, each partition's in order."""
    consumer = KafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        while len(records) < sum(ends.values()):
            for batch in consumer.poll(timeout_ms=1000).values():
                records.extend(batch)
        return records
    finally:
        consumer.close()


def test_what_was_confirmed_is_in_the_topic_keyed_by_user_in_the_files_order(broker: str, topic: str) -> None:
    sent = table(1500)
    seen: list[int] = []
    confirmed = produce(sent, Settings(kafka=broker, topic=topic), on_progress=seen.append)

    assert confirmed.count == 1500
    assert seen == sorted(seen)
    assert seen[-1] == 1500
    items_of: dict[str, list[str]] = defaultdict(list)
    partitions_of: dict[bytes, set[int]] = defaultdict(set)
    for record in consumed(broker, topic):
        event = msgspec.json.decode(record.value)
        place = int(event["item_id"])
        assert event == {
            "user_id": sent.users[place],
            "item_id": str(place),
            "rating": sent.ratings[place],
            "timestamp": sent.times_ms[place],
        }
        assert record.key.decode() == event["user_id"]
        assert record.timestamp > 1_700_000_000_000, "the record's own time is the client's, not the rating's"
        items_of[event["user_id"]].append(event["item_id"])
        partitions_of[record.key].add(record.partition)
    assert all(len(partitions) == 1 for partitions in partitions_of.values())
    for user, items in items_of.items():
        assert items == [item for owner, item in zip(sent.users, sent.items, strict=True) if owner == user]


def test_events_have_the_settings_field_names_and_unit_of_time(broker: str, topic: str) -> None:
    settings = Settings(
        kafka=broker,
        topic=topic,
        user_field="userId",
        item_field="movieId",
        rating_field="stars",
        time_field="at",
        time_unit="seconds",
    )
    produce(table(1), settings)
    [record] = consumed(broker, topic)
    assert msgspec.json.decode(record.value) == {
        "userId": "u/0 é",
        "movieId": "0",
        "stars": 0.5,
        "at": 1_600_000_000,
    }


def test_a_table_without_times_makes_events_without_times(broker: str, topic: str) -> None:
    produce(table(1, has_times=False), Settings(kafka=broker, topic=topic))
    [record] = consumed(broker, topic)
    assert set(msgspec.json.decode(record.value)) == {"user_id", "item_id", "rating"}


def test_an_event_that_fails_ends_the_sending_and_is_told(
    broker: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producer, "_records", lambda *_: iter([(b"u", b"x"), (b"u", b"x" * 2_000_000)]))
    with pytest.raises(ProduceError, match="MessageSizeTooLargeError") as caught:
        produce(table(2), Settings(kafka=broker, topic=topic))
    assert (caught.value.confirmed, caught.value.failed) == (1, 1)
    assert isinstance(caught.value.first_error, MessageSizeTooLargeError)


def test_it_stops_when_told_even_while_the_next_event_is_not_yet_due(broker: str, topic: str) -> None:
    stop = threading.Event()
    looks: list[int] = []

    def look(confirmed: int) -> None:
        looks.append(confirmed)
        if len(looks) == 2:  # one is sent, the second is due in 1000 s
            stop.set()

    settings = Settings(kafka=broker, topic=topic)
    assert produce(table(9), settings, rate=0.001, on_progress=look, stop=stop).count == 1
    [record] = consumed(broker, topic)
    assert msgspec.json.decode(record.value)["item_id"] == "0"


def test_a_broker_that_refuses_idempotence_gets_the_events_without_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(producer, "KafkaProducer", RefusesIdempotence)
    assert produce(table(5), Settings()).count == 5
    assert "refuses idempotent producers" in caplog.text


class RefusesIdempotence:
    """Stands in for the client on a cluster that grants no producer ids."""

    def __init__(self, *, enable_idempotence: bool, **_: object) -> None:
        self._refuses = enable_idempotence

    def send(self, topic: str, *, key: bytes, value: bytes) -> Future:
        refusal = ClusterAuthorizationFailedError("The producer is not authorized to do idempotent sends")
        return Future().failure(refusal) if self._refuses else Future().success(None)

    def flush(self) -> None: ...

    def close(self) -> None: ...


def test_a_topic_is_created_once_and_keeps_its_partitions(broker: str) -> None:
    name = f"made-{uuid.uuid4().hex}"
    assert ensure_topic(Settings(kafka=broker, topic=name), 3)
    assert not ensure_topic(Settings(kafka=broker, topic=name), 5)
    consumer = KafkaConsumer(bootstrap_servers=broker)
    try:
        assert consumer.partitions_for_topic(name) == {0, 1, 2}
    finally:
        consumer.close()


def test_the_command_makes_the_topic_sends_the_file_and_tells_the_count(broker: str, tmp_path: Path) -> None:
    name = f"sent-{uuid.uuid4().hex}"
    file = tmp_path / "ratings.csv"
    file.write_text("userId,movieId,rating,timestamp\n" + "".join(f"u,{n},4.0,964982703\n" for n in range(9)))
    options = ["--kafka", broker, "--topic", name, "--rate", "1000"]

    result = CliRunner().invoke(main, ["produce", str(file), *options], catch_exceptions=False)

    assert result.exit_code == 0
    assert result.stdout.startswith("9 events confirmed by the broker in ")
    records = consumed(broker, name)
    assert [msgspec.json.decode(record.value)["item_id"] for record in records] == [str(n) for n in range(9)]


def test_a_broker_that_does_not_answer_is_told_after_the_time_that_a_first_answer_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings(kafka="127.0.0.1:1")
    asked: list[tuple[ModuleType, Callable[[], object]]] = [
        (topics, partial(ensure_topic, settings, 1)),
        (topics, partial(is_compacted, settings)),
        (producer, partial(produce, table(1), settings)),
    ]
    for module, ask in asked:
        monkeypatch.setattr(module, "BOOTSTRAP_MS", 300)
        began = time.monotonic()
        with pytest.raises(KafkaError):
            ask()
        assert time.monotonic() - began < 5, ask


def test_the_command_names_the_bad_line_before_it_sends_anything(tmp_path: Path) -> None:
    file = tmp_path / "ratings.csv"
    file.write_text("user,item,rating\nu,i,4\nu,i,four\n")
    result = CliRunner().invoke(main, ["produce", str(file), "--kafka", "127.0.0.1:1"])
    assert result.exit_code == 1
    assert "ratings.csv, line 3: rating is 'four'; allowed: a finite number" in result.stderr
