"""What a consumer of the topic is opened with, by the names of each client."""

from __future__ import annotations

from typing import Any, Final

from worker.access import kafka_access, librdkafka_access
from worker.settings import Settings
from worker.source.client_log import NEEDS_DEBUG

FETCH_BYTES: Final = 4 * 1024 * 1024
"""Of one fetch; what was fetched for a paused partition stays in memory."""
FETCH_WAIT_MS: Final = 50
"""Of a fetch that finds nothing. Kafka answers with the first record; the embedded broker looks again only at
about half of this, so that with the client's own 500 an event there took 140 ms to be seen, not 16."""
METADATA_MS: Final = 10_000
"""Partitions that are added later show up within this time."""
BOOTSTRAP_MS: Final = 5000
"""How long a first answer of the broker is waited for; whoever asks then tries again."""
MAX_POLL_MS: Final = 300_000
"""A member that does not poll for so long leaves the group: the clients' own default."""
QUEUED_RECORDS: Final = 8_000
"""Of a partition: below so many librdkafka fetches on. Its own 100,000 would only take memory."""
QUEUED_BYTES: Final = FETCH_BYTES // 2
"""The same for large records."""
QUEUE_BACKOFF_MS: Final = 5
"""After so long librdkafka looks again whether its full queue has room. With its own 1,000 whoever empties
the queue sooner waits for the rest of the second: 47,000 records/s of a queue of 20,000, not 443,000."""


def consumer_settings(settings: Settings) -> dict[str, Any]:
    """What kafka-python is opened with."""
    session_ms = int(settings.session_timeout_seconds * 1000)
    return {
        **kafka_access(settings),
        "group_id": settings.group,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
        "isolation_level": "read_committed",
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": max(session_ms // 5, 1),
        "max_poll_records": settings.commit_events,
        "fetch_max_bytes": FETCH_BYTES,
        "max_partition_fetch_bytes": FETCH_BYTES,
        "metadata_max_age_ms": METADATA_MS,
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "metrics_enabled": False,
        "bootstrap_timeout_ms": BOOTSTRAP_MS,
    }


def librdkafka_settings(settings: Settings) -> dict[str, Any]:
    """What librdkafka is opened with."""
    session_ms = int(settings.session_timeout_seconds * 1000)
    return {
        **librdkafka_access(settings),
        "group.id": settings.group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "allow.auto.create.topics": False,
        "isolation.level": "read_committed",
        "check.crcs": True,
        "enable.partition.eof": True,  # tells the position behind what holds no record
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": max(session_ms // 5, 1),
        "max.poll.interval.ms": max(MAX_POLL_MS, session_ms),  # a shorter one is refused
        "fetch.max.bytes": FETCH_BYTES,
        "max.partition.fetch.bytes": FETCH_BYTES,
        "fetch.wait.max.ms": FETCH_WAIT_MS,
        "topic.metadata.refresh.interval.ms": METADATA_MS,
        "debug": NEEDS_DEBUG,
        "queued.min.messages": QUEUED_RECORDS,
        "queued.max.messages.kbytes": QUEUED_BYTES // 1024,
        "fetch.queue.backoff.ms": QUEUE_BACKOFF_MS,
    }


def session_words(settings: Settings) -> str:
    """What is wrong with a session's time-out that the broker forbids."""
    return (
        f"the broker allows no session time-out of {settings.session_timeout_seconds:g} s "
        "(LFM_SESSION_TIMEOUT_SECONDS; Kafka's group.min.session.timeout.ms is 6 s by default)"
    )
