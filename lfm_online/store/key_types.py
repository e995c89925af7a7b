"""What type each of a model's keys has, and who is told where a value is of another.

There is no rollback in the store: a command that meets a foreign type fails within EXEC, after others of
its commit were written. And a row of a foreign type looks to MGET as if it wasn't there. So types are
looked at first:

- of the keys that a commit appends to, behind the WATCH of those keys: a type that changes after the look
  makes EXEC fail as a whole;
- of the histories that a commit writes into, likewise, before its MULTI;
- of rows, when they are read: those that MGET doesn't give must not exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lfm_online.store.keys import Keys
from lfm_online.store.protocol import StoreBrokenError


def appended(keys: Keys) -> dict[str, str]:
    """The keys that commits append to, with the type of each; a value of another can't be appended to."""
    return {keys.watermarks: "hash", keys.items: "list", keys.feed: "stream"}


def all_fixed(keys: Keys) -> dict[str, str]:
    """Every key that a model has once, with its type."""
    return dict.fromkeys((keys.meta, keys.head, keys.globals, keys.run, keys.turn), "string") | appended(keys)


def check(expected: Mapping[str, str], found: Iterable[bytes]) -> None:
    """See that each key is of its type, or not there.

    Args:
        expected: Type by key.
        found: What TYPE said of each, in that order.

    Raises:
        StoreBrokenError: one isn't; the message names it, and what to do.
    """
    for (key, kind), reply in zip(expected.items(), found, strict=True):
        if reply.decode() not in ("none", kind):
            raise foreign(key, kind, reply.decode())


def foreign(key: str, expected: str, found: str) -> StoreBrokenError:
    """The error for a value that is not the model's."""
    return StoreBrokenError(
        f"at key {key!r} lies a value of type {found}, where the model keeps a {expected}: something else "
        "writes to the model's keys. Nothing was written. Move that value away (RENAME), and give the other "
        "writer other keys, or the model another name (LFM_MODEL) or store (LFM_STORE)"
    )
