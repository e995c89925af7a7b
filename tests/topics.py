"""Topics of the tests."""

import contextlib
import time
import uuid
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError

# What ends a wait that would never end; nothing is measured against it.
PATIENCE_SECONDS = 90.0
EVERY_SECONDS = 0.05


def create_topic(bootstrap: str, partitions: int) -> str:
    """Create a topic with a name that no other has; return it once the broker tells clients of it."""
    name = f"ratings-{uuid.uuid4().hex}"
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        client.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
        client.wait_for_topics([name])
    finally:
        client.close()
    return name


def make_anew(admin: Any, topic: str, partitions: int = 4) -> None:
    """Delete a topic and make it again."""

    def topic_id() -> Any:
        (described,) = admin.describe_topics([topic])
        return described["topic_id"] if described["error_code"] == 0 else None

    def made() -> bool:
        # Its deletion may still be under way, and a creation whose answer was late still come true.
        with contextlib.suppress(KafkaError):
            admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=1)])
        return topic_id() not in (None, before)

    before = topic_id()
    admin.delete_topics([topic])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not made():
        assert time.monotonic() < deadline, "the topic was never made anew"
        time.sleep(EVERY_SECONDS)
    admin.wait_for_topics([topic])
