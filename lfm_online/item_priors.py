"""Where items start that are known by their attributes: priors of their rows, by item.

One value in the store, little-endian: ``uint32 n, uint32 width``, then n ascending ``uint64`` hashes of items
(``hashing.id_hash``), then ``float32[n, width]``: what is added to a new row's bias, then to its factors.
They come from :mod:`lfm_online.cold.attributes`. The globals name the value by its
:attr:`ItemPriors.version`, so that whoever holds a model's globals knows which priors rows start from, and
every process starts a row alike.
"""

from __future__ import annotations

import hashlib
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from lfm_online.layout import FormatError, Rows, priors_version
from lfm_online.store.protocol import Store, StoreBrokenError

_HEADER_BYTES: Final = 8


class ItemPriors:
    """Priors of the rows of items; an item that is not among them starts as any new one."""

    def __init__(self, hashes: NDArray[np.uint64], values: NDArray[np.float32]) -> None:
        """Priors by the items' hashes.

        Args:
            hashes: ``uint64[n]``, in any order.
            values: ``float32[n, 1 + n_factors]``: bias, factors.
        """
        order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[order]
        self._values = values[order]
        self._stored = (
            np.array(values.shape, "<u4").tobytes()
            + self._hashes.astype("<u8").tobytes()
            + self._values.astype("<f4").tobytes()
        )
        digest = hashlib.blake2b(self._stored, digest_size=4).digest()
        self.version = int.from_bytes(digest, "little") or 1 if len(hashes) else 0
        """What the globals call these priors, uint32: a digest of their bytes; 0: there are none."""

    def __len__(self) -> int:
        """How many items have one."""
        return len(self._hashes)

    def to_bytes(self) -> bytes:
        """As they lie in the store."""
        return self._stored

    @classmethod
    def from_bytes(cls, stored: bytes, factors: int) -> Self:
        """Read priors back.

        Raises:
            FormatError: bytes of another length, or for rows of another number of factors.
        """
        n, width = np.frombuffer(stored[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\0"), "<u4").tolist()
        if len(stored) != _HEADER_BYTES + 8 * n + 4 * n * width or (n and width != 1 + factors):
            raise FormatError(
                f"item priors are {len(stored)} bytes, {n} of width {width}; expected width {1 + factors}"
            )
        hashes = np.frombuffer(stored, "<u8", n, _HEADER_BYTES).astype(np.uint64)
        values = np.frombuffer(stored, "<f4", n * width, _HEADER_BYTES + 8 * n).astype(np.float32)
        return cls(hashes, values.reshape(n, width))

    def has(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of these items have a prior: ``bool[n]``."""
        return self._found(hashes)[1]

    def add_to(self, rows: Rows, numbers: NDArray[np.int32]) -> None:
        """Move rows that have just started to where their priors say: bias set, factors added to."""
        places, found = self._found(rows.hash[numbers])
        values = self._values[places[found]]
        known = numbers[found]
        rows.state["b"][known] = values[:, 0]
        rows.factors[known] += values[:, 1:]

    def _found(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        places = np.searchsorted(self._hashes, hashes)
        if len(self._hashes) == 0:
            return places, np.zeros(len(hashes), np.bool_)
        found: NDArray[np.bool_] = self._hashes[np.minimum(places, len(self._hashes) - 1)] == hashes
        return places, found


def read_item_priors(store: Store, named: bytes | None, held: ItemPriors, factors: int) -> ItemPriors:
    """The priors that globals name.

    Args:
        store: Where from.
        named: The globals as they lie in the store.
        held: Priors read before; they are returned if they are the ones, and nothing is read.
        factors: How many a row has.

    Returns:
        Those, or newer ones, if another commit got in between: its head is then another, too.

    Raises:
        FormatError: the store's priors are not those of such rows.
        StoreBrokenError: the store has none.
        StoreAwayError: the store does not answer.
    """
    version = priors_version(named)
    if version == held.version:
        return held
    if version == 0:
        return NO_PRIORS
    stored = store.read_priors()
    if stored is None:
        raise StoreBrokenError("the globals name item priors, and the store has none (key …:priors)")
    return ItemPriors.from_bytes(stored, factors)


NO_PRIORS: Final = ItemPriors(np.zeros(0, np.uint64), np.zeros((0, 0), np.float32))
"""Those of a model that was given none."""
