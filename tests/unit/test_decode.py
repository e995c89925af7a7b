"""Bytes to events: what is learned, and which reason each bad event gets."""

import json
from typing import Any

import pytest

from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.store.protocol import Range
from tests.made_records import DAY_MS, NOW, decode, event, raw, settings
from worker.dead_letters.letter import REASONS
from worker.decode import Decoder
from worker.settings import Settings
from worker.source.records import Records, holes, records_of, undecodable

BAD: dict[str, list[bytes]] = {
    "malformed": [
        b"",
        b"{",
        b"not json",
        b'{"user_id":"u"',
        event() + b"x",
        b"\xff" + event(),
        event(user_id="\xff").replace(b"\\u00ff", b"\xff"),
        raw("user_id", '"\\ud800"'),
        raw("extra", "[" * 20_000 + "]" * 20_000),
        raw("rating", "1."),
        raw("rating", "0x10"),
        raw("rating", "+1"),
        b"\xef\xbb\xbf" + event(),
    ],
    "type": [
        event(rating="4"),
        event(rating=True),
        event(rating=False),
        event(rating=[4]),
        event(rating={}),
        event(user_id=1.5),
        event(user_id=None),
        event(user_id=True),
        event(user_id=["u"]),
        event(item_id={"id": 1}),
        event(item_id=None),
        event(timestamp="2020-01-01"),
        event(timestamp=True),
        event(timestamp=[NOW]),
    ],
    "non_finite": [
        raw("rating", "NaN"),
        raw("rating", "Infinity"),
        raw("rating", "-Infinity"),
        raw("rating", "1e999"),
        raw("rating", "-1e999"),
        raw("timestamp", "NaN"),
        raw("timestamp", "1e999"),
        raw("timestamp", "-Infinity"),
    ],
    "range": [
        event(rating=0),
        event(rating=0.49999),
        event(rating=5.00001),
        event(rating=-3),
        event(rating=1e300),
        event(rating=10**25),
        event(timestamp=-(10**17)),
        event(timestamp=-1e30),
    ],
    "id": [
        event(user_id=""),
        event(item_id=""),
        event(user_id="a" * 257),
        event(user_id="a" * 300),
        event(item_id="ü" * 129),
        event(user_id="a\nb"),
        event(user_id="a\0b"),
        event(item_id="\x7f"),
        event(item_id="\x85"),
        event(item_id=10**256),
        event(user_id=-(10**300)),
    ],
    "too_large": [event(note="x" * 65_536), b"x" * 65_537],
    "schema": [
        b"{}",
        b"[]",
        b"1",
        b"null",
        b'"text"',
        b"[1,2,3]",
        b"[" * 50_000,
        event(user_id=...),
        event(item_id=...),
        event(rating=...),
    ],
    "future_time": [
        event(timestamp=NOW + DAY_MS + 1),
        event(timestamp=NOW * 1000),
        event(timestamp=1e300),
        event(timestamp=10**30),
    ],
}
CASES = [(reason, value) for reason, values in BAD.items() for value in values]


@pytest.mark.parametrize(("reason", "value"), CASES, ids=[f"{r}-{v[:40]!r}" for r, v in CASES])
def test_a_bad_event_gets_its_reason_and_the_good_ones_around_it_are_learned(
    reason: str, value: bytes
) -> None:
    events = decode(event(item_id="before"), value, event(item_id="after"))
    (letter,) = events.letters
    assert (letter.reason, letter.topic, letter.partition, letter.offset, letter.time_ms, letter.key) == (
        reason,
        "ratings",
        3,
        11,
        NOW,
        b"u",
    )
    assert letter.value == value[:16_384]
    assert letter.detail
    assert (list(events.items), events.offset.tolist()) == (["before", "after"], [10, 12])
    assert events.ranges == [Range(3, 10, 13)]


def test_every_reason_is_tried() -> None:
    assert {*BAD, "undecodable"} == set(REASONS)


@pytest.mark.parametrize(
    ("reason", "key"),
    [("id", b"\xff\xfe"), ("id", b""), ("id", b"a" * 257), ("id", b"a\nb"), ("malformed", None)],
)
def test_a_tombstone_that_names_no_user_is_a_dead_letter(reason: str, key: bytes | None) -> None:
    (letter,) = decode(None, key=key).letters
    assert (letter.reason, letter.key, letter.value, letter.value_bytes) == (reason, key, None, 0)


def test_an_event_without_a_time_takes_its_records() -> None:
    for value in (event(timestamp=...), event(timestamp=None)):
        assert decode(value).time_ms.tolist() == [NOW]
        (letter,) = decode(value, time_ms=-1).letters
        assert letter.reason == "schema"


def test_a_time_is_judged_by_the_records_own_and_never_by_the_clock() -> None:
    far = NOW * 5
    assert decode(event(timestamp=far), time_ms=far).time_ms.tolist() == [far]
    assert decode(event(timestamp=far), time_ms=-1).time_ms.tolist() == [far]
    assert decode(event(timestamp=NOW + DAY_MS)).letters == []
    assert decode(event(timestamp=NOW + 11), future_tolerance_seconds=0.01).letters[0].reason == "future_time"


def test_seconds_become_milliseconds() -> None:
    events = decode(event(timestamp=NOW // 1000), event(timestamp=1_600_000_000.25), time_unit="seconds")
    assert events.time_ms.tolist() == [NOW, 1_600_000_000_250]
    assert decode(event(timestamp=NOW), time_unit="seconds").letters[0].reason == "future_time"
    assert (
        decode(event(timestamp=NOW / 1000 + 86_401), time_unit="seconds").letters[0].reason == "future_time"
    )


def test_field_names_are_settings() -> None:
    names: dict[str, Any] = {
        "user_field": "userId",
        "item_field": "movieId",
        "rating_field": "stars",
        "time_field": "at",
    }
    value = {"userId": "U", "movieId": 7, "stars": 5, "at": 12, "user_id": None, "rating": "other"}
    events = decode(json.dumps(value).encode(), **names)
    assert (list(events.users), list(events.items), events.rating.tolist(), events.time_ms.tolist()) == (
        ["U"],
        ["7"],
        [5.0],
        [12],
    )
    (letter,) = decode(event(), **names).letters
    assert letter.reason == "schema"
    assert "userId" in letter.detail


def test_an_integer_id_is_its_decimal_text() -> None:
    ids = [0, -1, 7, 2**63, 2**64, 10**29, -(10**255) // 10]
    events = decode(*(event(user_id=row_id, item_id=row_id) for row_id in ids))
    assert events.users == events.items == [str(row_id) for row_id in ids]
    assert events.letters == []


def test_ids_of_256_bytes_are_allowed_whatever_their_characters() -> None:
    ids = ["a" * 256, "ü" * 128, "😀" * 64, " ", "a/b?c#d", "\u2028", "٣"]
    events = decode(*(event(user_id=row_id) for row_id in ids))
    assert (list(events.users), events.letters) == (ids, [])


def test_the_limits_of_the_range_are_inside_it() -> None:
    events = decode(event(rating=1), event(rating=10), event(rating=0.5), rating_range="1,10")
    assert events.rating.tolist() == [1.0, 10.0]
    assert "LFM_RATING_RANGE" in events.letters[0].detail


def test_a_retraction_and_a_tombstone_keep_their_place() -> None:
    events = decode(event(), event(rating=None), None, event(item_id="j"))
    assert events.what.tolist() == [RATING, RETRACTION, FORGET, RATING]
    assert (list(events.users), list(events.items)) == (["u"] * 4, ["i", "i", "", "j"])
    assert events.offset.tolist() == [10, 11, 12, 13]
    assert events.letters == []


def test_a_retraction_needs_a_good_id_and_time_too() -> None:
    events = decode(event(rating=None, user_id=""), event(rating=None, timestamp=NOW * 9))
    assert [letter.reason for letter in events.letters] == ["id", "future_time"]


def test_a_record_limit_counts_bytes() -> None:
    value = event(note="ü" * 10)
    assert decode(value, record_max_bytes=max(64, len(value))).letters == []
    (letter,) = decode(value, record_max_bytes=len(value) - 1).letters
    assert (letter.reason, letter.value_bytes) == ("too_large", len(value))


def test_records_keyed_by_something_else_are_counted_and_learned() -> None:
    values = [event(user_id=user) for user in ("a", "b", "ü", "c")]
    events = Decoder(settings()).decode(keyed([b"a", None, "ü".encode(), b"x"], values))
    assert (events.foreign_keys, len(events)) == (2, 4)
    # A key that holds a zero byte must not stand for two.
    made = keyed([b"a\0b", b""], [event(user_id="a"), event(user_id="b")])
    assert Decoder(settings()).decode(made).foreign_keys == 2


def keyed(keys: list[bytes | None], values: list[bytes]) -> Records:
    n = len(keys)
    return records_of(3, 10, range(10, 10 + n), [NOW] * n, keys, values)


def test_a_batch_that_cannot_be_decoded_becomes_one_letter_for_its_offsets() -> None:
    batch = undecodable(3, 10, 17, b"\xff" * 20_000, "its checksum is wrong")
    events = Decoder(Settings()).decode(batch)
    (letter,) = events.letters
    assert (letter.reason, letter.detail) == ("undecodable", "its checksum is wrong")
    assert (letter.partition, letter.offset, letter.offsets) == (3, 10, 7)
    assert (letter.value, letter.value_bytes) == (b"\xff" * 16_384, 20_000)
    assert (len(events), events.ranges) == (0, [Range(3, 10, 17)])


def test_offsets_without_a_record_are_passed() -> None:
    events = Decoder(Settings()).decode(holes(3, 10, 17))
    assert (len(events), list(events.letters), events.ranges) == (0, [], [Range(3, 10, 17)])
