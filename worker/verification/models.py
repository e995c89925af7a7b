"""Two models of one store, compared byte by byte: globals, items, rows, histories, the ranking head's ring.

Items are compared as a set: an item's number is its place in the order in which items were first learned,
so item numbers are translated where the two lists differ. (The ranking head draws items by their numbers:
with one, other lists mostly come with other rows.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfm_online.id_index import IdIndex
from lfm_online.ids import Ids
from lfm_online.layout import SLOT, Kind
from lfm_online.meta import Meta, MetaMismatchError, read_meta
from lfm_online.ranking.layout import LAST, USER_STATE
from lfm_online.ranking.layout import SLOT as RING_SLOT
from lfm_online.store.protocol import State, Store, StoreBrokenError
from worker.verification.report import SHOWN, Verdict

Named = tuple[str, Store]
"""A model's name, and a connection to it."""


class Comparison(msgspec.Struct, kw_only=True):
    """What a comparison found; the keys of ``verify --against --json``."""

    users: int = 0
    items: int = 0
    watermarks: tuple[dict[str, int], dict[str, int]]
    """Of both; if they differ, so may everything else, and nothing is compared."""
    differing: dict[str, int]
    """How many values differ, by :data:`WHAT`."""
    examples: list[str] = []

    @property
    def verdict(self) -> Verdict:
        """Whether all bytes are the same."""
        if self.watermarks[0] != self.watermarks[1]:
            return "cannot tell"
        return "differs" if any(self.differing.values()) else "proved"

    @property
    def passed(self) -> bool:
        """Whether all bytes are the same."""
        return self.verdict == "proved"

    def differs(self, what: str, text: str) -> None:
        """Enter a value that differs."""
        self.differing[what] += 1
        if len(self.examples) < SHOWN:
            self.examples.append(text)

    def to_dict(self) -> dict[str, Any]:
        """As ``verify --against --json`` prints it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return {"passed": self.passed, "verdict": self.verdict, **found}

    def lines(self) -> list[str]:
        """In words, for people."""
        if self.verdict == "cannot tell":
            own, other = self.watermarks
            text = f"the models have learned different events: watermarks {own} here, {other} there. "
            return [text + "Stop the worker, and replay again"]
        counts = ", ".join(f"{n} {what}" for what, n in self.differing.items() if n)
        verdict = f"these differ: {counts}" if counts else "byte for byte the same"
        return [*self.examples, f"{self.users} users, {self.items} items: {verdict}"]


WHAT: Final = ("globals", "ring", "items", "user rows", "item rows", "histories")


def compare(own: Named, other: Named, progress: Callable[[str, int, int | None], None]) -> Comparison:
    """Compare two models that nobody writes to.

    Raises:
        MetaMismatchError: one is not there, or their settings differ.
        StoreBrokenError: somebody wrote to one meanwhile.
    """
    metas = [_meta_of(*named) for named in (own, other)]
    if metas[0] != metas[1]:
        raise MetaMismatchError(
            f"models {own[0]!r} and {other[0]!r} have other settings: {metas[0]}; {metas[1]}"
        )
    states = own[1].read_state(), other[1].read_state()
    found = Comparison(
        watermarks=(states[0].watermarks, states[1].watermarks), differing=dict.fromkeys(WHAT, 0)
    )
    if found.verdict == "cannot tell":
        return found
    pair = _Pair(own, other, states, metas[0], found)
    if states[0].globals != states[1].globals:
        found.differs("globals", "the globals differ")
    pair.compare_ring()
    pair.compare_rows("item", progress)
    pair.compare_rows("user", progress)
    return found


def _meta_of(name: str, store: Store) -> Any:
    stored = store.read_meta()
    if stored is None:
        raise MetaMismatchError(f"the store has no model {name!r}")
    return read_meta(stored, name)


class _Pair:
    def __init__(
        self, own: Named, other: Named, states: tuple[State, State], meta: Meta, found: Comparison
    ) -> None:
        self._named = own, other
        self._states = states
        self._found = found
        # Where the ranking head's section of a user's row begins, and the history's tail behind it.
        self._ranked = meta.make_rule().row_bytes("user", meta.factors) if meta.ranking else None
        self._tail = meta.make_model(capacity=1).users.row_bytes
        lists = [Ids.of(named[1].read_items(0)) for named in self._named]
        index = IdIndex()
        index.numbers(lists[0])
        numbers = index.find(lists[1])
        for text in lists[1].take(np.flatnonzero(numbers < 0)):
            found.differs("items", f"item {text!r} is only in the list of {other[0]!r}")
        there = IdIndex()
        there.numbers(lists[1])
        for text in lists[0].take(np.flatnonzero(there.find(lists[0]) < 0)):
            found.differs("items", f"item {text!r} is only in the list of {own[0]!r}")
        same = len(lists[0]) == len(lists[1]) and bool((numbers == np.arange(len(numbers))).all())
        # Own item number of each of the other's; None where they are the same.
        self._numbers: NDArray[np.int32] | None = None if same else numbers

    def compare_ring(self) -> None:
        """The ranking head's recent events."""
        own, other = (state.ring for state in self._states)
        if self._numbers is not None and other is not None:
            slots = np.frombuffer(other, RING_SLOT).copy()
            slots["item"] = self._own_numbers(slots["item"])
            other = slots.tobytes()
        if own != other:
            self._found.differs("ring", f"the ranking head's ring differs: {_how(own, other)}")

    def compare_rows(self, kind: Kind, progress: Callable[[str, int, int | None], None]) -> None:
        """All rows of a kind, those of either model; of users their histories too."""
        what, seen, done = f"{kind}s", IdIndex(), 0
        for texts in itertools.chain(*(store.scan_ids(kind) for _, store in self._named)):
            ids = Ids.of(texts)
            new = np.flatnonzero(seen.find(ids) < 0)
            before = len(seen)
            seen.numbers(ids)
            if len(seen) > before:
                self._compare(kind, list(dict.fromkeys(ids.take(new))))
            done = len(seen)
            progress(what, done, None)
        progress(what, done, done)
        if kind == "user":
            self._found.users = done
        else:
            self._found.items = done

    def _compare(self, kind: Kind, texts: list[str]) -> None:
        users, items = (texts, []) if kind == "user" else ([], texts)
        reads = [named[1].read_rows(users, items, users) for named in self._named]
        for read, state, (name, _) in zip(reads, self._states, self._named, strict=True):
            if read.head != state.head:
                raise StoreBrokenError(
                    f"model {name!r} was written to while it was compared: stop its worker first"
                )
        own, other = reads
        if kind == "item":
            self._differing("item row", texts, own.items, other.items)
            return
        rows = [value if value is None else self._row(value) for value in other.users]
        self._differing("user row", texts, own.users, rows)
        full = [value if value is None else self._slots(value) for value in other.histories]
        self._differing("history", texts, own.histories, full)

    def _differing(
        self, what: str, texts: list[str], own: Sequence[bytes | None], other: Sequence[bytes | None]
    ) -> None:
        many = "histories" if what == "history" else f"{what}s"
        for text, a, b in zip(texts, own, other, strict=True):
            if a != b:
                self._found.differs(many, f"the {what} of {text!r} differs: {_how(a, b)}")

    def _row(self, value: bytes) -> bytes:
        """A user's row with own item numbers in the ranking head's section and in the history's tail."""
        if self._numbers is None:
            return value
        if self._ranked is not None:
            start = self._ranked + int(USER_STATE.fields["last"][1])  # type: ignore[index]  # it has fields
            end = start + 4 * LAST
            last = np.frombuffer(value[start:end], "<i4").copy()
            there = last != 0
            last[there] = np.sign(last[there]) * (self._own_numbers(np.abs(last[there]) - 1) + 1)
            value = value[:start] + last.tobytes() + value[end:]
        return value[: self._tail] + self._slots(value[self._tail :])

    def _slots(self, value: bytes) -> bytes:
        """A history's slots with own item numbers."""
        if self._numbers is None:
            return value
        slots = np.frombuffer(value, SLOT).copy()
        slots["item"] = self._own_numbers(slots["item"])
        return slots.tobytes()

    def _own_numbers(self, other: NDArray[Any]) -> NDArray[Any]:
        """Own numbers of items by the other's; what is none of its numbers stays."""
        assert self._numbers is not None
        found = other.copy()
        inside = other < len(self._numbers)
        found[inside] = self._numbers[other[inside]]
        return found


def _how(own: bytes | None, other: bytes | None) -> str:
    if own is None or other is None:
        return f"it is only {'there' if own is None else 'here'}"
    if len(own) != len(other):
        return f"{len(own)} bytes here, {len(other)} there"
    at = next(j for j, (a, b) in enumerate(zip(own, other, strict=True)) if a != b)
    return f"from byte {at} on"
