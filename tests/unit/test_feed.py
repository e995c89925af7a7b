"""Feed entries: as fields of a stream, and linked to one another."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.store import feed
from lfm_online.store.protocol import NO_HEAD, FeedEntry, Head, Range

HEADS = st.builds(Head, st.binary(min_size=16, max_size=16), st.integers(0, 2**64 - 1))
RANGES = st.builds(Range, st.integers(0, 2**31), st.integers(0, 2**63), st.integers(0, 2**63))


@given(
    head=HEADS,
    previous=HEADS,
    ranges=st.lists(RANGES, max_size=5),
    items=st.lists(st.integers(0, 2**32 - 1), max_size=9),
    users=st.lists(st.integers(0, 2**64 - 1), max_size=9),
)
def test_an_entry_comes_back_from_its_fields(
    head: Head, previous: Head, ranges: list[Range], items: list[int], users: list[int]
) -> None:
    entry = FeedEntry(head, previous, tuple(ranges), np.array(items, np.uint32), np.array(users, np.uint64))
    read = feed.from_fields(feed.to_fields(entry))
    assert read[:3] == entry[:3]
    assert (read.items.tolist(), read.users.tolist()) == (items, users)


def test_a_head_comes_back_from_its_24_bytes_and_none_is_no_head() -> None:
    head = Head(bytes(range(16)), 258)
    assert head.to_bytes() == bytes(range(16)) + b"\2\1\0\0\0\0\0\0"
    assert Head.from_bytes(head.to_bytes()) == head
    assert Head.from_bytes(None) == NO_HEAD


def test_entries_link_up_only_from_the_very_head_they_name_to_the_very_head_they_lead_to() -> None:
    heads = [NO_HEAD, *(Head(bytes([n]) * 16, n) for n in range(1, 4))]
    none = np.zeros(0, np.uint32), np.zeros(0, np.uint64)
    entries = [FeedEntry(b, a, (), *none) for a, b in pairwise(heads)]
    assert feed.linked(heads[0], entries, heads[3]) is entries
    assert feed.linked(heads[3], [], heads[3]) == []
    assert feed.linked(heads[0], entries[1:], heads[3]) is None
    assert feed.linked(heads[0], [entries[0], entries[2]], heads[3]) is None
    assert feed.linked(heads[0], entries[:2], heads[3]) is None
    assert feed.linked(Head(b"\xff" * 16, 1), entries[1:], heads[3]) is None
