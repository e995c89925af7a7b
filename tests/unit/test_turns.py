"""Workers take turns where they would refuse each other's commits, and a worker alone asks for nothing."""

from lfm_online.store.memory import MemoryServer
from lfm_online.store.protocol import Claim
from tests.made_checkpoints import FIRST, OTHER, SECOND, FrailStore, batch, checkpoint, learn
from worker.turns import COMPANY_SECONDS, LOST_SECONDS, TURN_SECONDS, Turns


class Counted(FrailStore):
    """A store that counts what it is asked about turns."""

    asked = 0
    waits = 0

    def claim_turn(self, who: bytes, seconds: float) -> Claim:
        self.asked += 1
        return super().claim_turn(who, seconds)

    def wait_feed(self, *_: object) -> None:
        self.waits += 1


class Workers:
    """Some workers of one model, and the time."""

    def __init__(self, count: int = 2) -> None:
        self.now = 0.0
        server = MemoryServer(clock=lambda: self.now)
        self.checkpoints = [checkpoint(server) for _ in range(count)]
        self.stores = [Counted(server) for _ in range(count)]
        for made, store in zip(self.checkpoints, self.stores, strict=True):
            made.store = store
        self.turns = [Turns(c, bytes([i]), lambda: self.now) for i, c in enumerate(self.checkpoints)]

    def alone(self) -> None:
        """So long after the start that nobody is reckoned with."""
        self.now += COMPANY_SECONDS


def test_a_worker_alone_asks_for_no_turn_and_learns_ahead() -> None:
    workers = Workers(1)
    workers.alone()
    (turns,), (cp,) = workers.turns, workers.checkpoints
    assert turns.take()
    assert not turns.ends_with(full=False)
    cp.begin(FIRST)
    assert turns.may_learn_ahead
    assert workers.stores[0].asked == 0


def test_at_the_start_and_with_some_of_the_partitions_others_are_reckoned_with() -> None:
    workers = Workers(1)
    (turns,), (store,) = workers.turns, workers.stores
    assert turns.in_company
    workers.alone()
    assert not turns.in_company
    turns.assigned(everything=False)
    assert turns.take()
    assert store.asked == 1


def test_with_all_partitions_a_worker_is_alone_at_once_until_it_meets_another() -> None:
    workers = Workers(1)
    (turns,) = workers.turns
    turns.assigned(everything=True)
    assert not turns.in_company
    turns.meet()
    assert turns.in_company


def test_a_commit_of_another_that_memory_was_brought_past_is_company() -> None:
    workers = Workers()
    workers.alone()
    learn(workers.checkpoints[0], FIRST)
    assert not workers.turns[0].in_company, "its own are none"
    workers.checkpoints[1].resync()
    assert workers.turns[1].in_company


def test_a_worker_alone_hears_from_its_own_commit_that_another_has_the_turn() -> None:
    workers = Workers()
    workers.alone()
    (turns, other), (cp, _) = workers.turns, workers.checkpoints
    assert turns.take()
    cp.begin(FIRST)
    other.meet()
    assert other.take()
    settled = cp.settle()
    assert settled is not None
    turns.committed(settled)
    assert turns.in_company
    assert not turns.take()


def test_in_company_one_has_the_turn_and_the_other_waits_for_a_commit() -> None:
    workers = Workers()
    assert workers.turns[0].take()
    assert not workers.turns[1].take()
    assert workers.stores[1].waits == 1
    workers.turns[0].leave()
    assert workers.turns[1].take()
    assert not workers.turns[0].take()


def test_who_takes_the_turn_is_at_the_head() -> None:
    workers = Workers()
    learn(workers.checkpoints[0], FIRST)
    learn(workers.checkpoints[0], SECOND)
    assert workers.turns[1].take()
    assert workers.checkpoints[1].head == workers.checkpoints[0].head
    assert workers.checkpoints[1].begin(OTHER).learned
    settled = workers.checkpoints[1].settle()
    assert settled is not None
    assert settled.receipt.committed


def test_the_turn_of_a_worker_that_died_is_over_after_its_time() -> None:
    workers = Workers()
    assert workers.turns[0].take()
    assert not workers.turns[1].take()
    workers.now += LOST_SECONDS
    assert workers.turns[1].take()


def test_a_turn_ends_with_a_batch_that_is_not_full_and_with_one_begun_after_its_time() -> None:
    workers = Workers()
    turns = workers.turns[0]
    assert turns.take()
    assert not turns.ends_with(full=True)
    assert turns.ends_with(full=False), "there is nothing more to learn"
    workers.now += TURN_SECONDS
    assert turns.ends_with(full=True)


def test_what_would_be_sent_after_the_turn_is_not_learned_ahead() -> None:
    workers = Workers()
    (turns, other), (cp, _) = workers.turns, workers.checkpoints
    assert turns.take()
    cp.begin(FIRST)
    assert turns.may_learn_ahead
    cp.settle()
    cp.begin(SECOND, ends_turn=True)
    assert not turns.may_learn_ahead
    settled = cp.settle()
    assert settled is not None
    turns.committed(settled)
    assert other.take()
    assert not turns.take()
    cp.begin(batch(0, 5, [("u", "i", 3.0)]))
    assert not turns.may_learn_ahead, "it has no turn"


def test_a_turn_that_was_used_up_is_offered_to_the_others_first() -> None:
    workers = Workers()
    (turns, _), (store, _) = workers.turns, workers.stores
    for used, waits in ((0.0, 0), (TURN_SECONDS, 1)):
        assert turns.take()
        workers.now += used
        workers.checkpoints[0].begin(batch(0, int(used > 0), [("u", "i", 3.0)]), ends_turn=True)
        settled = workers.checkpoints[0].settle()
        assert settled is not None
        turns.committed(settled)
        assert turns.take()
        assert store.waits == waits
        turns.leave()
