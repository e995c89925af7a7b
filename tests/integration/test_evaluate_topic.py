"""``evaluate --topic`` measures what the topic holds, as the same ratings in a file."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from kafka import KafkaProducer

from tests.streams import made_stream
from worker.cli import main

# Each at a time of its own: of one time, a topic knows no order across partitions.
EVENTS = [
    event._replace(time_ms=1_700_000_000_000 + 60_000 * place)
    for place, event in enumerate(made_stream(5, 400, users=15, items=9, others=0))
]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["evaluate", *arguments, "--json"])


def fill(broker: str, topic: str, others: bool) -> None:
    """Each user's ratings in one partition; among them, perhaps, what is no rating."""
    producer = KafkaProducer(bootstrap_servers=broker)
    for place, event in enumerate(EVENTS):
        value: dict[str, Any] = {"user_id": event.user, "item_id": event.item, "timestamp": event.time_ms}
        if others and place % 100 == 0:
            producer.send(topic, key=b"user-0", value=json.dumps(value | {"rating": None}).encode())
            producer.send(topic, key=b"user-0", value=None)
            producer.send(topic, key=b"user-0", value=b"no JSON")
            producer.send(topic, key=b"user-0", value=json.dumps(value | {"rating": 17}).encode())
        value["rating"] = event.rating
        producer.send(topic, key=event.user.encode(), value=json.dumps(value).encode())
    producer.flush()
    producer.close()


def test_a_topic_gives_the_figures_of_a_file_of_its_ratings(broker: str, topic: str, tmp_path: Path) -> None:
    fill(broker, topic, others=True)
    result = run("--kafka", broker, "--topic", topic)
    assert result.exit_code == 0, result.stderr
    of_topic = json.loads(result.stdout)
    assert (of_topic["events"], of_topic["refused"]) == (400, 8)

    path = tmp_path / "r.csv"
    lines = [f"{e.user},{e.item},{e.rating},{e.time_ms}" for e in reversed(EVENTS)]
    path.write_text("\n".join(["user,item,rating,timestamp", *lines, ""]))
    of_file = json.loads(run(str(path)).stdout)
    for figures in (of_topic, of_file):
        figures.pop("events_per_second")
        figures.pop("by_factors")
        figures.pop("refused")
    assert of_topic == of_file


def test_a_topic_that_is_not_there_is_named(broker: str) -> None:
    name = f"none-{uuid.uuid4().hex}"
    result = run("--kafka", broker, "--topic", name)
    assert result.exit_code == 1
    assert f"the broker has no topic {name!r} (--topic, LFM_TOPIC)" in result.stderr


def test_a_topic_without_ratings_is_named(broker: str, topic: str) -> None:
    result = run("--kafka", broker, "--topic", topic)
    assert result.exit_code == 1
    assert f"the topic {topic!r} at {broker}" in result.stderr


def test_a_broker_that_is_away_is_named() -> None:
    result = run("--kafka", "127.0.0.1:1", "--topic")
    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.stderr
