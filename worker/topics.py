"""Makes the topics that are to be there, and asks how a topic is set up."""

from __future__ import annotations

import contextlib

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from worker.access import kafka_access
from worker.kafka_client import open_client
from worker.settings import Settings
from worker.source.consumer_settings import BOOTSTRAP_MS


def ensure_topic(settings: Settings, partitions: int) -> bool:
    """Create the topic unless it exists, and wait until every partition has a leader.

    Args:
        settings: broker and topic.
        partitions: how many a new topic gets; one that exists keeps what it has. Replication is the broker's
            default.

    Returns:
        Whether it was created.

    Raises:
        kafka.errors.KafkaError: no broker answers, or it refuses.
    """
    name = settings.topic
    with _admin(settings) as admin:
        try:
            admin.create_topics({name: {"num_partitions": partitions, "replication_factor": -1}})
        except TopicAlreadyExistsError:
            created = False
        else:
            created = True
        admin.wait_for_topics([name])
    return created


def topic_configuration(admin: KafkaAdminClient, name: str) -> dict[str, str]:
    """How a topic is set up, ``retention.ms`` and the like; empty where the broker does not tell."""
    with contextlib.suppress(KafkaError):
        asked = ConfigResource(ConfigResourceType.TOPIC, name)
        found = admin.describe_configs([asked], config_filter="all").get("topic", {})
        return {key: str(entry["value"]) for key, entry in found.get(name, {}).items()}
    return {}


def is_compacted(settings: Settings) -> bool:
    """Whether the topic drops events that a later one of the same key follows, as far as the broker tells."""
    with _admin(settings) as admin:
        return "compact" in topic_configuration(admin, settings.topic).get("cleanup.policy", "")


def _admin(settings: Settings) -> KafkaAdminClient:
    admin: KafkaAdminClient = open_client(
        KafkaAdminClient, **kafka_access(settings), bootstrap_timeout_ms=BOOTSTRAP_MS
    )
    return admin
