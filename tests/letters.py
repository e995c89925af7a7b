"""What has arrived in a dead-letter topic."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, TopicPartition


class Letters:
    """Counts the different records that a dead-letter topic tells of, a repeat once."""

    def __init__(self, broker: str, topic: str, partitions: int) -> None:
        self._places: set[tuple[int, int]] = set()
        self._consumer: Any = KafkaConsumer(bootstrap_servers=broker)
        parts = [TopicPartition(topic, p) for p in range(partitions)]
        self._consumer.assign(parts)
        self._consumer.seek_to_beginning(*parts)

    def count(self) -> int:
        """How many have come so far."""
        while found := self._consumer.poll(timeout_ms=200):
            for record in (record for records in found.values() for record in records):
                headers = dict(record.headers)
                self._places.add((int(headers["lfm-partition"]), int(headers["lfm-offset"])))
        return len(self._places)

    def close(self) -> None:
        self._consumer.close()
