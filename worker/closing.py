"""How a producer is closed when its broker may be away."""

from __future__ import annotations

from typing import Any, Final

from kafka.errors import KafkaTimeoutError

CLOSE_SECONDS: Final = 5.0
"""How long what is under way may take to be confirmed."""


def close_producer(producer: Any) -> None:
    """Close a `KafkaProducer`; what its broker does not confirm in time is given up."""
    try:
        producer.close(timeout=CLOSE_SECONDS)
    except KafkaTimeoutError:
        # There kafka-python 3.0.12 stops closing, with its thread running on; without it, close gets through.
        producer._sender.force_close()
        producer.close(timeout=CLOSE_SECONDS)
