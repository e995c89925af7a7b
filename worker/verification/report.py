"""What a verification found."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from lfm_online.layout import Kind

SHOWN: Final = 20
"""Differing rows that are told of one by one."""

Verdict = Literal["proved", "differs", "cannot tell"]


class Ledger(msgspec.Struct, frozen=True):
    """Of one row: how many events it has seen, and the sum of their digests."""

    events: int
    digest: int

    def __str__(self) -> str:
        return f"{self.events} events, digest {self.digest:08x}"


class Difference(msgspec.Struct, kw_only=True):
    """A row of which topic and store say different things."""

    kind: Kind
    id: str
    expected: Ledger
    """By the topic."""
    found: Ledger
    """In the store."""
    offsets: dict[int, list[int]] = {}
    """The row's events in the topic by partition, the newest ones of many."""
    lost: list[tuple[int, int]] = []
    """(partition, offset) of the one event without which the topic would say what the store does."""
    doubled: list[tuple[int, int]] = []
    """(partition, offset) of the one event that the store has once too often."""

    def __str__(self) -> str:
        if not self.expected.events and not self.offsets:
            return f"{self.kind} {self.id!r}: in the store ({self.found}), but the topic does not know it"
        text = f"{self.kind} {self.id!r}: the topic says {self.expected}; the store {self.found}"
        for places, words in ((self.lost, "not learned"), (self.doubled, "learned twice")):
            text += "".join(f"; {words}: partition {p}, offset {offset}" for p, offset in places)
        if self.offsets and not self.lost and not self.doubled:
            text += f"; its events (partition: offsets): {self.offsets}"
        return text


class Report(msgspec.Struct, kw_only=True):
    """What a verification found; the keys of ``verify --json``."""

    events: int = 0
    """Valid events of the topic below the watermarks, from the baseline on."""
    dead_letters: int = 0
    rows: int = 0
    """Rows of the store that were checked."""
    watermarks: dict[str, int] = {}
    """What is proved: each row had learned at least the events below these, each once."""
    since: dict[str, int] = {}
    """The watermarks of the baseline."""
    differing: int = 0
    unknown: int = 0
    """Those of them that the topic does not know."""
    fitted: int = 0
    """Rows that no event has reached: ``fit`` put them there."""
    unproven: int = 0
    """Users forgotten in one partition with events in another: their order is not in the topic."""
    gone: dict[int, int] = {}
    """Where the log of a partition begins, past what is to be read: retention took events."""
    behind: dict[int, int] = {}
    """Watermarks of the store below those of the baseline: its rows are older."""
    compacted: bool = False
    """The topic is compacted: events that differ may have been in it."""
    differences: list[Difference] = []
    """Up to :data:`SHOWN` of them."""

    @property
    def verdict(self) -> Verdict:
        """Whether each event was learned exactly once, as far as it can be told."""
        if self.gone or self.behind or (self.differing and self.compacted):
            return "cannot tell"
        return "differs" if self.differing else "proved"

    @property
    def passed(self) -> bool:
        """Whether each event was learned exactly once."""
        return self.verdict == "proved"

    def to_dict(self) -> dict[str, Any]:
        """As ``verify --json`` prints it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        texts = [str(each) for each in self.differences]
        return {"passed": self.passed, "verdict": self.verdict, **found, "examples": texts}

    def lines(self) -> list[str]:
        """In words, for people."""
        told = [str(each) for each in self.differences]
        if self.gone:
            told.append(
                f"nothing can be proved: retention took what lies before these offsets: {self.gone}. "
                "Go on from a baseline that reaches that far (--baseline), and save one more often than the "
                "topic's retention.ms"
            )
        if self.behind:
            told.append(
                f"nothing can be proved: the store's watermarks {self.behind} lie below the baseline's "
                f"{self.since}. Let the worker catch up, or take an older baseline"
            )
        if self.compacted and self.differing:
            told.append(
                "the topic is compacted (cleanup.policy): what differs may have been in events that are gone"
            )
        if self.fitted:
            told.append(f"{self.fitted} rows hold only what was fitted before the first event")
        if self.unproven:
            told.append(
                f"{self.unproven} users were forgotten in one partition and rated in another: not proved"
            )
        verdict = {
            "proved": "each event was learned exactly once",
            "differs": f"{self.differing} rows differ, {self.unknown} of them unknown to the topic",
            "cannot tell": "it can't be told whether each event was learned exactly once",
        }[self.verdict]
        since = " since the baseline" if self.since else ""
        return [
            *told,
            f"{self.events} events{since}, {self.dead_letters} dead letters, {self.rows} rows: {verdict}",
        ]
