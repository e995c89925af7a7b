"""Users' histories: an open chunk and a ring of full ones, in the store."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lfm_online import history
from lfm_online.batch import FORGET, RATING, RETRACTION
from lfm_online.ids import Ids
from lfm_online.model import Model
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Range
from tests.naive_bytes import Ring
from tests.streams import HIGH, LOW, new_model
from worker.checkpoint import Checkpoint
from worker.events import Events

# what, user, item, rating in half stars; mostly ratings
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([RATING] * 30 + [RETRACTION, FORGET]),
        st.integers(0, 1),
        st.integers(0, 5),
        st.integers(1, 10),
    ),
    max_size=260,
)
CUTS = st.sets(st.integers(0, 260))
NAMES = ("ada", "böb")


def _learn(
    model: Model, server: MemoryServer, events: list[tuple[int, int, int, int]], cuts: set[int]
) -> None:
    """Through the real checkpoint, batch by batch."""
    checkpoint = Checkpoint(
        MemoryStore(server),
        model,
        "t",
        feed_entries=10,
        new_id=iter([n.to_bytes(16, "little") for n in range(1, 1000)]).__next__,
    )
    checkpoint.resync()
    checkpoint.beginnings = {0: 0}
    edges = sorted({0, len(events)} | {cut for cut in cuts if cut < len(events)})
    for start, stop in pairwise(edges):
        part = events[start:stop]
        batch = Events(
            np.array([what for what, *_ in part], np.uint8),
            Ids.of([NAMES[u] for _, u, _, _ in part]),
            Ids.of(["" if what == FORGET else f"i{item}" for what, _, item, _ in part]),
            np.array([r / 2 if what == RATING else np.nan for what, _, _, r in part]),
            np.arange(start, stop),
            np.zeros(len(part), np.int32),
            np.arange(start, stop),
            np.arange(start, stop),
            [],
            [Range(0, start, stop)],
        )
        assert checkpoint.begin(batch).learned
        settled = checkpoint.settle()
        assert settled is not None
        assert settled.receipt.committed


@settings(max_examples=40)
@given(events=EVENTS, cuts=CUTS, size=st.sampled_from([1, 5, 32, 33, 70]))
def test_the_store_holds_what_the_twin_holds_however_events_are_batched(
    events: list[tuple[int, int, int, int]], cuts: set[int], size: int
) -> None:
    model, server = new_model(history=size), MemoryServer()
    _learn(model, server, events, cuts)
    twins = {name: Ring(size) for name in NAMES}
    said: dict[str, list[tuple[str, float] | None]] = {name: [] for name in NAMES}
    number = {name: n for n, name in enumerate(server.items)}
    for what, u, item, r in events:
        name, twin = NAMES[u], twins[NAMES[u]]
        if what == RATING:
            twin.append(number[f"i{item}"], int(history.rating_codes(np.array([r / 2]), LOW, HIGH)[0]))
            said[name].append((f"i{item}", r / 2))
        elif what == RETRACTION:
            twin.take_back(number.get(f"i{item}", 2**32 - 1))
            said[name] = [None if x and x[0] == f"i{item}" else x for x in said[name]]
        else:
            twin.forget()
            said[name] = []
    for name, twin in twins.items():
        recent = server.rows["user"].get(name, b"")[model.users.row_bytes :]
        full = server.histories.get(name)
        assert recent == twin.recent_value
        assert (full or b"") == twin.full_value
        read = history.read(recent, full, twin.n, size, LOW, HIGH)
        expected = [x for x in said[name][-size:] if x]
        assert [server.items[i] for i in read.items] == [item for item, _ in expected]
        assert_allclose(read.ratings, [r for _, r in expected], atol=1e-4)


@pytest.mark.parametrize(("rating", "code"), [(LOW, 0), (HIGH, history.FULL_SCALE), (2.75, 32767)])
def test_a_rating_is_kept_as_its_fraction_of_the_range(rating: float, code: int) -> None:
    assert history.rating_codes(np.array([rating]), LOW, HIGH).tolist() == [code]


def test_no_history_reads_as_empty() -> None:
    assert len(history.read(b"", None, 0, 10, LOW, HIGH).items) == 0
