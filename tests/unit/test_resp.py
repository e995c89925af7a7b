"""A commit's rows as the bytes that Redis reads."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.store import resp
from lfm_online.store.protocol import HistoryRuns, ValueBlock
from tests import naive_bytes

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120), max_size=12)


def _joined(
    ids: list[bytes],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    lengths = np.array([len(row_id) for row_id in ids], np.int64)
    return np.frombuffer(b"".join(ids), np.uint8).copy(), lengths


@given(users=IDS, items=IDS, width=st.integers(1, 1200))
def test_an_mset_holds_the_rows_of_all_blocks_under_their_prefixes(
    users: list[str], items: list[str], width: int
) -> None:
    words = [b"MSET"]
    blocks = []
    for prefix, names in (("lfm:{m}:u:", users), ("lfm:{é}:i:", items)):
        ids = [name.encode() for name in names]
        values = np.random.default_rng(0).integers(0, 256, (len(ids), width)).astype(np.uint8)
        blocks.append((prefix, ValueBlock(*_joined(ids), values.reshape(-1), np.full(len(ids), width))))
        for row_id, value in zip(ids, values, strict=True):
            words += [prefix.encode() + row_id, value.tobytes()]
    assert b"".join(resp.mset(blocks)) == (naive_bytes.resp(*words) if len(words) > 1 else b"")


@given(ids=IDS, data=st.data())
def test_runs_become_one_setrange_each(ids: list[str], data: st.DataObject) -> None:
    encoded = [name.encode() for name in ids]
    runs = [data.draw(st.binary(min_size=6, max_size=18)) for _ in ids]
    offsets = [data.draw(st.integers(0, 6_000_000)) for _ in ids]
    starts = np.cumsum([0, *map(len, runs)]).astype(np.int64)
    slots = np.frombuffer(b"".join(runs), np.uint8).copy()
    expected = b"".join(
        naive_bytes.resp(b"SETRANGE", b"lfm:{m}:h:" + row_id, b"%d" % offset, run)
        for row_id, offset, run in zip(encoded, offsets, runs, strict=True)
    )
    history = HistoryRuns(*_joined(encoded), np.array(offsets, np.int64), starts, slots)
    assert resp.setranges("lfm:{m}:h:", history) == expected
