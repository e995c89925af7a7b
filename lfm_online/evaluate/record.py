"""What was predicted of ratings before they were learned, as columns to measure by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Record:
    """Ratings in the order in which they were predicted; all columns have one length."""

    rating: NDArray[np.float64]
    time_ms: NDArray[np.int64]
    user_ratings: NDArray[np.int64]  # that the user's row had been learned from
    item_ratings: NDArray[np.int64]  # and the item's
    model: NDArray[np.float64]  # the rule's prediction, within the range
    mean: NDArray[np.float64]  # the running mean
    bias: NDArray[np.float64]  # the bias-only guess
    deviation: NDArray[np.float64]  # the stated standard deviation, rating units
    bands: NDArray[np.float64]  # float64[n, len(BANDS)], half-widths of the stated bands, rating units

    def __len__(self) -> int:
        return len(self.rating)

    def part(self, chosen: NDArray[np.bool_] | slice) -> Record:
        """Some of the ratings, in their order."""
        return Record(*(getattr(self, field.name)[chosen] for field in fields(self)))


def join(records: Sequence[Record]) -> Record:
    """Records one behind the other."""
    return Record(*(np.concatenate([getattr(r, field.name) for r in records]) for field in fields(Record)))


def counts_before(numbers: NDArray[np.int32]) -> NDArray[np.int64]:
    """How often each event's number came before it: ``int64[n]``."""
    order = np.argsort(numbers, kind="stable")
    found = numbers[order]
    first = np.flatnonzero(np.concatenate([[True], found[1:] != found[:-1]])) if len(found) else order
    counts = np.empty(len(numbers), np.int64)
    counts[order] = np.arange(len(numbers)) - np.repeat(first, np.diff(np.append(first, len(numbers))))
    return counts
