"""A stream of ratings as every predictor is given it: by time, users and items as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lfm_online.batch import Batch, batch_of
from lfm_online.rating_range import within
from lfm_online.ratings_file import RatingsTable


@dataclass(frozen=True, slots=True)
class Stream:
    """Ratings within the range, in the order in which they are to be predicted and learned.

    A user's or an item's number is its place among those of the whole stream, in the order of their
    first ratings: the items below the largest number so far are those known so far. Parts of a
    stream keep its numbers, so rows made for the whole serve every part.
    """

    user: NDArray[np.int32]  # int32[n]
    item: NDArray[np.int32]  # int32[n]
    rating: NDArray[np.float64]  # float64[n], from low to high
    time_ms: NDArray[np.int64]  # int64[n], Unix milliseconds
    user_ids: list[str]
    item_ids: list[str]
    low: float
    high: float
    refused: int
    """Ratings of the table that lay outside the range."""

    def __len__(self) -> int:
        return len(self.rating)

    def part(self, places: NDArray[np.intp] | slice) -> Stream:
        """The ratings at these places of this stream, in their order."""
        return replace(
            self,
            user=self.user[places],
            item=self.item[places],
            rating=self.rating[places],
            time_ms=self.time_ms[places],
            refused=0,
        )

    def batch(self) -> Batch:
        """The same as a rule learns it, for a model whose row numbers are the stream's."""
        return batch_of(self.user, self.item, self.rating, self.time_ms)


def stream_of(ratings: RatingsTable, low: float, high: float) -> Stream:
    """The ratings within the range by time; those of one time stay in the table's order.

    Raises:
        NoRatingsError: there are none.
    """
    inside = within(ratings, low, high).sorted_by_time()
    user, user_ids = _numbered(inside.users)
    item, item_ids = _numbered(inside.items)
    return Stream(
        user,
        item,
        inside.ratings,
        inside.times_ms,
        user_ids,
        item_ids,
        low,
        high,
        len(ratings) - len(inside),
    )


def _numbered(ids: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    number_of = {row_id: number for number, row_id in enumerate(dict.fromkeys(ids))}
    return np.fromiter(map(number_of.__getitem__, ids), np.int32, len(ids)), list(number_of)
