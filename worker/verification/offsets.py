"""Which events are the matter with a row: a second pass over the topic, for the few rows that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from lfm_online.batch import FORGET, RATING
from lfm_online.id_index import IdIndex
from lfm_online.ids import Ids
from lfm_online.layout import Kind
from lfm_online.ledger import event_digests
from worker.events import Events
from worker.verification.report import Difference

KEPT: Final = 50
"""Offsets that are told of a row, per partition."""


def find_offsets(
    differences: list[Difference],
    limits: Mapping[tuple[Kind, str], Mapping[int, int]],
    topic: Iterable[Events],
    crc: int,
) -> None:
    """Fill in the offsets of each row's events, and the one event that was lost or doubled, if one was.

    One event less or more shows by its digest, which is then the difference of the two sums.

    Args:
        differences: Rows of which topic and store say different things.
        limits: Of each row, per partition, the first offset that counts no more.
        topic: Its events; a partition's are in order.
        crc: ``ledger.topic_crc`` of its name.
    """
    kinds: tuple[Kind, ...] = ("user", "item")
    searches = [_Search(kind, [d for d in differences if d.kind == kind]) for kind in kinds]
    for events in topic:
        digests = event_digests(crc, events.partition, events.offset)
        for search in searches:
            search.look(events, digests.tolist() if search.differences else [], limits)


class _Search:
    def __init__(self, kind: Kind, differences: list[Difference]) -> None:
        self.kind = kind
        self.differences = differences
        self._index = IdIndex()
        self._index.numbers(Ids.of([d.id for d in differences]))

    def look(
        self, events: Events, digests: list[int], limits: Mapping[tuple[Kind, str], Mapping[int, int]]
    ) -> None:
        """Note what there is of these rows among some events."""
        if not self.differences:
            return
        numbers = self._index.find(events.users if self.kind == "user" else events.items)
        mine = numbers >= 0
        if self.kind == "item":
            mine &= events.what == RATING
        for j in np.flatnonzero(mine).tolist():
            row = self.differences[numbers[j]]
            partition, offset = int(events.partition[j]), int(events.offset[j])
            if offset < limits[row.kind, row.id].get(partition, 0):
                self._note(row, int(events.what[j]), partition, offset, digests[j])

    def _note(self, row: Difference, what: int, partition: int, offset: int, digest: int) -> None:
        if what == FORGET:
            row.offsets, row.lost, row.doubled = {}, [], []
            return
        told = row.offsets.setdefault(partition, [])
        told.append(offset)
        del told[:-KEPT]
        more = row.found.events - row.expected.events
        gap = (row.found.digest - row.expected.digest) % 2**32
        if more == -1 and digest == (-gap) % 2**32:
            row.lost.append((partition, offset))
        if more == 1 and digest == gap:
            row.doubled.append((partition, offset))
