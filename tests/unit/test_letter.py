"""Dead letters: what is kept of an event, and how it is read back."""

import hashlib

import pytest

from worker.dead_letters.letter import REASONS, DeadLetter, Reason, cut, read_letter

LETTER = DeadLetter(
    reason="id",
    detail="user_id 'ü\\n' holds a control character",
    topic="ratings.eu",
    partition=3,
    offset=2**40,
    time_ms=-1,
    key=b"\xff\x00",
    value=b'{"user_id":"\\n"}',
    value_bytes=16,
    sha256="",
)


def replaced(**changes: object) -> DeadLetter:
    return DeadLetter(**{**{name: getattr(LETTER, name) for name in LETTER.__struct_fields__}, **changes})


def test_the_reasons_are_a_closed_set() -> None:
    assert set(REASONS) == {
        *("malformed", "type", "non_finite", "range", "id", "too_large", "schema", "future_time"),
        "undecodable",
    }


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize(("key", "value"), [(b"\xff\x00", b"\x80"), (None, None), (b"", b"")])
def test_a_letter_comes_back_from_the_outbox_as_it_was(
    reason: Reason, key: bytes | None, value: bytes | None
) -> None:
    letter = replaced(reason=reason, key=key, value=value)
    assert read_letter(letter.to_bytes()) == letter


def test_the_headers_say_where_the_event_lay_and_why_it_died() -> None:
    assert dict(LETTER.headers("films")) == {
        "lfm-model": b"films",
        "lfm-reason": b"id",
        "lfm-detail": "user_id 'ü\\n' holds a control character".encode(),
        "lfm-topic": b"ratings.eu",
        "lfm-partition": b"3",
        "lfm-offset": str(2**40).encode(),
        "lfm-offsets": b"1",
        "lfm-time-ms": b"-1",
        "lfm-value-bytes": b"16",
    }


def test_the_hash_of_a_value_that_was_cut_is_a_header() -> None:
    value = bytes(range(256)) * 2
    kept, sha256 = cut(value, 300)
    letter = replaced(value=kept, value_bytes=len(value), sha256=sha256)
    headers = dict(letter.headers("films"))
    assert kept == value[:300]
    assert headers["lfm-sha256"] == hashlib.sha256(value).hexdigest().encode()
    assert headers["lfm-value-bytes"] == b"512"


@pytest.mark.parametrize("value", [None, b"", b"x" * 300])
def test_a_value_within_the_limit_is_kept_whole_and_not_hashed(value: bytes | None) -> None:
    assert cut(value, 300) == (value, "")


def test_a_limit_of_zero_keeps_the_hash_alone() -> None:
    assert cut(b"value", 0) == (b"", hashlib.sha256(b"value").hexdigest())
