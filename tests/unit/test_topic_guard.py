"""What a worker is told when the log is no longer the one that its watermarks are of."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lfm_online.meta import read_meta
from lfm_online.store.memory import MemoryServer
from tests.made_checkpoints import FIRST, OTHER, checkpoint, learn
from worker.checkpoint import Checkpoint
from worker.model_opening import meta_of
from worker.setting_types import OnTrouble
from worker.settings import Settings
from worker.source.made import MadeLog, MadeSource
from worker.source.protocol import LogView
from worker.topic_guard import EventsGoneError, TopicGuard, TopicReplacedError, Trouble

Told = list[tuple[Trouble, Mapping[int, int]]]


class KnownSource(MadeSource):
    """A log whose id and partitions a test sets."""

    def __init__(self, ends: Mapping[int, int]) -> None:
        super().__init__(MadeLog([[] for _ in range(4)]))
        self.ends = ends
        self.seen = LogView("one", frozenset(range(4)))
        self.now = ""

    def view(self) -> LogView:
        return self.seen

    def topic_id(self) -> str:
        return self.now or self.seen.topic_id

    def last_offsets(self, partitions: object) -> dict[int, int]:
        return dict(self.ends)


def guarded(choice: OnTrouble) -> tuple[KnownSource, Checkpoint, TopicGuard, Told]:
    """A model that learned partitions 0 and 1 up to 3 each."""
    server, told = MemoryServer(), Told()
    server.meta = meta_of(Settings(), "one").to_bytes()
    worker = checkpoint(server)
    learn(worker, FIRST)
    learn(worker, OTHER)
    source = KnownSource({0: 1, 1: 1})
    guard = TopicGuard(
        source,
        worker,
        "m",
        "one",
        replaced=choice,
        gone=choice,
        told=lambda trouble, gone: told.append((trouble, gone)),
    )
    return source, worker, guard, told


def test_a_log_that_is_as_it_was_is_left_alone() -> None:
    _, worker, guard, told = guarded("stop")
    head = worker.head
    assert guard.settle({0: 0, 1: 0, 2: 9})
    assert (worker.head, told) == (head, [])


def test_another_id_is_another_topic() -> None:
    source, worker, guard, _ = guarded("stop")
    source.seen = source.seen._replace(topic_id="two")
    marks = dict(worker.watermarks)
    with pytest.raises(TopicReplacedError, match=r"one.*two.*LFM_TOPIC_REPLACED=continue.*LFM_MODEL"):
        guard.settle({0: 0, 1: 0})
    assert worker.watermarks == marks


def test_a_broker_that_tells_no_id_is_believed() -> None:
    source, _, guard, _ = guarded("stop")
    source.seen = LogView("", frozenset())
    assert not guard.is_replaced()
    assert guard.settle({0: 0, 1: 0})


def test_told_to_go_on_one_worker_moves_the_model_and_the_other_takes_it_over() -> None:
    source, worker, guard, told = guarded("continue")
    other = checkpoint(worker.store.server)  # type: ignore[attr-defined]  # a store in memory
    second = TopicGuard(
        source, other, "m", "one", replaced="continue", gone="stop", told=lambda *_: pytest.fail("twice")
    )
    source.seen = source.seen._replace(topic_id="two")
    assert guard.settle({0: 0, 1: 5})
    assert (worker.watermarks, told) == ({0: 0, 1: 5}, [("replaced", {})])
    assert not guard.is_replaced()
    assert read_meta(worker.store.read_meta() or b"", "m").topic_id == "two"
    assert not second.settle({2: 0, 3: 0})
    other.resync()
    assert other.watermarks == {0: 0, 1: 5}
    assert second.settle({2: 0, 3: 0})


def test_a_worker_that_last_heard_of_the_topic_before_it_was_made_anew_does_not_move_the_model_back() -> None:
    source, worker, guard, _ = guarded("continue")
    source.seen = source.seen._replace(topic_id="two")
    assert guard.settle({0: 0, 1: 5})
    source.seen, source.now = source.seen._replace(topic_id="one"), "two"
    late = TopicGuard(
        source,
        worker,
        "m",
        "two",
        replaced="continue",
        gone="stop",
        told=lambda *_: pytest.fail("moved back"),
    )
    assert not late.settle({2: 0, 3: 0})
    assert read_meta(worker.store.read_meta() or b"", "m").topic_id == "two"
    source.seen = source.seen._replace(topic_id="two")
    assert late.settle({2: 0, 3: 0})


def test_a_move_on_a_head_that_is_gone_is_asked_for_again() -> None:
    _, worker, guard, told = guarded("continue")
    other = checkpoint(worker.store.server)  # type: ignore[attr-defined]  # the same
    assert other.move({3: 1})
    assert not guard.settle({0: 0, 1: 7})
    worker.resync()
    assert guard.settle({0: 0, 1: 7})
    assert worker.watermarks == {0: 3, 1: 7, 3: 1}
    assert told == [("gone", {1: 4})]


def test_what_retention_took_is_counted_by_partition() -> None:
    _, worker, guard, _ = guarded("stop")
    with pytest.raises(EventsGoneError, match=r"gone: 4 in partition 0 \(up to 6\).*_GONE=continue"):
        guard.settle({0: 7, 1: 3})
    assert worker.watermarks == {0: 3, 1: 3}


@pytest.mark.parametrize("choice", ["stop", "continue"])
def test_a_log_is_cut_only_if_the_broker_says_that_it_ends_before(choice: OnTrouble) -> None:
    source, worker, guard, told = guarded(choice)
    guard.lost({0: 99, 1: 3})  # of partition 0 the watermark is another by now
    if choice == "stop":
        with pytest.raises(TopicReplacedError, match="partition 1 ends at 1, learned up to 3"):
            guard.settle({0: 0, 1: 0})
        return
    assert guard.settle({0: 0, 1: 0})
    assert (worker.watermarks, told) == ({0: 3, 1: 1}, [("cut", {})])
    source.ends = {0: 9}
    guard.lost({0: 3})
    assert guard.settle({0: 0, 1: 0})
    assert worker.watermarks == {0: 3, 1: 1}


def test_partitions_that_are_added_are_told_once() -> None:
    source, _, guard, told = guarded("stop")
    assert guard.settle({0: 0})
    source.seen = source.seen._replace(partitions=frozenset(range(6)))
    assert guard.settle({0: 0})
    assert guard.settle({0: 0})
    assert told == [("partitions_added", {})]
