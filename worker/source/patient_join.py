"""Joins of the group that outlast a poll, which kafka-python 3.0.12 forgets in two ways.

Both are in ``coordinator.join_group_async``. It drops a join that ended while nobody polled, and
begins another, which has the other members join again too: members that do more than poll may never
come together. And a join because of changed metadata (new partitions; none known at the first join)
ends the need to join as soon as the leader has assigned, before the answer is taken over: if a poll
returns in between, no later one takes it over, and the member neither reads nor sends heartbeats.
"""

from __future__ import annotations

from typing import Any

from kafka.coordinator.base import MemberState


class PatientJoin:
    """Keeps what a join brought until a poll takes it over."""

    def __init__(self, consumer: Any) -> None:
        self._coordinator = consumer._coordinator
        self._join = self._coordinator._do_join_and_sync_async
        self._brought: tuple[Any, bytes] | None = None  # the generation, and what it assigns to this member
        self._coordinator._do_join_and_sync_async = self._join_once

    def after_poll(self) -> None:
        """Have the next poll take over what is still on its way."""
        if self._coordinator.rejoining:
            self._coordinator.request_rejoin()

    async def _join_once(self) -> bytes:
        """What the last join brought if nobody has taken it over, else that of a new one."""
        brought, self._brought = self._brought, None
        # Taking it over ends this state; whoever lost the membership since is of no generation.
        waits = self._coordinator.state is MemberState.REBALANCING
        if brought is not None and waits and brought[0] == self._coordinator._generation:
            return brought[1]
        assignment: bytes = await self._join()
        self._brought = self._coordinator._generation, assignment
        return assignment
