"""A replica follows its model, on a store in memory and on a real server."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
import redis

from lfm_online.follower import Follower
from lfm_online.known import known_item, rated_by, reasons
from lfm_online.predict import predict
from lfm_online.prepare import prepare_lookups
from lfm_online.recommend import recommend
from lfm_online.replica import STALE_SECONDS, Replica
from lfm_online.replica_reads import ModelMissingError, NotReadyError
from lfm_online.similar import UnknownIdError, similar
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import RowsRead, Store
from lfm_online.store.redis import RedisStore
from tests.made_model import Event, Learner, learn_in_commits, random_ratings


@dataclass
class Place:
    """Where a model is stored, and what lies there."""

    open: Callable[[], Store]
    contents: Callable[[], object]
    cut_feed: Callable[[], None]

    def replica(self, users: int = 100) -> Replica:
        # Its clock stands still: a kernel that is compiled between two looks makes it no staler.
        return Replica(self.open, "m", users=users, clock=lambda: 0.0)


@pytest.fixture(params=["memory", "server"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "memory":
        server = MemoryServer()
        yield Place(lambda: MemoryStore(server), lambda: repr(vars(server)), server.feed.clear)
        return
    url, model = request.getfixturevalue("store"), f"m-{uuid.uuid4().hex}"
    client = redis.Redis.from_url(url)

    def contents() -> object:
        return client.dbsize(), {key: client.dump(key) for key in client.scan_iter(f"lfm:{{{model}}}:*")}

    yield Place(
        lambda: RedisStore(url, model), contents, lambda: _ignore(client.delete(f"lfm:{{{model}}}:feed"))
    )
    client.close()


def _ignore(_value: object) -> None: ...


def answers(replica: Replica) -> object:
    """What a replica says of some users and items."""
    users = ["a/b", "u1", "u2", "new user", "nobody"]
    items = ["😀", "i1", "i2", "new item", "nothing"]
    return (
        predict(replica, [(user, item) for user in users for item in items]),
        [recommend(replica, user, 1000) for user in users],
        similar(replica, "😀", 1000),
    )


def fresh_answers(place: Place) -> object:
    """The same from a replica that reads everything anew."""
    replica = place.replica()
    replica.follow(0)
    return answers(replica)


def test_every_commit_shows_in_the_next_answer(place: Place) -> None:
    learner = learn_in_commits(place.open(), random_ratings(300))
    replica = place.replica()
    replica.follow(0)
    later = random_ratings(400)[300:]
    later[10] = Event("new user", "new item", 5.0, later[10].time_ms)
    later[20] = Event("u1", "i1")
    later[30] = Event("a/b")
    for event in later:
        answers(replica)  # fills the cache with what is about to change
        learner.learn([event])
        replica.follow(1)
        assert answers(replica) == fresh_answers(place)


def test_several_commits_are_followed_at_once(place: Place) -> None:
    learner = learn_in_commits(place.open(), random_ratings(300))
    replica = place.replica()
    replica.follow(0)
    answers(replica)
    for j in range(30):
        learner.learn([Event("u1", f"another item {j}", 1.0, j), Event("u2", "😀", 5.0, j)])
    replica.follow(1)
    assert answers(replica) == fresh_answers(place)


def test_a_feed_with_a_gap_makes_it_stale_and_then_read_everything_anew(place: Place) -> None:
    learner = learn_in_commits(place.open(), random_ratings(300))
    replica = place.replica()
    replica.follow(0)
    answers(replica)
    learner.learn([Event("u1", "😀", 0.5, 1)])
    place.cut_feed()
    learner.store.close()  # it watches the feed, and a commit would be refused once
    learner.learn([Event("u2", "i1", 0.5, 1)])
    replica.follow(1)
    with pytest.raises(NotReadyError, match="does not link up"):
        answers(replica)
    replica.follow(1)
    assert answers(replica) == fresh_answers(place)


def test_lookups_leave_nothing_behind_in_store_or_memory(place: Place) -> None:
    learn_in_commits(place.open(), random_ratings(300))
    replica = place.replica(users=5)
    replica.follow(0)
    stored, rows = place.contents(), replica.row_counts()
    for j in range(200):
        user, item = f"unknown {j}", f"unknown {j}"
        predict(replica, [(user, item), (user, "😀")])
        recommend(replica, user, 5)
        reasons(replica, user, "😀", 5)
        for look_up in (known_item, rated_by):
            with pytest.raises(UnknownIdError):
                look_up(replica, item)
        with pytest.raises(UnknownIdError):
            similar(replica, item, 5)
    assert replica.row_counts() == rows
    assert rows["user"] == 0
    predict(replica, [(f"u{j}", "😀") for j in range(20)])
    assert replica.row_counts()["user"] == 5
    assert place.contents() == stored


def test_it_waits_for_a_model_that_is_not_there_yet(place: Place) -> None:
    replica = place.replica()
    for look_up in (lambda: predict(replica, [("u", "i")]), lambda: recommend(replica, "u", 1)):
        with pytest.raises(NotReadyError, match="loading"):
            look_up()
    with pytest.raises(ModelMissingError, match="LFM_MODEL"):
        replica.follow(0)
    assert "LFM_STORE" in (replica.problem() or "")
    learner = Learner(place.open())
    replica.follow(0)
    learner.learn([Event("u", "i", 5.0, 1)])
    replica.follow(1)
    assert predict(replica, [("u", "i")])[1][0].user_ratings == 1


def test_a_replica_that_was_not_at_the_head_for_long_answers_no_more() -> None:
    server, now = MemoryServer(), [0.0]
    learn_in_commits(MemoryStore(server), random_ratings(20))
    replica = Replica(lambda: MemoryStore(server), "m", users=5, clock=lambda: now[0])
    replica.follow(0)
    now[0] = STALE_SECONDS
    recommend(replica, "u1", 1)
    now[0] += 0.1
    assert replica.age_seconds() == now[0]
    with pytest.raises(NotReadyError, match="not seen at the model's head"):
        recommend(replica, "u1", 1)
    replica.follow(0)
    recommend(replica, "u1", 1)


def test_a_user_read_from_a_commit_that_the_store_then_lost_is_read_again() -> None:
    server = MemoryServer()
    learner = learn_in_commits(MemoryStore(server), random_ratings(300))
    replica = Replica(lambda: MemoryStore(server), "m", users=5)
    replica.follow(0)
    before = copy.deepcopy(server)
    learner.learn([Event("u1", "😀", 0.5, 1)])
    replica.read_users(["u1"])  # the row of a commit that the replica has not followed yet
    server.__dict__.update(copy.deepcopy(before).__dict__)  # the store falls back
    again = Learner(MemoryStore(server))
    again.checkpoint._new_id = lambda: b"another commit's"
    again.learn([Event("u2", "i1", 0.5, 1)])  # joins up with the replica's head all the same
    replica.follow(0)
    replica.follow(0)
    assert replica.read_users(["u1"]) == [server.rows["user"]["u1"]]
    assert answers(replica) == fresh_answers(Place(lambda: MemoryStore(server), lambda: None, lambda: None))


class _Overtaken(MemoryStore):
    """Lets something happen between a read of users and its answer."""

    meanwhile: Callable[[], None] | None = None

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        read = super().read_rows(users, items, histories)
        happen, _Overtaken.meanwhile = _Overtaken.meanwhile, None
        if users and happen is not None:
            happen()
        return read


@pytest.mark.parametrize("cut", [False, True])
def test_a_user_read_that_a_change_overtook_is_not_kept(cut: bool) -> None:
    server = MemoryServer()
    learner = learn_in_commits(MemoryStore(server), random_ratings(300))
    replica = Replica(lambda: _Overtaken(server), "m", users=5)
    replica.follow(0)

    def change() -> None:
        learner.learn([Event("u1", "😀", 0.5, 1)])
        if cut:  # then the model is loaded anew
            server.feed.clear()
            replica.follow(0)
        replica.follow(0)

    _Overtaken.meanwhile = change
    replica.read_users(["u1"])
    assert replica.row_counts()["user"] == 0
    assert replica.read_users(["u1"]) == [server.rows["user"]["u1"]]


def test_lookups_in_many_threads_while_it_follows_end_in_the_stores_rows(place: Place) -> None:
    learner = learn_in_commits(place.open(), random_ratings(300))
    replica = Replica(place.open, "m", users=10, prepare=prepare_lookups)
    replica.follow(0)
    follower = Follower(replica)
    follower.start()
    done, failures = threading.Event(), []

    def look_up() -> None:
        try:
            while not done.is_set():
                _, (found,) = predict(replica, [("u1", "😀")])
                assert found.score == sum(found.parts.values())
                answers(replica)
        except Exception as error:  # noqa: BLE001 - asserted below
            failures.append(error)

    threads = [threading.Thread(target=look_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for j, event in enumerate(random_ratings(600)[300:]):
        learner.learn([event, Event("u1", f"another item {j}", 3.0, event.time_ms)])
    done.set()
    for thread in threads:
        thread.join()
    assert follower.problems() == []
    follower.stop()
    assert failures == []
    replica.follow(0)
    assert answers(replica) == fresh_answers(place)
