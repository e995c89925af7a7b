"""What the group assigns to a member, noted for the main loop to take.

Rebalance listeners run on the client's IO thread, where a commit raises and a slow step stops the
heartbeats: so this one only notes the assignment, pauses it, and seeks it to a placeholder (without a
position ``poll`` raises, paused or not). The main loop does the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from kafka.consumer.subscription_state import ConsumerRebalanceListener


class AssignmentListener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python is untyped
    """Notes what is assigned; called on the client's IO thread."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._lock = threading.Lock()
        self._changed = False
        self._assigned: frozenset[int] = frozenset()

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        """These partitions go to another member, or nobody."""
        gone = {tp.partition for tp in revoked}
        with self._lock:
            self._changed |= bool(gone)
            self._assigned -= gone

    def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """These partitions are ours from now on; silent until they are sought."""
        assigned = list(assigned)
        for tp in assigned:
            self._consumer.seek(tp, 0)
        self._consumer.pause(*assigned)
        with self._lock:
            self._changed = True
            self._assigned |= {tp.partition for tp in assigned}

    def take(self) -> frozenset[int] | None:
        """The assignment if it changed since the last call."""
        with self._lock:
            changed, self._changed = self._changed, False
            return self._assigned if changed else None
