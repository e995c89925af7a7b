"""Record bytes to columns of events; what can't be one becomes a dead letter with its reason.

Events of the usual form are parsed by a compiled loop (``lfm_online.flat_json``); what that leaves,
good or bad, is decoded one by one by a complete parser (``worker.decode_one``), which alone decides
what is wrong with an event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import RATING, RETRACTION
from lfm_online.flat_json import Fields, Names, parse_events
from lfm_online.ids import Ids
from lfm_online.store.protocol import Range
from worker.dead_letters.letter import DeadLetter, cut
from worker.decode_one import ID_MAX_BYTES, OLDEST_MS, BadEventError, Event, EventDecoder
from worker.events import Events
from worker.settings import Settings
from worker.source.records import Records, holes


class Decoder:
    """Decodes records by the settings' field names, units and limits."""

    def __init__(self, settings: Settings) -> None:
        """For events as ``settings`` describe them."""
        self._s = settings
        self._names = Names(
            [settings.user_field, settings.item_field, settings.rating_field, settings.time_field]
        )
        self._one = EventDecoder(settings)

    def decode(self, records: Records) -> Events:
        """Columns of the valid events, letters for the others, in the records' order."""
        if records.fault:
            return self._undecodable(records)
        keys, values = records.keys, records.values
        fields = parse_events(
            records.data, values.begin, values.length, self._names, self._s.record_max_bytes, ID_MAX_BYTES
        )
        rating, time_ms = fields.numbers[0], self._times(fields.numbers[1], records.times_ms)
        what = np.where(np.isnan(rating), np.uint8(RETRACTION), np.uint8(RATING))
        low, high = self._s.rating_range.low, self._s.rating_range.high
        taken = fields.taken & ((what == RETRACTION) | ((rating >= low) & (rating <= high)))
        taken &= ~np.isnan(time_ms)
        others: dict[int, Event] = {}
        letters: list[DeadLetter] = []
        for place in np.flatnonzero(~taken).tolist():
            key, value = records.part(keys, place), records.part(values, place)
            try:
                others[place] = self._one.decode(key, value, int(records.times_ms[place]))
            except BadEventError as bad:
                letters.append(self._letter(bad, records, place, key, value))
        for place, event in others.items():
            what[place], rating[place], time_ms[place] = event.what, event.rating, event.time_ms
            taken[place] = True
        chosen = np.flatnonzero(taken)
        users, items = _ids(records.data, fields, others, chosen)
        return Events(
            what[chosen],
            users,
            items,
            rating[chosen],
            time_ms[chosen].astype(np.int64),
            np.full(len(chosen), records.partition, np.int32),
            records.offsets[chosen],
            records.times_ms[chosen],
            letters,
            [Range(records.partition, records.first, records.end)],
            len(users) - users.count_equal(records.data, keys.begin[chosen], keys.length[chosen]),
        )

    def _times(self, given: NDArray[np.float64], record_ms: NDArray[np.int64]) -> NDArray[np.float64]:
        """Event times in whole ms, the record's own where there is none; NaN where it isn't allowed."""
        to_ms = 1000.0 if self._s.time_unit == "seconds" else 1.0
        ms = np.where(np.isnan(given), record_ms, np.floor(given * to_ms))
        future = (record_ms >= 0) & (ms > record_ms + self._s.future_tolerance_seconds * 1000.0)
        missing = np.isnan(given) & (record_ms < 0)
        ms[future | missing | (ms < OLDEST_MS) | (ms > -OLDEST_MS)] = np.nan
        return ms

    def _undecodable(self, batch: Records) -> Events:
        """One letter for all offsets of a batch that can't be decoded."""
        bad, data = BadEventError("undecodable", batch.fault), batch.part(batch.values, 0)
        letter = msgspec.structs.replace(
            self._letter(bad, batch, 0, None, data), offsets=batch.end - batch.first
        )
        nothing = self.decode(holes(batch.partition, batch.first, batch.end))
        return replace(nothing, letters=[letter])

    def _letter(
        self, bad: BadEventError, records: Records, place: int, key: bytes | None, value: bytes | None
    ) -> DeadLetter:
        kept, sha256 = cut(value, self._s.dead_letter_max_bytes)
        return DeadLetter(
            reason=bad.reason,
            detail=str(bad)[:1000],
            topic=self._s.topic,
            partition=records.partition,
            offset=int(records.offsets[place]),
            time_ms=int(records.times_ms[place]),
            key=None if key is None else key[: self._s.dead_letter_max_bytes],
            value=kept,
            value_bytes=0 if value is None else len(value),
            sha256=sha256,
        )


def _ids(
    data: NDArray[np.uint8], fields: Fields, others: Mapping[int, Event], chosen: NDArray[np.intp]
) -> tuple[Ids, Ids]:
    """Users and items of the chosen events; those of ``others`` are texts."""
    begin, length = fields.begin, fields.length
    added = bytearray()
    for place, event in others.items():
        for which, text in enumerate((event.user.encode(), event.item.encode())):
            begin[which, place], length[which, place] = len(data) + len(added), len(text)
            added += text
    if added:
        data = np.concatenate([data, np.frombuffer(added, np.uint8)])
    users, items = (Ids.cut(data, begin[which, chosen], length[which, chosen]) for which in range(2))
    return users, items
