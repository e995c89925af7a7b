"""A topic learned once more gives the same bytes, whatever was read again on the way."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from lfm_online.fit.into_store import ModelExistsError
from lfm_online.layout import SLOT
from lfm_online.meta import MetaMismatchError, read_meta
from lfm_online.ranking.layout import SLOT as RING_SLOT
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Range
from tests.made_checkpoints import state
from tests.made_topic import PARTITIONS, SETTINGS, MadeTopic, fill, learn_on
from tests.unit.test_verification import META, Play
from worker.checkpoint import Checkpoint
from worker.decode import Decoder
from worker.replay import NoReplayError, Replayed, replay
from worker.replay.order import ordered, plan_of
from worker.source.made import MadeLog
from worker.verification.models import Comparison, compare


def again(
    play: Play, target: MemoryServer | None = None, first: dict[int, int] | None = None
) -> tuple[Replayed, MemoryServer]:
    """Replay a play's model into another."""
    target = target if target is not None else MemoryServer()
    ids = itertools.count(1)
    play.server.meta = META.to_bytes()
    done = replay(
        MemoryStore(play.server),
        MadeTopic(play.log, first=first),
        Decoder(SETTINGS),
        META,
        MemoryStore(target),
        "again",
        new_id=lambda: next(ids).to_bytes(16, "little"),
        feed_entries=1000,
        progress=lambda *_: None,
    )
    return done, target


def compared(own: MemoryServer, other: MemoryServer) -> Comparison:
    return compare(("own", MemoryStore(own)), ("other", MemoryStore(other)), lambda *_: None)


@pytest.mark.parametrize("seed", range(10))
def test_rows_read_again_after_each_commit_are_the_same_bytes_as_rows_never_read_again(seed: int) -> None:
    log = MadeLog([[] for _ in range(PARTITIONS)])
    fill(log, random.Random(seed), 200)
    found = []
    for forgetful in (False, True):
        rng, server = random.Random(seed), MemoryServer()
        worker = Checkpoint(
            MemoryStore(server),
            META.make_model(),
            SETTINGS.topic,
            feed_entries=10**6,
            new_id=lambda rng=rng: rng.randbytes(16),  # type: ignore[misc]
        )
        worker.resync()
        worker.beginnings = dict.fromkeys(range(PARTITIONS), 0)
        while learn_on(worker, log, rng):
            if forgetful:
                worker.model.users.forget_all()
                worker.model.items.forget_all()
                worker.resync()
        found.append(state(server))
    assert found[0] == found[1]


@pytest.mark.parametrize("seed", range(10))
def test_by_the_whole_feed_a_replay_gives_the_same_bytes(seed: int) -> None:
    play = Play(seed)
    play.learn()
    done, target = again(play)
    assert done.exact
    assert state(target) == state(play.server)
    assert not any(target.dead.values())
    assert read_meta(target.meta or b"", "again") == META
    assert compared(play.server, target).passed


def test_a_model_replayed_by_time_tells_its_own_order_and_can_be_replayed_by_it() -> None:
    play = Play(11)
    play.learn()
    del play.server.feed[:]
    done, target = again(play)
    assert (done.exact, done.by_feed) == (False, 0)
    assert target.watermarks == play.server.watermarks
    second = Play(11)
    second.server = target
    done, third = again(second)
    assert done.exact
    assert state(third) == state(target)


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_what_the_feed_no_longer_names_comes_by_time_partition_and_offset(at_once: int) -> None:
    play = Play(12)
    play.learn()
    kept = play.server.feed[-4:]
    play.server.feed[:] = kept
    plan = plan_of(MemoryStore(play.server), SETTINGS.topic)
    streams = MadeTopic(play.log).streams(plan.first, plan.ends)
    found, marks = [], dict.fromkeys(range(PARTITIONS), 0)
    for part in ordered(plan, streams, Decoder(SETTINGS), at_once):
        found += list(zip(part.partition.tolist(), part.offset.tolist(), strict=True))
        for r in part.ranges:
            assert marks[r.partition] == r.first
            marks[r.partition] = r.end
    assert marks == plan.ends

    # The slow twin: a partition's records are as old as the newest so far; then sorted at once.
    early, late = [], []
    for p, log in enumerate(play.log.partitions):
        newest = 0
        for offset, time_ms, _, value in log:
            newest = max(newest, time_ms) if value is None or b": 9," not in value else newest
            if value is not None and b": 9," in value:
                continue
            if offset < plan.kept[p]:
                early.append((newest, p, offset))
            else:
                late.append((p, offset))
    assert found[: len(early)] == [(p, offset) for _, p, offset in sorted(early)]
    ranges = [r for entry in kept for r in entry.ranges]
    assert found[len(early) :] == [x for r in ranges for x in sorted(late) if inside(r, *x)]


def inside(r: Range, partition: int, offset: int) -> bool:
    return r.partition == partition and r.first <= offset < r.end


def test_models_whose_items_stand_in_another_order_are_compared_by_id() -> None:
    """The same rows, the items' numbers turned round in list and histories."""
    play = Play(13)
    play.learn()
    play.server.meta = META.to_bytes()
    turned = MemoryServer(**vars(play.server))
    n = len(turned.items)
    turned.items = turned.items[::-1]
    row_bytes = META.make_model().users.row_bytes
    at = META.make_rule().row_bytes("user", META.factors) + 8

    def turn(value: bytes, start: int) -> bytes:
        slots = np.frombuffer(value[start:], SLOT).copy()
        slots["item"] = n - 1 - slots["item"]
        return turn_last(value[:start]) + slots.tobytes()

    def turn_last(row: bytes) -> bytes:
        if not row:
            return row
        last = np.frombuffer(row[at : at + 64], "<i4").copy()
        last[last > 0] = n + 1 - last[last > 0]
        last[last < 0] = -(n + 1) - last[last < 0]
        return row[:at] + last.tobytes() + row[at + 64 :]

    turned.rows = {
        "user": {user: turn(value, row_bytes) for user, value in turned.rows["user"].items()},
        "item": turned.rows["item"],
    }
    ring = np.frombuffer(turned.ring or b"", RING_SLOT).copy()
    ring["item"] = n - 1 - ring["item"]
    turned.ring = ring.tobytes()
    turned.histories = {user: turn(value, 0) for user, value in turned.histories.items()}
    assert turned.rows["user"] != play.server.rows["user"]
    assert compared(play.server, turned).passed
    assert compared(turned, play.server).passed


def test_every_kind_of_difference_between_two_models_is_found() -> None:
    play = Play(14)
    play.learn()
    _, target = again(play)
    rows = target.rows
    user, item = min(rows["user"]), min(rows["item"])
    rows["user"][user] = rows["user"][user][:-1] + b"\xff"
    del rows["item"][item]
    rows["item"]["new"] = bytes(8)
    target.globals = b"other"
    target.ring = None
    target.items.append("new")
    target.histories["who"] = b"what"
    found = compared(play.server, target)
    assert found.verdict == "differs"
    assert found.differing == {
        "globals": 1,
        "ring": 1,
        "items": 1,
        "user rows": 1,
        "item rows": 2,
        "histories": 0,
    }
    target.watermarks["ratings-0"] += 1
    assert compared(play.server, target).verdict == "cannot tell"


def test_what_can_not_be_replayed_is_refused() -> None:
    play = Play(15)
    play.learn()
    _, target = again(play)
    with pytest.raises(ModelExistsError, match=r"a model 'again': .* another name \(--into\)"):
        again(play, target)
    with pytest.raises(NoReplayError, match="retention"):
        again(play, first={0: 1})
    with pytest.raises(MetaMismatchError, match="no model 'other'"):
        compared(play.server, MemoryServer())
