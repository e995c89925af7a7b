"""Streams that nobody would make up by hand: hypothesis's, of few users and items, over and over."""

from __future__ import annotations

from typing import Final

import numpy as np
from hypothesis import strategies as st

from lfm_online.batch import FORGET, RATING, RETRACTION
from tests.streams import HIGH, LOW, Event

FAR: Final = 10**18
"""Milliseconds: thirty million years, either way."""

RATINGS = st.one_of(st.sampled_from([LOW, HIGH]), st.floats(LOW, HIGH))
TIMES = st.one_of(st.sampled_from([-FAR, 0, FAR]), st.integers(-FAR, FAR), st.integers(0, 10**7))
WHATS = st.sampled_from([RATING] * 14 + [RETRACTION, FORGET])


@st.composite
def streams(draw: st.DrawFn, *, others: bool = True, times: st.SearchStrategy[int] = TIMES) -> list[Event]:
    """A pattern of up to 30 events, repeated up to 60 times; ``others``: with tombstones and retractions.

    Times of one repetition are those of the one before, or a constant step on, or back.
    """
    ids = st.integers(0, draw(st.integers(0, 6)))
    pattern = draw(
        st.lists(
            st.tuples(WHATS if others else st.just(RATING), ids, ids, RATINGS, times), min_size=1, max_size=30
        )
    )
    step = draw(st.sampled_from([0, 1, 3_600_000, -60_000]))
    return [
        Event(what, f"u{user}", f"i{item}", rating if what == RATING else np.nan, time_ms + step * turn, 0)
        for turn in range(draw(st.integers(1, 60)))
        for what, user, item, rating, time_ms in pattern
    ]
