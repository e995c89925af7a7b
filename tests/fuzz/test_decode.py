"""Any record is a valid event or a dead letter with a reason; decoding never raises."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.records import check_record
from tests.made_records import NOW, event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "user_id": st.sampled_from(["u", 7]) | JSON,
        "item_id": st.sampled_from(["i", 9]) | JSON,
        "rating": st.sampled_from([4.5, 1, None]) | JSON,
        "timestamp": st.sampled_from([NOW, NOW / 1000]) | JSON,
        "more": JSON,
    },
)
KEYS = st.none() | st.binary(max_size=12) | st.just(b"u" * 300)
TIMES = st.sampled_from([NOW, -1, 0, 2**62]) | st.integers(-(2**40), 2**62)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good event, some of whose bytes were cut out, put in, or turned."""
    value = bytearray(event())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(value)


VALUES = st.none() | st.binary(max_size=200) | damaged() | FIELDS.map(lambda f: json.dumps(f).encode())


@given(VALUES, KEYS, TIMES)
@example(b'{"user_id":"u","item_id":"i","rating":1e999,"timestamp":-0}', None, -1)
@example(b'{"user_id":"u","item_id":"i","rating":5,"":1}', None, 2**62)
@example(None, b" ", 2**62)
@example(b"[" * 100_000, b"u", NOW)
@example(b'{"a":' * 20_000, b"u", NOW)
@settings(max_examples=400, deadline=None)
def test_any_record_is_an_event_or_a_letter(value: bytes | None, key: bytes | None, time_ms: int) -> None:
    check_record(value, key, time_ms)
