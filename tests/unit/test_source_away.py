"""What kafka-python does while a topic is made anew or a broker is away, as the loop is told it."""

import threading
from typing import Any

import pytest
from kafka import TopicPartition

from worker.demo.server import free_port
from worker.settings import Settings
from worker.source.kafka_python import KafkaPythonSource
from worker.source.protocol import SourceAwayError


def test_bounds_of_a_partition_that_the_client_was_not_told_of_are_asked_for_again() -> None:
    source = object.__new__(KafkaPythonSource)
    source._topic = "ratings"

    def untold(partitions: list[TopicPartition]) -> Any:
        raise KeyError(partitions[0])

    with pytest.raises(SourceAwayError, match=r"bounds.*ratings.*partition=1"):
        source._ask(untold, [1])


def test_waiting_for_a_broker_keeps_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.source.kafka_python.BOOTSTRAP_MS", 100)
    monkeypatch.setattr("worker.source.consumer_settings.BOOTSTRAP_MS", 100)
    source = object.__new__(KafkaPythonSource)
    source._settings = settings = Settings(kafka=f"127.0.0.1:{free_port()}")
    before = set(threading.enumerate())
    for ask in (lambda: KafkaPythonSource(settings), source.topic_id):
        with pytest.raises(SourceAwayError):
            ask()
        assert set(threading.enumerate()) <= before
