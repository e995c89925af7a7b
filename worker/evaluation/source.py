"""The ratings of a topic, decoded as a worker decodes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lfm_online.batch import RATING
from lfm_online.ratings_file import RatingsTable
from worker.access import kafka_access
from worker.decode import Decoder
from worker.events import Events
from worker.settings import Settings
from worker.source.whole_topic import WholeTopic


class EmptyTopicError(ValueError):
    """The topic holds no rating."""


def of_topic(settings: Settings, on_progress: Callable[[int, int], None]) -> tuple[RatingsTable, int]:
    """The ratings that the topic holds now, partition by partition, decoded as a worker decodes them.

    Retractions and tombstones are passed over: they teach nothing.

    Args:
        settings: Broker, topic, and what an event looks like.
        on_progress: Told ``(offsets read, offsets in all)``.

    Returns:
        The ratings, and how many records were no valid events.

    Raises:
        EmptyTopicError: there is none.
        SourceAwayError: no broker answers.
        SourceBrokenError: there is no such topic, or it can't be read.
    """
    decoder = Decoder(settings)
    parts: list[Events] = []
    with WholeTopic(settings.kafka, settings.topic, kafka_access(settings)) as topic:
        first, ends = topic.bounds()
        total, done = sum(ends[p] - first[p] for p in ends), 0
        for records in topic.read(first, ends):
            parts.append(decoder.decode(records))
            done += records.end - records.first
            on_progress(done, total)
    # Of one time, those of the lower partition go first, whatever order the broker answered in.
    parts.sort(key=lambda part: part.ranges[0].partition)
    chosen = [part.choose(part.what == RATING, part.ranges) for part in parts]
    if not any(map(len, chosen)):
        raise EmptyTopicError(
            f"the topic {settings.topic!r} at {settings.kafka} (LFM_TOPIC, LFM_KAFKA) holds no rating"
        )
    return RatingsTable(
        [user for part in chosen for user in part.users],
        [item for part in chosen for item in part.items],
        np.concatenate([part.rating for part in chosen]),
        np.concatenate([part.time_ms for part in chosen]),
    ), sum(len(part.letters) for part in parts)
