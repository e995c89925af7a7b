"""The made store: a server that outlives nothing but what a snapshot kept, and connections that break.

It passes the contract suite of all stores (`tests/contracts/`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from lfm_online.store.memory import MemoryServer, MemoryStore
from lfm_online.store.protocol import (
    Claim,
    Commit,
    FeedEntry,
    FeedRead,
    Head,
    Receipt,
    RowsRead,
    State,
    StoreAwayError,
)

_Answer = TypeVar("_Answer")


@dataclass
class MadeServer(MemoryServer):
    """A server with the whole feed beside the trimmed one, for the replay."""

    whole_feed: list[FeedEntry] = field(default_factory=list)
    gone: bool = False  # its process has ended: connections to it break

    def apply(self, commit: Commit) -> bool:
        """As `MemoryServer`, and keep the entry for good."""
        done = super().apply(commit)
        if done:
            self.whole_feed.append(self.feed[-1])
        return done

    def copy(self) -> MadeServer:
        """What a replica that stands here holds."""
        made = type(self)(clock=self.clock)
        vars(made).update({name: _copied(value) for name, value in vars(self).items()})
        made.gone = False
        return made

    def flush(self) -> None:
        """FLUSHALL: empty, and connections stay."""
        vars(self).update(vars(MadeServer(clock=self.clock)))


def _copied(value: Any) -> Any:
    """Collections anew, down to what never changes."""
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, list) else value


class Surroundings(Protocol):
    """What decides the fate of a request."""

    server: MadeServer  # the primary, as a new connection finds it
    counts: Counter[str]
    lapse_rate: float  # how often a turn is over that its worker still counts on
    on_the_wire: list[tuple[MadeServer, Commit]]  # sent on connections that then broke; may arrive yet

    def point(self, owner: object) -> bool:
        """Let something else happen meanwhile, or the owner die; whether the connection breaks here."""

    def chance(self, share: float) -> bool:
        """Draw one."""


class ShakyStore(MemoryStore):
    """A connection: at each of its points the owner may die, others may act, or it may break.

    A commit on a connection that breaks may have been done, may be done later, or never.
    """

    server: MadeServer

    def __init__(self, around: Surroundings, owner: object) -> None:
        super().__init__(around.server)
        self._around = around
        self._owner = owner
        self._applied: bool | None = None
        self._turn = b""  # whose it was then
        self._rows_server: MadeServer | None = None  # of the connection for rows
        self._wanted: Callable[[], RowsRead] | None = None

    def close(self) -> None:
        """The connection goes; the next one is to whatever is the primary then."""
        if self._in_flight is not None and self._applied is None and self._around.chance(0.5):
            self._around.on_the_wire.append((self.server, self._in_flight))
        super().close()
        self._applied = self._rows_server = self._wanted = None
        self.server = self._around.server

    def _point(self, moment: str) -> None:
        if self._around.point(self._owner) or self.server.gone:
            self.close()
            raise StoreAwayError(f"the connection broke {moment}")

    def send_commit(self, commit: Commit) -> None:
        self._point("before the commit")
        super().send_commit(commit)
        if self._around.chance(0.3):  # the server may work on it before anybody asks
            self._turn = self.server.holder
            self._applied = self.server.apply(commit)
        self._point("while the commit was sent")

    def receive_commit(self) -> Receipt:
        self._point("before the reply")
        if self._applied is None:
            self._applied, _, self._turn = super().receive_commit()
        self._point("and the reply was lost")
        done, self._applied, self._in_flight = self._applied, None, None
        return Receipt(done, 0.001 if self._around.chance(0.5) else 0.02, self._turn)

    def _ask(self, ask: Callable[[], _Answer]) -> _Answer:
        self._point("before a request")
        answer = ask()
        self._point("before its answer")
        return answer

    def read_meta(self) -> bytes | None:
        return self._ask(super().read_meta)

    def create(self, meta: bytes) -> bool:
        return self._ask(lambda: super(ShakyStore, self).create(meta))

    def read_state(self) -> State:
        return self._ask(super().read_state)

    def read_feed(self, since: Head) -> FeedRead:
        return self._ask(lambda: super(ShakyStore, self).read_feed(since))

    def read_items(self, start: int) -> list[str]:
        return self._ask(lambda: super(ShakyStore, self).read_items(start))

    def read_rows(
        self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()
    ) -> RowsRead:
        self.ask_rows(users, items, histories)
        return self.receive_rows()

    def ask_rows(self, users: Sequence[str], items: Sequence[str], histories: Sequence[str] = ()) -> None:
        """On a connection of its own, which breaks with the other."""
        self._point("before a request for rows")
        if self._rows_server is None:
            self._rows_server = self._around.server
        server = self._rows_server
        self._wanted = partial(MemoryStore(server).read_rows, list(users), list(items), list(histories))
        self._rows = None
        if self._around.chance(0.5):  # the server may get to it before it has done a commit, or after
            self._rows = self._wanted()
        self._point("after a request for rows")

    def receive_rows(self) -> RowsRead:
        self._point("before rows came")
        if self._rows_server is None or self._rows_server.gone:
            self.close()
            raise StoreAwayError("the connection for rows broke")
        wanted, self._wanted = self._wanted, None
        if self._rows is None and wanted is not None:
            self._rows = wanted()
        return super().receive_rows()

    def read_priors(self) -> bytes | None:
        return self._ask(super().read_priors)

    def claim_turn(self, who: bytes, seconds: float) -> Claim:
        if self._around.chance(self._around.lapse_rate):
            self.server.turn = (b"", 0.0)
        claim = self._ask(lambda: super(ShakyStore, self).claim_turn(who, seconds))
        self._around.counts["turns waited for"] += not claim.mine
        return claim

    def end_turn(self) -> None:
        self._ask(super().end_turn)

    def read_dead(self, partition: int, limit: int) -> dict[int, bytes]:
        return self._ask(lambda: super(ShakyStore, self).read_dead(partition, limit))

    def drop_dead(self, partition: int, offsets: Sequence[int]) -> None:
        self._ask(lambda: super(ShakyStore, self).drop_dead(partition, offsets))

    def count_dead(self, partition: int) -> int:
        return self._ask(lambda: super(ShakyStore, self).count_dead(partition))


class HeadlessServer(MadeServer):
    """What must not be: commits are applied whatever they rest on."""

    def apply(self, commit: Commit) -> bool:
        self.head = commit.expected
        return super().apply(commit)
