"""The real servers, and Kafka's own and librdkafka's clients beside the one that the project uses."""

import subprocess
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import redis
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.servers.kafka import RealKafka, console_consumer, console_producer
from tests.servers.prometheus import Prometheus, promtool
from tests.servers.redis import RealRedis, installed
from tests.topics import create_topic
from worker.demo.embedded import EmbeddedStore
from worker.demo.run import Run

READ_TIMEOUT_MS = 30_000
# What ends a wait that would never end; nothing here is measured against it.
PATIENCE_SECONDS = 60.0


@pytest.fixture
def own_kafka(run: Run) -> Iterator[RealKafka]:
    """A Kafka of the test's own, to be killed."""
    server = RealKafka(run, "killed-kafka").start()
    yield server
    server.kill()


def produce(bootstrap: str, topic: str, values: list[bytes | None]) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all")
    for value in values:
        producer.send(topic, key=b"u1", value=value, partition=0)
    producer.close()


def consume(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, consumer_timeout_ms=READ_TIMEOUT_MS)
    partition = TopicPartition(topic, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    values = [next(consumer).value for _ in range(count)]
    consumer.close()
    return values


def tool(argv: list[str], text: str = "") -> str:
    done = subprocess.run(
        argv, input=text, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.1)


def test_a_killed_kafka_started_again_has_its_log_and_takes_more(own_kafka: RealKafka) -> None:
    topic = create_topic(own_kafka.bootstrap, 4)
    produce(own_kafka.bootstrap, topic, [b"before", None])
    own_kafka.kill()
    own_kafka.start()
    produce(own_kafka.bootstrap, topic, [b"after"])
    assert consume(own_kafka.bootstrap, topic, 3) == [b"before", None, b"after"]


def test_kcat_reads_what_was_produced(broker: str, topic: str) -> None:
    produce(broker, topic, [b"one", None])
    read = tool([installed("kcat"), "-C", "-b", broker, "-t", topic, "-e", "-q", "-Z", "-f", "%p %o %k %s\n"])
    assert read.splitlines() == ["0 0 u1 one", "0 1 u1 NULL"]


def test_what_kcat_produces_is_read(broker: str, topic: str) -> None:
    tool([installed("kcat"), "-P", "-b", broker, "-t", topic, "-p", "0", "-K", "\t"], "u1\tone\nu1\ttwo\n")
    assert consume(broker, topic, 2) == [b"one", b"two"]


def test_kafkas_own_console_clients_work(broker: str, topic: str) -> None:
    keyed = ["--reader-property", "parse.key=true"]
    tool(console_producer(broker, topic, *keyed), "u1\tone\nu1\ttwo\n")
    read = tool(console_consumer(broker, topic, "--from-beginning", "--max-messages", "2"))
    assert read.splitlines() == ["one", "two"]


def test_the_store_is_redis_server_and_has_its_data_after_a_kill(fresh_store: EmbeddedStore) -> None:
    assert isinstance(fresh_store, RealRedis)
    client = redis.Redis.from_url(fresh_store.url)
    client.set("kept", b"\x00\xff")
    fresh_store.kill()
    fresh_store.start()
    assert client.get("kept") == b"\x00\xff"
    client.close()


def test_prometheus_answers_queries_about_what_it_scrapes(run: Run) -> None:
    server = Prometheus(run, "", "prometheus-itself")
    server.start()
    config = (
        "global: {scrape_interval: 1s}\n"
        "scrape_configs:\n"
        f"  - {{job_name: itself, static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]}}\n"
    )
    scraping = Prometheus(run, config, "prometheus-scraping").start()
    until(lambda: scraping.query('up{job="itself"} == 1'))
    with pytest.raises(httpx.HTTPStatusError, match="parse error"):
        scraping.query("rate(")
    server.stop()
    scraping.stop()


def test_promtool_checks_a_configuration(run: Run) -> None:
    config = run.directory / "checked.yml"
    config.write_text("global: {scrape_interval: 1s}\n")
    tool([promtool(), "check", "config", str(config)])
