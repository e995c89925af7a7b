"""Topics of the tests."""

import uuid

from kafka import KafkaAdminClient
from kafka.admin import NewTopic


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
