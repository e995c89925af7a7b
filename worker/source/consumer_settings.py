"""What a consumer of the topic is opened with."""

from __future__ import annotations

from typing import Any, Final

from worker.access import kafka_access
from worker.settings import Settings

FETCH_BYTES: Final = 4 * 1024 * 1024
"""Of one fetch; what was fetched for a paused partition stays in memory."""
FETCH_WAIT_MS: Final = 50
"""Of a fetch that finds nothing. Kafka answers with the first record; the embedded broker looks again only at
about half of this, so that with the client's own 500 an event there took 140 ms to be seen, not 16."""
METADATA_MS: Final = 10_000
"""Partitions that are added later show up within this time."""
BOOTSTRAP_MS: Final = 5000
"""How long a first answer of the broker is waited for; whoever asks then tries again."""


def consumer_settings(settings: Settings) -> dict[str, Any]:
    """What the client is opened with."""
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
