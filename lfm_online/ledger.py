"""The ledger: what each row says of the events it has seen.

A row's ``events`` and ``digest`` cover every valid event of its user or item, refused updates
and retractions included. An event's digest depends on its place in the log alone::

    digest = low 32 bits of fmix64(offset ^ fmix64(crc32(topic) << 32 | partition))

and a row's digest is the sum of its events' digests mod 2^32, so it can be computed again from
the topic in any order, and differs when an event is lost, doubled or learned by another row.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import FORGET
from lfm_online.hashing import fmix64
from lfm_online.numba_flags import BORROWING

NOWHERE: Final = -1
"""No event of a row was seen."""
SEVERAL: Final = -2
"""A row's events came in more than one partition."""


def topic_crc(topic: str) -> int:
    """CRC-32 of the topic's name, as the digest uses it."""
    return zlib.crc32(topic.encode())


@numba.njit(**BORROWING)
def _digests(crc: Any, partitions: Any, offsets: Any, out: Any) -> None:
    for j in range(len(offsets)):
        place = (np.uint64(crc) << np.uint64(32)) | np.uint64(partitions[j])
        out[j] = np.uint32(fmix64(np.uint64(offsets[j]) ^ fmix64(place)) & np.uint64(0xFFFFFFFF))


def event_digests(crc: int, partitions: NDArray[np.int32], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Digests of events.

    Args:
        crc: :func:`topic_crc` of their topic.
        partitions: ``int32[n]``.
        offsets: ``int64[n]``.

    Returns:
        ``uint32[n]``.
    """
    out = np.empty(len(offsets), np.uint32)
    _digests(np.uint64(crc), partitions, offsets, out)
    return out


@numba.njit(**BORROWING)
def enter_events(
    what: Any,
    row: Any,
    partition: int,
    offset: Any,
    digest: Any,
    until: Any,
    cut: Any,
    events: Any,
    total: Any,
    owner: Any,
    forgotten: Any,
) -> None:
    """Count one partition's events in the ledgers of their rows, each up to its row's own end.

    Args:
        what: ``uint8[n]`` of ``lfm_online.batch``; FORGET sets the ledger back.
        row: ``int32[n]``, -1 where an event is of no row.
        partition: Theirs.
        offset: ``int64[n]``, ascending.
        digest: ``uint32[n]``.
        until: ``int64[n_cuts]``, of each cut the first offset of this partition that counts no more.
        cut: ``int32[n_rows]``, the cut of each row.
        events: ``uint32[n_rows]``, counts; added to.
        total: ``uint32[n_rows]``, sums of digests mod 2^32; added to.
        owner: ``int32[n_rows]``, the partition that a row's events came in, NOWHERE or SEVERAL.
        forgotten: ``bool[n_rows]``, set where a FORGET came.
    """
    for j in range(len(row)):
        r = row[j]
        if r < 0 or offset[j] >= until[cut[r]]:
            continue
        if owner[r] != partition:
            owner[r] = partition if owner[r] == NOWHERE else SEVERAL
        if what[j] == FORGET:
            events[r] = 0
            total[r] = 0
            forgotten[r] = True
        else:
            events[r] += np.uint32(1)
            total[r] += digest[j]
