"""The stores that pass one suite: each a server with one model, and connections to it."""

import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

import pytest
import redis

from lfm_online.store import feed
from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import Commit, Head, Store
from lfm_online.store.redis import RedisStore
from tests.contracts.commits import commit_on
from tests.simulation.made_store import MadeServer, ShakyStore

Dump = Mapping[str, object]


class ModelServer(Protocol):
    """What holds one model."""

    def connect(self) -> Store:
        """A connection of its own."""

    def dump(self) -> Dump:
        """Every value, to be compared."""

    def close(self) -> None:
        """Drop every connection."""


class InMemory:
    """A model in this process."""

    def __init__(self) -> None:
        self._server: MemoryServer = MemoryServer()

    def connect(self) -> MemoryStore:
        return MemoryStore(self._server)

    def dump(self) -> Dump:
        server = self._server
        return {
            **{name: repr(value) for name, value in vars(server).items()},
            "feed": [feed.to_fields(entry) for entry in server.feed],
        }

    def close(self) -> None:
        pass


class Calm:
    """Surroundings of a made store in which nothing breaks."""

    def __init__(self) -> None:
        self.server = MadeServer()
        self.counts: Counter[str] = Counter()
        self.lapse_rate = 0.0
        self.on_the_wire: list[tuple[MadeServer, Commit]] = []

    def point(self, owner: object) -> bool:
        return False

    def chance(self, share: float) -> bool:
        return False


class Made(InMemory):
    """A model in the simulation's store."""

    def __init__(self) -> None:
        self._calm = Calm()
        self._server = self._calm.server

    def connect(self) -> ShakyStore:
        return ShakyStore(self._calm, self)


class InRedis:
    """A model in Redis or Valkey, under a name that no other test has."""

    def __init__(self, url: str, model: str = "") -> None:
        self.url = url
        self.model = model or f"contract-{uuid.uuid4().hex}"
        self.client = redis.Redis.from_url(url)
        self._stores = contextlib.ExitStack()

    def connect(self, url: str = "") -> RedisStore:
        return self._stores.enter_context(contextlib.closing(RedisStore(url or self.url, self.model)))

    def key(self, name: str) -> str:
        return f"lfm:{{{self.model}}}:{name}"

    def dump(self) -> Dump:
        # DUMP's bytes differ with a value's inner encoding and its stream's bookkeeping: read values instead.
        prefix = self.key("").encode()
        names = sorted(name for name in self.client.scan_iter(count=10_000) if name.startswith(prefix))
        return {name.decode(): self._value(name) for name in names}

    def _value(self, name: bytes) -> object:
        match self.client.type(name):
            case b"string":
                return self.client.get(name)
            case b"list":
                return self.client.lrange(name, 0, -1)
            case b"hash":
                return self.client.hgetall(name)
            case b"stream":
                return self.client.xrange(name)
            case kind:
                return kind

    def close(self) -> None:
        self._stores.close()
        self.client.close()


def applied(store: Store, commit: Commit) -> bool:
    """Send a commit and wait for its answer."""
    store.send_commit(commit)
    return store.receive_commit().committed


def grow(store: Store, since: Head, commits: int = 1, **changes: object) -> Head:
    """As many commits one after another; the last one's head."""
    for _ in range(commits):
        commit = commit_on(since, **changes)  # type: ignore[arg-type]  # as commit_on takes them
        assert applied(store, commit)
        since = commit.head
    return since


def fails(act: Callable[[], object], error: type[Exception], words: str | None = None) -> None:
    """See that it raises that error, with those words."""
    with pytest.raises(error, match=words):
        act()
