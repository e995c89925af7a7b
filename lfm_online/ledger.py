"""The ledger: what each row says of the events it has seen.

A row's ``events`` and ``digest`` cover every valid event of its user or item, refused updates
and retractions included. An event's digest depends on its place in the log alone::

    digest = low 32 bits of fmix64(offset ^ fmix64(crc32(topic) << 32 | partition))

and a row's digest is the sum of its events' digests mod 2^32, so it can be computed again from
the topic in any order, and differs when an event is lost, doubled or learned by another row.
"""

from __future__ import annotations

import zlib
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.hashing import fmix64
from lfm_online.numba_flags import BORROWING


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
