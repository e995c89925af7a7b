"""A poll of kafka-python 3 that does not ask for the group's coordinator while it is connected to it.

Each poll has the client's IO thread see whether the coordinator is known, and waits for the answer: two
changes of thread, a third of what a poll costs. Here the polling thread looks itself.
"""

from __future__ import annotations

from typing import Any


def ask_only_for_unknown_coordinator(consumer: Any) -> None:
    """Change the consumer's polls."""
    coordinator = consumer._coordinator
    ask = coordinator.ensure_coordinator_ready

    def ensure(timeout_ms: float | None = None) -> bool:
        node = coordinator.coordinator_id
        if node is not None and coordinator._client.connected(node):
            return True
        return bool(ask(timeout_ms))

    coordinator.ensure_coordinator_ready = ensure
