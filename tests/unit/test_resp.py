"""A commit's rows as the bytes that Redis reads."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lfm_online.store import resp
from lfm_online.store.protocol import HistoryRuns, ValueBlock
from tests import naive_bytes

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=120), max_size=12)
AT_ONCE = st.sampled_from([1, 5, resp.AT_ONCE, 2**31])


def _joined(
    ids: list[bytes],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    lengths = np.array([len(row_id) for row_id in ids], np.int64)
    return np.frombuffer(b"".join(ids), np.uint8).copy(), lengths


@given(names=IDS, copies=st.integers(1, 60), width=st.integers(1, 1200), at_once=AT_ONCE)
def test_msets_hold_the_rows_of_a_block_under_its_prefix_some_at_a_time(
    names: list[str], copies: int, width: int, at_once: int
) -> None:
    ids = [name.encode() for name in names] * copies
    values = np.random.default_rng(0).integers(0, 256, (len(ids), width)).astype(np.uint8)
    block = ValueBlock(*_joined(ids), values.reshape(-1), np.full(len(ids), width))
    pairs = [
        (b"lfm:{\xc3\xa9}:u:" + row_id, value.tobytes()) for row_id, value in zip(ids, values, strict=True)
    ]
    parts = [pairs[start : start + at_once] for start in range(0, len(pairs), at_once)]
    commands = [naive_bytes.resp(b"MSET", *(word for pair in part for word in pair)) for part in parts]
    assert bytes(resp.msets("lfm:{é}:u:", block, at_once)) == b"".join(commands)
    assert resp.commands_for(len(ids), at_once) == len(commands)


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
