"""Makes the topics that are to be there."""

from __future__ import annotations

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError


def ensure_topic(bootstrap: str, name: str, partitions: int) -> bool:
    """Create the topic unless it exists, and wait until every partition has a leader.

    Args:
        bootstrap: bootstrap servers, ``HOST:PORT`` joined by commas.
        name: the topic.
        partitions: how many a new topic gets; one that exists keeps what it has. Replication is the broker's
            default.

    Returns:
        Whether it was created.

    Raises:
        kafka.errors.KafkaError: no broker answers, or it refuses.
    """
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        try:
            admin.create_topics({name: {"num_partitions": partitions, "replication_factor": -1}})
        except TopicAlreadyExistsError:
            created = False
        else:
            created = True
        admin.wait_for_topics([name])
    return created
