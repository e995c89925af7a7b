"""Where a log ends for a reader of what is committed.

kafka-python 3.0.12 tells of a partition where its records end, those of open transactions included. Nobody
gets these before their transaction ends, which may take long: they are no lag, and not to be waited for.
"""

from __future__ import annotations

from typing import Any


def tell_stable_ends(consumer: Any) -> None:
    """Have ``highwater`` of a ``KafkaConsumer`` that reads what is committed tell where open ones begin."""
    fetcher = consumer._fetcher
    parse = fetcher._parse_fetched_data

    def parse_fetched_data(fetch: Any) -> Any:
        data = fetch.partition_data
        if data.last_stable_offset >= 0:  # else the broker does not tell
            data.high_watermark = min(data.high_watermark, data.last_stable_offset)
        return parse(fetch)

    fetcher._parse_fetched_data = parse_fetched_data
