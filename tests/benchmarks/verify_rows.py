"""``python -m tests.benchmarks.verify_rows ROWS``: time and memory of ``verify`` by the number of rows.

Store and topic are made in this process: half of the rows are users, half items, with an event each.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lfm_online.layout import HEADER, Kind
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.store.memory import MemoryStore
from lfm_online.store.protocol import NO_HEAD, MarkedRows, State
from worker.decode import Decoder
from worker.model_opening import meta_of
from worker.settings import Settings
from worker.source.records import Records, records_of
from worker.verification import verify

TOPIC = "ratings"
AT_ONCE = 10_000
REST = bytes(192)
VALUE = b'{"user_id": "user-%d", "item_id": "item-%d", "rating": 3.5, "timestamp": 1000000000000}'


class Made(MemoryStore):
    """A store in which each row has seen its event, and a topic that holds it."""

    def __init__(self, events: int) -> None:
        super().__init__()
        self._n = events
        offsets = np.arange(events, dtype=np.int64)
        self._digests = event_digests(topic_crc(TOPIC), np.zeros(events, np.int32), offsets)

    def read_state(self) -> State:
        return State(NO_HEAD, None, {f"{TOPIC}-0": self._n}, self._n)

    def scan_ids(self, kind: Kind) -> Iterator[list[str]]:
        for start in range(0, self._n, 1000):
            yield [f"{kind}-{j}" for j in range(start, min(start + 1000, self._n))]

    def read_marked_rows(self, kind: Kind, ids: Sequence[str]) -> MarkedRows:
        header: Any = np.zeros(len(ids), HEADER)
        header["events"] = 1
        header["digest"] = self._digests[[int(row_id.split("-")[1]) for row_id in ids]]
        return MarkedRows({f"{TOPIC}-0": self._n}, [each.tobytes() + REST for each in header])

    def first_offsets(self, partitions: list[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, 0)

    def read(self, first: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[Records]:
        for start in range(first[0], ends[0], AT_ONCE):
            offsets = range(start, min(start + AT_ONCE, ends[0]))
            n = len(offsets)
            values = [VALUE % (j, j) for j in offsets]
            yield records_of(0, start, list(offsets), [10**12] * n, [None] * n, values)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(rows: int) -> None:
    made, settings = Made(rows // 2), Settings(topic=TOPIC)
    before, began = peak_mib(), time.monotonic()
    report, baseline = verify(made, made, Decoder(settings), TOPIC, lambda *_: None)
    seconds = time.monotonic() - began
    assert report.passed, report.lines()
    assert baseline is not None
    print(f"{report.rows:,} rows, {report.events:,} events: {seconds:.0f} s")
    print(f"peak of {peak_mib():,.0f} MiB resident, of which {before:,.0f} before")
    with tempfile.TemporaryDirectory() as directory:
        file, began = Path(directory) / "baseline.npz", time.monotonic()
        baseline.save(file, meta_of(settings, ""))
        size, seconds = file.stat().st_size / 2**20, time.monotonic() - began
    print(f"baseline of {size:,.0f} MiB, written in {seconds:.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))
