"""Messages of confluent-kafka as columns.

Its ``consume`` makes an object of each; from there on a column is one pass over them in C, by the method as
the class has it. A third of a microsecond a message in all (docs/decisions/0026-librdkafka-source.md).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final, cast

from confluent_kafka import Message

from worker.source.records import Records, records_of

Messages = list[Any]
"""Of ``Message``, whose types allow for None where a consumer's messages have a partition and an offset."""
PARTITION: Final = cast("Callable[[Any], int]", Message.partition)
OFFSET: Final = cast("Callable[[Any], int]", Message.offset)


def by_partition(messages: Messages) -> dict[int, Messages]:
    """The messages of each partition, in order; they come in long runs."""
    found: dict[int, Messages] = {}
    for partition, run in itertools.groupby(messages, PARTITION):
        found.setdefault(partition, []).extend(run)
    return found


def columns_of(partition: int, first: int, messages: Messages) -> Records:
    """The records of messages of that partition, fetched from the position ``first``; none is an error."""
    return records_of(
        partition,
        first,
        list(map(OFFSET, messages)),
        [time_ms for _, time_ms in map(Message.timestamp, messages)],
        list(map(Message.key, messages)),
        list(map(Message.value, messages)),
    )
