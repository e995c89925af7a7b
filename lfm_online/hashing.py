"""Hashes that are the same on every machine and in every run."""

from __future__ import annotations

import hashlib
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from lfm_online.blake2b import first_words
from lfm_online.ids import Ids
from lfm_online.layout import Kind
from lfm_online.numba_flags import BORROWING

_PERSON = {"user": b"lfm-user", "item": b"lfm-item"}


def id_hash(kind: Kind, row_id: bytes) -> int:
    """64 bits that stand for an id: the feed's name of a user, the seed of a new row.

    BLAKE2b with a digest of 8 bytes, little-endian, personalised by kind.
    """
    digest = hashlib.blake2b(row_id, digest_size=8, person=_PERSON[kind]).digest()
    return int.from_bytes(digest, "little")


def id_hashes(kind: Kind, ids: Ids) -> NDArray[np.uint64]:
    """:func:`id_hash` of each, ``uint64[n]``."""
    return first_words(ids.data, ids.start, _PERSON[kind])


@numba.njit(**BORROWING)
def fmix64(x: Any) -> Any:
    """MurmurHash3's 64-bit finaliser (Appleby, 2011), on ``uint64``."""
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xFF51AFD7ED558CCD)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0xC4CEB9FE1A85EC53)
    x ^= x >> np.uint64(33)
    return x
