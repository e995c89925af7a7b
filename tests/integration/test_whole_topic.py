"""A topic is read from anywhere to anywhere, as often as one likes, by one consumer."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from kafka import KafkaProducer

from worker.source import whole_topic
from worker.source.records import Records
from worker.source.whole_topic import WholeTopic

ENDS = {0: 40, 1: 25, 2: 1}
MOST_OF_A_POLL = 10_000


def offsets(parts: Iterable[Records]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for records in parts:
        found.setdefault(records.partition, []).extend(records.offsets.tolist())
    return found


def produce(broker: str, topic: str, ends: dict[int, int]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker)
    for partition, n in ends.items():
        for number in range(n):
            producer.send(topic, value=b"%d" % number, partition=partition)
    producer.flush()
    producer.close()


def test_it_is_read_again_from_elsewhere_and_partition_by_partition(broker: str, topic: str) -> None:
    produce(broker, topic, ENDS)
    none = dict.fromkeys(ENDS, 0)
    whole = {p: list(range(end)) for p, end in ENDS.items()}
    with WholeTopic(broker, topic) as read:
        assert offsets(read.read(none, ENDS)) == whole
        assert offsets(read.read(none, ENDS)) == whole
        assert offsets(read.read({0: 7, 1: 20}, {0: 30, 1: 25})) == {0: [*range(7, 30)], 1: [*range(20, 25)]}
        streams = read.streams(none, ENDS)
        for p in (1, 0, 2):
            assert offsets(streams[p]) == {p: whole[p]}
        assert offsets(read.read(none, ENDS)) == whole


def test_a_partition_that_one_poll_does_not_empty_goes_on_after_another_was_read_to_its_end(
    broker: str, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_topic, "SILENCE_SECONDS", 5.0)
    ends = {0: 2 * MOST_OF_A_POLL + 1, 1: 1}
    produce(broker, topic, ends)
    with WholeTopic(broker, topic) as read:
        streams = read.streams(dict.fromkeys(ends, 0), ends)
        begun = offsets([next(streams[0])])
        assert offsets(streams[1]) == {1: [0]}
        assert begun[0] + offsets(streams[0])[0] == list(range(ends[0]))
