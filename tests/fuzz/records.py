"""What must hold of any record whatever; asked by hypothesis and by atheris."""

from __future__ import annotations

from typing import Final

import numpy as np

from lfm_online.batch import FORGET, RATING, RETRACTION
from tests.made_records import NOW, records, settings
from worker.dead_letters.letter import REASONS, read_letter
from worker.decode import Decoder
from worker.decode_one import OLDEST_MS, check_id

DECODERS: Final = tuple(
    Decoder(settings(**changes))
    for changes in (
        {},
        {"time_unit": "seconds", "rating_range": "-1,1e6"},
        {"record_max_bytes": 64, "dead_letter_max_bytes": 8, "future_tolerance_seconds": 0},
    )
)


def check_record(value: bytes | None, key: bytes | None = b"u", time_ms: int = NOW) -> None:
    """A record is a valid event or a dead letter with a reason, beside whatever else is in its batch."""
    for decoder in DECODERS:
        events = decoder.decode(records(value, b"?", value, key=key, time_ms=time_ms, first=10))
        assert [r[1:] for r in events.ranges] == [(10, 13)]
        places = sorted([*events.offset.tolist(), *(letter.offset for letter in events.letters)])
        assert places == [10, 11, 12], "each offset is one event or one letter"
        for letter in events.letters:
            assert letter.reason in REASONS
            assert read_letter(letter.to_bytes()) == letter
        for j, what in enumerate(events.what):
            assert what in {RATING, RETRACTION, FORGET}
            check_id(events.users[j], "user")
            if what != FORGET:
                check_id(events.items[j], "item")
            if what == RATING:
                low, high = decoder._s.rating_range.low, decoder._s.rating_range.high
                assert low <= events.rating[j] <= high
                assert OLDEST_MS <= events.time_ms[j] <= -OLDEST_MS  # a tombstone's is not asked for
        alike = np.unique(np.delete(events.what, np.flatnonzero(events.offset == 11)))
        assert len(alike) <= 1, "the same bytes are the same event"
