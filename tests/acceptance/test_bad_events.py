"""Bad events between good ones: the good are learned, the bad arrive in the dead-letter topic."""

import hashlib
import json
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from lfm_online.layout import HEADER
from tests.acceptance.workers import Play, rating_bytes, until
from tests.commands import StartCommand
from tests.feed_replay import check_rows_follow_the_feed
from worker.dead_letters.letter import REASONS

FUTURE_MS = 10**13
LARGE = b"x" * 70_000
CUT_BYTES = 16_384

BAD: list[tuple[str, bytes | None, bytes | None]] = [
    ("malformed", b"a", b'{"user_id": '),
    ("malformed", b"a", b""),
    ("malformed", b"a", b'{"user_id": "\xff"}'),
    ("type", b"a", rating_bytes("a", "i", True)),
    ("type", b"a", rating_bytes(1.5, "i", 3)),
    ("non_finite", b"a", rating_bytes("a", "i", float("nan"))),
    ("non_finite", b"a", rating_bytes("a", "i", 3).replace(b": 3", b": 1e999")),
    ("range", b"a", rating_bytes("a", "i", 5.5)),
    ("id", b"a", rating_bytes("", "i", 3)),
    ("id", None, rating_bytes("a", "b" * 300, 3)),
    ("id", b"\xff\xfe", None),
    ("too_large", b"a", LARGE),
    ("schema", b"a", b'{"user_id": "a", "rating": 3}'),
    ("future_time", b"a", rating_bytes("a", "i", 3, FUTURE_MS)),
]


def dead_letters(play: Play, count: int) -> list[Any]:
    """So many records of the dead-letter topic."""
    consumer = KafkaConsumer(bootstrap_servers=play.broker, auto_offset_reset="earliest")
    name = f"{play.topic}.dead-letters"
    found: list[Any] = []

    def read() -> bool:
        partitions = {TopicPartition(name, p) for p in consumer.partitions_for_topic(name) or ()}
        if partitions != consumer.assignment():
            consumer.assign(sorted(partitions))
            consumer.seek_to_beginning(*partitions)
        for records in consumer.poll(timeout_ms=100).values() if partitions else ():
            found.extend(records)
        return len(found) >= count

    until(read)
    consumer.close()
    return found


def test_a_bad_event_of_every_reason_becomes_a_dead_letter_and_stops_nothing(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    play = Play(broker, store, topic, process)
    assert {reason for reason, _, _ in BAD} == set(REASONS) - {"undecodable"}
    records: list[tuple[bytes | None, bytes | None]] = []
    for number, (_, key, value) in enumerate(BAD):
        records += [(b"good", rating_bytes("good", f"i{number}", 3.5)), (key, value)]
    records += [
        # In one batch: what lies before the tombstone is forgotten, what lies behind it counts.
        *((b"back", rating_bytes("back", item, 5)) for item in ("i1", "i2")),
        (b"back", None),
        (b"back", rating_bytes("back", "i3", 1)),
        (b"gone", rating_bytes("gone", "i1", 2)),
        (b"gone", None),
        # A rating taken back, and integers for ids.
        (b"sorry", rating_bytes("sorry", "i1", 2)),
        (b"sorry", rating_bytes("sorry", "i1", None)),
        (b"7", rating_bytes(7, 10**29, 4)),
    ]
    play.produce(records, partition=2)
    worker = play.worker()
    play.wait_learned(len(records), worker)

    found = sorted(dead_letters(play, len(BAD)), key=lambda record: int(dict(record.headers)["lfm-offset"]))
    assert len(found) == len(BAD)
    for number, (record, (reason, key, value)) in enumerate(zip(found, BAD, strict=True)):
        headers = dict(record.headers)
        assert headers["lfm-reason"].decode() == reason
        assert headers["lfm-topic"].decode() == topic
        assert (headers["lfm-partition"], headers["lfm-offset"]) == (b"2", str(2 * number + 1).encode())
        assert headers["lfm-detail"]
        assert int(headers["lfm-time-ms"]) > 1_600_000_000_000
        assert int(headers["lfm-value-bytes"]) == len(value or b"")
        assert (record.key, record.value) == (key, value[:CUT_BYTES] if value is not None else None)
        if value is LARGE:
            assert headers["lfm-sha256"].decode() == hashlib.sha256(LARGE).hexdigest()
    until(lambda: play.client.hlen(play.key("dead:2")) == 0, worker)

    code, report = play.verify()
    assert (code, report["events"], report["dead_letters"]) == (0, len(records) - len(BAD), len(BAD)), report
    counts = {}
    for user in ("good", "back", "gone", "sorry", "7", "a"):
        row = play.client.get(play.key(f"u:{user}"))
        header = np.frombuffer(row[: HEADER.itemsize], HEADER)[0] if row else None
        counts[user] = None if header is None else (int(header["events"]), int(header["ratings"]))
    assert counts == {
        "good": (len(BAD), len(BAD)),
        "back": (1, 1),
        "gone": None,
        "sorry": (2, 1),
        "7": (1, 1),
        "a": None,
    }
    assert play.client.get(play.key(f"i:{10**29}"))
    assert json.loads(play.client.get(play.key("meta")) or b"")["topic"] == topic
    check_rows_follow_the_feed(broker, store, play.model)
    play.wait_drained(worker)
