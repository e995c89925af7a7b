"""An event is decoded alike whatever batch it comes in, on the fast path and on the slow one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.made_records import DAY_MS, NOW, event, records, settings
from worker.decode import Decoder
from worker.events import Events

NOT_AN_EVENT = b"?"
ID = st.one_of(
    st.sampled_from(["a", "", "ü" * 64, "ü" * 100, "a" * 256, "a" * 257, "\x80", "\n", "😀"]),
    st.text(max_size=4),
    st.integers(),
    st.sampled_from([None, True, 1.5, 10**40]),
)
NUMBER = st.one_of(
    st.sampled_from([0.5, 5, 4.999, 0, 5.01, 10**25, 1e308, -1, True, None, "3"]),
    st.floats(allow_nan=True),
    st.integers(),
)
TIME = st.one_of(
    st.sampled_from(
        [NOW, NOW + DAY_MS, NOW + DAY_MS + 0.5, NOW + DAY_MS + 1, 0, -1.5, None, 1e18, -1e18, 2**53]
    ),
    st.integers(),
    st.floats(),
)
VALUE = st.one_of(
    st.builds(event, user_id=ID, item_id=ID, rating=NUMBER, timestamp=TIME),
    st.builds(event, user_id=st.sampled_from(["u", 3]), timestamp=st.sampled_from([NOW, 0.7, None, ...])),
    st.sampled_from([None, b"", b"{}", b"[]", NOT_AN_EVENT, event(rating=None), event(note="x" * 70_000)]),
    st.binary(max_size=20),
)


def columns(events: Events) -> tuple[Any, ...]:
    return (
        events.what.tolist(),
        events.users,
        events.items,
        np.where(np.isnan(events.rating), -1.0, events.rating).tolist(),
        events.time_ms.tolist(),
        events.partition.tolist(),
        events.offset.tolist(),
        events.record_ms.tolist(),
        events.foreign_keys,
        list(events.ranges),
        list(events.letters),
    )


@given(
    st.lists(VALUE, min_size=1, max_size=4),
    st.sampled_from([NOW, 0, -1]),
    st.sampled_from(["milliseconds", "seconds"]),
)
def test_an_event_is_decoded_alike_whatever_it_comes_with(
    values: Sequence[bytes | None], time_ms: int, unit: str
) -> None:
    """The ledger is computed again in other batches: one bad event must not change how a good one is read."""
    decoder = Decoder(settings(time_unit=unit))
    alone = [decoder.decode(records(value, first=10 + j, time_ms=time_ms)) for j, value in enumerate(values)]
    beside = decoder.decode(records(*values, NOT_AN_EVENT, time_ms=time_ms))
    together = decoder.decode(records(*values, time_ms=time_ms))
    assert columns(together)[:9] == columns(beside)[:9]
    assert together.letters == beside.letters[:-1]
    for place in range(8):
        joined = [entry for part in alone for entry in columns(part)[place]]
        assert joined == columns(together)[place]
    assert [letter for part in alone for letter in part.letters] == together.letters
    assert len(together) + len(together.letters) == len(values)
