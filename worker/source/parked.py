"""A paused partition goes on where it was left.

kafka-python 3.0.12 goes on with what it holds of a partition that was paused while it was being read only
while it reads no other, and takes one that it has read to its end for one that it reads: the rest of the
paused one neither came nor was fetched again. The worker is not met by that: it pauses all partitions at
once, and seeks before it goes on.
"""

from __future__ import annotations

from typing import Any


def go_on_with_parked(consumer: Any) -> None:
    """Have a ``KafkaConsumer`` yield the rest of partitions that were paused while they were being read."""
    fetcher = consumer._fetcher
    drain = fetcher.fetched_records

    def fetched_records(max_records: int | None = None, update_offsets: bool = True) -> tuple[Any, bool]:
        if not fetcher._next_partition_records:  # false once it is read to its end
            fetcher._next_partition_records = None
        records, partial = drain(max_records, update_offsets)
        return records, partial

    fetcher.fetched_records = fetched_records
