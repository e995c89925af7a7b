"""Users' histories: rings of slots in the store."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lfm_online import history
from lfm_online.store.protocol import HistoryRuns
from tests.naive import Ring
from tests.streams import HIGH, LOW, new_model

# (user, item number, rating in half stars), and after how many of them a batch ends
RATINGS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2**31 - 1), st.integers(1, 10)), max_size=40)
CUTS = st.sets(st.integers(0, 40))


def _apply(values: dict[str, bytes], runs: HistoryRuns) -> None:
    """What SETRANGE does."""
    at = 0
    for r, length in enumerate(runs.id_lengths):
        user = runs.ids[at : at + length].tobytes().decode()
        at += int(length)
        slots = runs.slots[runs.starts[r] : runs.starts[r + 1]].tobytes()
        offset = int(runs.offsets[r])
        old = values.get(user, b"").ljust(offset, b"\0")
        values[user] = old[:offset] + slots + old[offset + len(slots) :]


@given(ratings=RATINGS, cuts=CUTS, size=st.integers(1, 12))
def test_rings_hold_what_their_twins_hold_and_read_back_in_order(
    ratings: list[tuple[int, int, int]], cuts: set[int], size: int
) -> None:
    users = new_model().users
    names = ["ada", "böb", "c"]
    users.numbers(names)
    twins = {name: Ring(size) for name in names}
    values: dict[str, bytes] = {}
    given_to: dict[str, list[tuple[int, float]]] = {name: [] for name in names}
    edges = sorted({0, len(ratings)} | {cut for cut in cuts if cut < len(ratings)})
    for start, stop in pairwise(edges):
        part = ratings[start:stop]
        codes = history.rating_codes(np.array([r / 2 for _, _, r in part]), LOW, HIGH)
        ordinals = []
        for (u, item, r), code in zip(part, codes, strict=True):
            ordinals.append(twins[names[u]].n)
            twins[names[u]].append(item, int(code))
            given_to[names[u]].append((item, r / 2))
        columns = (np.array([u for u, _, _ in part], np.int32), np.array(ordinals, np.uint32))
        items = np.array([item for _, item, _ in part], np.int32)
        _apply(values, history.runs(users, *columns, items, codes, size))
    for name, twin in twins.items():
        assert values.get(name, b"") == twin.value
        read = history.read(values.get(name), twin.n, size, LOW, HIGH)
        assert read.items.tolist() == [item for item, _ in given_to[name][-size:]]
        assert_allclose(read.ratings, [r for _, r in given_to[name][-size:]], atol=1e-4)


@given(ratings=RATINGS, size=st.integers(1, 12))
def test_a_history_rewritten_is_the_one_written_slot_by_slot(
    ratings: list[tuple[int, int, int]], size: int
) -> None:
    twin = Ring(size)
    events = []
    for _, item, code in ratings:
        events.append((0, twin.n, item, code))
        twin.append(item, code)
    half = len(events) // 2
    stored = history.rewrite(None, events[:half], size)
    assert history.rewrite(stored, events[half:], size) == twin.value


def test_a_retraction_empties_the_items_slots_and_keeps_the_others_places() -> None:
    stored = history.rewrite(None, [(0, 0, 7, 100), (0, 1, 8, 200), (0, 2, 7, 300), (1, 0, 7, 0)], 4)
    assert history.read(stored, 3, 4, 0.0, 65534.0).items.tolist() == [8]
    assert len(stored) == 18
    stored = history.rewrite(stored, [(0, 3, 9, 5), (0, 4, 7, 6)], 4)
    assert history.read(stored, 5, 4, 0.0, 65534.0).items.tolist() == [8, 9, 7]


def test_a_tombstone_empties_the_history_and_the_next_rating_is_its_first() -> None:
    stored = history.rewrite(None, [(0, 0, 7, 1), (2, 0, -1, 0)], 4)
    assert stored == b""
    assert history.rewrite(stored, [(0, 0, 9, 1)], 4) == b"\x09\0\0\0\x01\0"


@pytest.mark.parametrize(("rating", "code"), [(LOW, 0), (HIGH, history.FULL_SCALE), (2.75, 32767)])
def test_a_rating_is_kept_as_its_fraction_of_the_range(rating: float, code: int) -> None:
    assert history.rating_codes(np.array([rating]), LOW, HIGH).tolist() == [code]


def test_no_history_reads_as_empty() -> None:
    assert len(history.read(None, 0, 10, LOW, HIGH).items) == 0
