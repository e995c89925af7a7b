"""The broker: reached, the topic there, and nothing taken from it before it was learned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from worker.access import kafka_access
from worker.diagnosis.finding import Finding
from worker.diagnosis.store import StoreLook
from worker.kafka_client import open_client
from worker.settings import Settings
from worker.source.consumer_settings import BOOTSTRAP_MS
from worker.source.protocol import SourceAwayError, SourceBrokenError
from worker.source.whole_topic import WholeTopic
from worker.topics import topic_configuration


def look_at_broker(settings: Settings, store: StoreLook) -> Iterator[Finding]:
    """Ask the broker about itself and the topic."""
    try:
        admin: Any = open_client(
            KafkaAdminClient, **kafka_access(settings), bootstrap_timeout_ms=BOOTSTRAP_MS
        )
    except (KafkaError, OSError) as error:
        yield Finding(
            "broker", "wrong", f"no answer at {settings.kafka}: {error!r}", "start it, or correct LFM_KAFKA"
        )
        return
    try:
        yield from _asked(settings, store, admin)
    except (KafkaError, OSError, SourceAwayError, SourceBrokenError) as error:
        yield Finding("broker", "wrong", f"it stopped answering: {error!r}", "see the broker's log")
    finally:
        admin.close()


def _asked(settings: Settings, store: StoreLook, admin: Any) -> Iterator[Finding]:
    cluster = admin.describe_cluster()
    speaks = admin.get_broker_version_data(cluster["brokers"][0]["broker_id"]).broker_version
    text = (
        f"{len(cluster['brokers'])} at {settings.kafka}, the protocol of Kafka {'.'.join(map(str, speaks))}"
    )
    yield Finding("broker", "ok", text)
    name = settings.topic
    (topic,) = admin.describe_topics([name])
    if topic["error_code"] != 0:
        yield Finding("topic", "wrong", f"there is no {name!r}", "create it, or correct LFM_TOPIC")
        return
    yield from _partitions(name, topic)
    configuration = topic_configuration(admin, name)
    yield from _retention(configuration, store)
    yield from _watermarks(settings, store, str(topic.get("topic_id") or ""))
    (dead,) = admin.describe_topics([settings.dead_letters_to])
    if dead["error_code"] == 0:
        yield Finding("dead-letter topic", "ok", settings.dead_letters_to)
    else:
        text = (
            f"there is no {settings.dead_letters_to!r}: unless the broker makes it, letters stay in the store"
        )
        yield Finding("dead-letter topic", "warning", text, "create it (LFM_DEAD_LETTER_TOPIC)")


def _partitions(name: str, topic: Any) -> Iterator[Finding]:
    partitions = topic["partitions"]
    headless = [p["partition_index"] for p in partitions if p["leader_id"] < 0]
    thin = [p["partition_index"] for p in partitions if len(p["isr_nodes"]) < len(p["replica_nodes"])]
    if headless:
        text = f"{name}: partitions {headless} have no leader"
        yield Finding("topic", "wrong", text, "see the brokers that hold them")
    elif thin:
        text = f"{name}: partitions {thin} lack replicas in sync"
        yield Finding("topic", "warning", text, "see the brokers that hold them")
    else:
        yield Finding("topic", "ok", f"{name}: {len(partitions)} partitions, each with a leader")


def _retention(configuration: dict[str, str], store: StoreLook) -> Iterator[Finding]:
    """What the topic keeps against what the store may lose."""
    remedy = "set the topic's retention.ms and retention.bytes to -1, or well above what the store may lose"
    if "compact" in configuration.get("cleanup.policy", ""):
        text = f"cleanup.policy is {configuration['cleanup.policy']}: events are dropped before they are old"
        yield Finding("clean-up", "wrong", text, "set the topic's cleanup.policy to delete")
    if "retention.ms" not in configuration:
        yield Finding("retention", "warning", "the broker does not tell what the topic keeps", remedy)
        return
    milliseconds, size = int(configuration["retention.ms"]), int(configuration.get("retention.bytes", -1))
    words, loses = store.survey.persistence if store.survey else ("unknown", 0.0)
    kept = "for ever" if milliseconds < 0 else f"for {milliseconds / 3_600_000:g} h"
    kept += "" if size < 0 else f", {size} bytes a partition at most"
    if 0 <= milliseconds < loses * 1000:
        text = f"the topic keeps events {kept}, the store may fall back further ({words})"
        yield Finding("retention", "wrong", text, f"{remedy}; let the store keep an append-only file")
    elif size >= 0:
        yield Finding("retention", "warning", f"the topic keeps events {kept}", remedy)
    else:
        yield Finding("retention", "ok", f"the topic keeps events {kept}; the store: {words}")


def _watermarks(settings: Settings, store: StoreLook, topic_id: str) -> Iterator[Finding]:
    """Whether what the model is to learn next is still there."""
    if store.meta is None or store.meta.topic != settings.topic:
        return
    if store.meta.topic_id and topic_id and store.meta.topic_id != topic_id:
        text = f"the topic was made anew: its id is {topic_id}, the model's {store.meta.topic_id}"
        yield Finding("watermarks", "wrong", text, "start a new model (LFM_MODEL)")
        return
    with WholeTopic(settings.kafka, settings.topic, kafka_access(settings)) as topic:
        first, ends = topic.bounds()
    gone = {p: first[p] - mark for p, mark in store.watermarks.items() if p in first and first[p] > mark}
    beyond = {p: mark - ends.get(p, 0) for p, mark in store.watermarks.items() if mark > ends.get(p, 0)}
    if gone:
        text = f"events that were not learned are gone, per partition {gone}"
        yield Finding("watermarks", "wrong", text, "keep events longer, and start a new model (LFM_MODEL)")
    elif beyond:
        text = f"the model has learned more than the topic holds, per partition {beyond}: made anew or cut"
        yield Finding("watermarks", "wrong", text, "start a new model (LFM_MODEL)")
    else:
        lag = sum(end - max(store.watermarks.get(p, 0), first[p]) for p, end in ends.items())
        yield Finding("watermarks", "ok", f"{lag} offsets are left to learn")
