"""Workers of one model take turns: two that commit at once cost one of them its work.

Whose turn it is, is a hint. A worker may lose it while it goes on, or never have had it: the head that its
commit rests on is compared all the same, so the worst that a wrong hint costs is a refusal.

A worker that has not met another for a while asks for nothing, nor does one that has all partitions. In
company it asks before each turn, which lasts for several commits, so that what passing it on costs is shared
by them: reading what the others have changed, and a batch that can't be learned ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from worker.checkpoint import Checkpoint
from worker.in_flight import Settled

COMPANY_SECONDS: Final = 5.0
"""How long a worker that was met is reckoned with."""
TURN_SECONDS: Final = 0.3
"""A batch that is begun later than this ends the turn."""
LOST_SECONDS: Final = 5.0
"""After which a turn that was not given back is another's: its worker has died, or is far too slow."""
WAIT_SECONDS: Final = 0.05
"""How long to wait for another's commit at once: between such waits the loop polls, and may be stopped."""
YIELD_SECONDS: Final = 0.005
"""What others have to ask for a turn that was just used up: they hear of its last commit when we do."""


class Turns:
    """Asks for turns, and says how long each lasts."""

    def __init__(self, checkpoint: Checkpoint, who: bytes, clock: Callable[[], float]) -> None:
        """Others may be there.

        Args:
            checkpoint: Whose batches are learned; its store is asked.
            who: Names this worker: some random bytes.
            clock: Monotonic seconds.
        """
        self._checkpoint = checkpoint
        self._who = who
        self._clock = clock
        self._followed = checkpoint.followed
        self._met = clock()
        self._began: float | None = None  # the turn at hand
        self._yields = False
        self.waiting = False
        """Whether the turn was another's when it was last asked for."""

    def meet(self) -> None:
        """There may be another worker."""
        self._met = self._clock()

    def assigned(self, *, everything: bool) -> None:
        """The group gave this worker partitions.

        Args:
            everything: Whether all that the topic has. Then the group has no other; one that it has just
                given up costs a refusal at worst, and is met by it.
        """
        self._met = self._clock() - (COMPANY_SECONDS if everything else 0.0)

    @property
    def in_company(self) -> bool:
        """Whether another worker was met lately."""
        if self._checkpoint.followed != self._followed:
            self._followed = self._checkpoint.followed
            self.meet()
        return self._clock() - self._met < COMPANY_SECONDS

    def take(self) -> bool:
        """Have the turn, with memory at the store's head, or wait a little. Nothing may be in flight.

        Returns:
            Whether a batch may begin.

        Raises:
            StoreAwayError: the store does not answer.
        """
        self.waiting = False
        if not self.in_company:
            return True
        checkpoint, store = self._checkpoint, self._checkpoint.store
        if self._yields:
            self._yields = False
            store.wait_feed(checkpoint.head, YIELD_SECONDS)
        claim = store.claim_turn(self._who, LOST_SECONDS)
        self.waiting = not claim.mine
        if self.waiting:
            self._began = None
            self.meet()
            store.wait_feed(claim.head, WAIT_SECONDS)
            return False
        if self._began is None:
            self._began = self._clock()
        if claim.head != checkpoint.head:
            checkpoint.resync()
        return True

    def ends_with(self, *, full: bool) -> bool:
        """Whether the turn at hand ends with the batch that is now learned.

        Args:
            full: Whether it holds as many events as a commit takes, so that there are probably more.
        """
        if self._began is None:
            return False
        return not full or self._clock() - self._began >= TURN_SECONDS

    @property
    def may_learn_ahead(self) -> bool:
        """Whether a batch learned on top of the commit in flight would be sent within the same turn."""
        flight = self._checkpoint.in_flight
        if flight is None or flight.commit.ends_turn:
            return False
        return self._began is not None or not self.in_company

    def committed(self, settled: Settled) -> None:
        """A commit is in the store, which tells whose turn it was."""
        if settled.receipt.turn not in (b"", self._who):
            self._began = None
            self.meet()
        elif settled.done.commit.ends_turn:
            self._yields = self._began is not None and self._clock() - self._began >= TURN_SECONDS
            self._began = None

    def leave(self) -> None:
        """Give the turn at hand back, if there is one: there is nothing to learn."""
        if self._began is not None:
            self._began = None
            self._checkpoint.store.end_turn()
