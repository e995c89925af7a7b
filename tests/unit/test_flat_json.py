"""The compiled parser of events takes what the complete one takes, with the same values, or leaves it."""

import json
import math
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from lfm_online.batch import RATING
from lfm_online.flat_json import Names, parse_events
from tests.made_records import NOW, event, settings
from worker.decode_one import ID_MAX_BYTES, BadEventError, EventDecoder

NAMES = Names(["user_id", "item_id", "rating", "timestamp"])
SPACE = st.sampled_from(["", " ", "\t\r\n "])
TEXTS = st.sampled_from(['"u"', '""', '"a b"', '"\\u0041"', '"\\""', '"ü"', '"\x7f"', '"' + "a" * 257 + '"'])
WHOLE = st.integers().map(str) | st.sampled_from(["0", "-0", "007", "7.0", "7e0", "9" * 18, "9" * 19])
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.integers().map(str),
    st.from_regex(r"-?[0-9]{0,3}\.?[0-9]{0,3}([eE][+-]?[0-9]{0,3})?", fullmatch=True),
    st.sampled_from(
        ["null", "true", "NaN", "1e22", "1e23", "9007199254740993", "0.1e-22", "1.", ".5", "--1"]
    ),
)
OTHERS = st.sampled_from(["1", '"x"', "null", "true", "false", "tru", "[]", "{}", '"ü"', "01", "1.5e3"])


def taken(value: bytes) -> tuple[str, str, float, float] | None:
    """User, item, rating and time as the compiled parser has them; None if it leaves the event."""
    data = np.frombuffer(bytearray(value), np.uint8)
    size = np.array([len(value)])
    fields = parse_events(data, np.zeros(1, np.int64), size, NAMES, 65_536, ID_MAX_BYTES)
    if not fields.taken[0]:
        return None
    user, item = (
        value[b : b + n].decode() for b, n in zip(fields.begin[:, 0], fields.length[:, 0], strict=True)
    )
    return user, item, float(fields.numbers[0, 0]), float(fields.numbers[1, 0])


@st.composite
def objects(draw: Any) -> bytes:
    """Events, most of them of the usual form."""
    ids = TEXTS | WHOLE
    pairs = [
        ("user_id", draw(ids)),
        ("item_id", draw(ids)),
        ("rating", draw(NUMBERS)),
        *draw(st.lists(st.tuples(st.just("timestamp"), NUMBERS), max_size=1)),
        *draw(st.lists(st.tuples(st.sampled_from(["other", "rating", ""]), OTHERS), max_size=1)),
    ]
    body = ",".join(
        f"{draw(SPACE)}{json.dumps(name)}{draw(SPACE)}:{draw(SPACE)}{value}{draw(SPACE)}"
        for name, value in draw(st.permutations(pairs))
    )
    return f"{draw(SPACE)}{{{body}}}{draw(SPACE)}".encode()


@given(objects())
@example(event())
def test_what_is_taken_has_the_values_that_json_gives_it(value: bytes) -> None:
    found = taken(value)
    if found is None:
        return
    user, item, rating, time = found
    whole = json.loads(value)
    assert (user, item) == (str(whole["user_id"]), str(whole["item_id"]))
    for number, name in ((rating, "rating"), (time, "timestamp")):
        expected = whole.get(name)
        assert math.isnan(number) if expected is None else number == float(expected)


@given(objects())
def test_what_is_taken_is_what_the_complete_parser_takes(value: bytes) -> None:
    found = taken(value)
    decoder = EventDecoder(settings(rating_range="-1e9,1e9", future_tolerance_seconds=1e12))
    try:
        decoded = decoder.decode(b"u", value, NOW)
    except BadEventError as bad:
        refused: str = bad.reason
        decoded = None
    if decoded is None:
        # Ranges are not the parser's business.
        assert found is None or refused in ("range", "future_time")
    elif found is not None:
        assert found[:2] == (decoded.user, decoded.item)
        assert decoded.what != RATING or found[2] == decoded.rating


@given(st.binary(max_size=40), st.integers(0, 200))
def test_any_bytes_are_left_or_taken_whole(noise: bytes, cut: int) -> None:
    taken(noise)
    taken(event()[:cut] + noise)


def test_the_usual_form_is_taken() -> None:
    for value in (event(), event(user_id=7), event(rating=None), event(timestamp=...), event(note="x", n=1)):
        assert taken(value) is not None
    assert taken(b'{"rating":4,"item_id":"i/1","user_id":"a b","timestamp":1e3}') == (
        "a b",
        "i/1",
        4.0,
        1000.0,
    )


def test_what_is_unusual_is_left() -> None:
    for value in (
        event(user_id="ü"),
        event(item_id=1.5),
        event(rating="4"),
        event(x=[1]),
        event(rating=...),
        b"{}",
    ):
        assert taken(value) is None
