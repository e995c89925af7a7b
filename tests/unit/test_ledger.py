"""Digests of events, and the hashes below them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.hashing import fmix64, id_hash
from lfm_online.ledger import event_digests, topic_crc
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
