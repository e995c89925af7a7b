"""Digests of events, and the hashes below them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.batch import FORGET
from lfm_online.hashing import fmix64, id_hash, id_hashes
from lfm_online.ids import Ids
from lfm_online.ledger import NOWHERE, SEVERAL, enter_events, event_digests, topic_crc
from tests import naive_bytes


@given(st.integers(0, 2**64 - 1))
def test_fmix64_is_murmur_hash_3s_finaliser(x: int) -> None:
    assert int(fmix64(np.uint64(x))) == naive_bytes.fmix64(x)


@given(
    st.text(min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1)), max_size=20),
)
def test_a_digest_is_that_of_topic_partition_and_offset(topic: str, places: list[tuple[int, int]]) -> None:
    partitions = np.array([place[0] for place in places], np.int32)
    offsets = np.array([place[1] for place in places], np.int64)
    digests = event_digests(topic_crc(topic), partitions, offsets)
    assert digests.dtype == np.uint32
    assert digests.tolist() == [naive_bytes.event_digest(topic, *place) for place in places]


def test_digests_stay_what_they_are_in_stored_rows() -> None:
    digests = event_digests(topic_crc("ratings"), np.array([0, 0, 3], np.int32), np.array([0, 1, 10**9]))
    assert digests.tolist() == [3746694732, 827754072, 1975048092]


def test_ids_hash_to_what_new_rows_and_the_feed_rest_on() -> None:
    hashes = [id_hash("user", b"42"), id_hash("item", b"42"), id_hash("user", "é".encode())]
    assert hashes == [1989010668762859838, 4800737613689025063, 15371969316605141385]


@given(st.lists(st.text(max_size=20) | st.sampled_from([n * "é" for n in (63, 64, 65, 128, 200)])), st.data())
def test_many_ids_hash_to_what_each_does(texts: list[str], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(texts)))
    ids = Ids.of(texts)
    for kind in ("user", "item"):
        found = id_hashes(kind, Ids(ids.data, ids.start[first:]))
        assert found.tolist() == [id_hash(kind, text.encode()) for text in texts[first:]]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 3), st.integers(0, 2)), max_size=60))
def test_a_row_s_ledger_counts_its_events_below_its_own_cut(made: list[tuple[int, int, int]]) -> None:
    """A loop over dictionaries is the twin; events come partition by partition, as fetched."""
    until = {0: [5, 20, 60], 1: [60, 0, 30], 2: [60, 60, 60]}  # partition -> by cut
    cut = np.array([0, 1, 2, 1], np.int32)
    found = (
        np.zeros(4, np.uint32),
        np.zeros(4, np.uint32),
        np.full(4, NOWHERE, np.int32),
        np.zeros(4, np.bool_),
    )
    counts, sums, owners, forgotten = [0] * 4, [0] * 4, [set[int]() for _ in range(4)], [False] * 4
    for partition in range(3):
        own = [(offset, what, row) for offset, (what, row, p) in enumerate(made) if p == partition]
        offset = np.array([each[0] for each in own], np.int64)
        digest = event_digests(topic_crc("t"), np.full(len(own), partition, np.int32), offset)
        enter_events(
            np.array([each[1] for each in own], np.uint8),
            np.array([each[2] for each in own], np.int32),
            *(partition, offset, digest, np.array(until[partition]), cut, *found),
        )
        for (at, what, row), each in zip(own, digest.tolist(), strict=True):
            if row < 0 or at >= until[partition][cut[row]]:
                continue
            owners[row].add(partition)
            forgotten[row] |= what == FORGET
            counts[row] = 0 if what == FORGET else counts[row] + 1
            sums[row] = 0 if what == FORGET else (sums[row] + each) % 2**32
    assert [found[0].tolist(), found[1].tolist(), found[3].tolist()] == [counts, sums, forgotten]
    one_each = [NOWHERE if not own else SEVERAL if len(own) > 1 else own.pop() for own in owners]
    assert found[2].tolist() == one_each
