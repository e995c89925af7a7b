"""What kafka-python raises while a topic is made anew, as the loop is told it."""

from typing import Any

import pytest
from kafka import TopicPartition

from worker.source.kafka_python import KafkaPythonSource
from worker.source.protocol import SourceAwayError


def test_bounds_of_a_partition_that_the_client_was_not_told_of_are_asked_for_again() -> None:
    source = object.__new__(KafkaPythonSource)
    source._topic = "ratings"

    def untold(partitions: list[TopicPartition]) -> Any:
        raise KeyError(partitions[0])

    with pytest.raises(SourceAwayError, match=r"bounds.*ratings.*partition=1"):
        source._ask(untold, [1])
