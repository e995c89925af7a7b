"""What attributes buy for new items: errors of their first ratings, with priors and without.

Prequential, over the whole file in the order of time. After each tenth of it the regression is learned anew
from the items rated so far, and items that come later start from it, as if ``lfm-online prior`` were run nine
times, or until every item of the catalogue is rated. Measured on the first 1, 2, 5 ratings of the items that
came after the first tenth.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from lfm_online.catalogue import Catalogue
from lfm_online.cold.attributes import fit_priors
from lfm_online.cold.curve import OnProgress
from lfm_online.cold.trial import new_trial
from lfm_online.model import Model
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.rule import Rule

FIRST: Final = (1, 2, 5)
PARTS: Final = 10


class Gain(msgspec.Struct, frozen=True):
    """RMSE over some ratings, in rating units."""

    ratings: int
    rmse: float  # without attributes
    rmse_attributes: float


class FirstRatings(msgspec.Struct, frozen=True):
    """The gain on the first ratings of new items, and on everything."""

    items: int  # that came after the first tenth
    first: dict[str, Gain]  # by how many of an item's ratings
    all: Gain  # every rating of the file


def measure_first_ratings(
    ratings: RatingsTable, catalogue: Catalogue, rule: Rule, factors: int, on_progress: OnProgress
) -> FirstRatings:
    """Measure the gain on a file.

    Raises:
        ValueError: no rating lies within the range.
        TooLittleKnownError: the catalogue knows no item of the first tenth, or no other.
    """
    errors = [_errors(ratings, each, rule, factors, on_progress) for each in (None, catalogue)]
    batch = new_trial(ratings, rule, factors).batch
    first_part = len(batch.item) // PARTS
    new = ~np.isin(batch.item, batch.item[:first_part])
    ordinal = _ordinals(batch.item)
    return FirstRatings(
        len(np.unique(batch.item[new])),
        {str(n): _gain(errors, new & (ordinal < n)) for n in FIRST},
        _gain(errors, np.ones(len(new), np.bool_)),
    )


def _errors(
    ratings: RatingsTable, catalogue: Catalogue | None, rule: Rule, factors: int, on_progress: OnProgress
) -> NDArray[np.float64]:
    trial = new_trial(ratings, rule, factors)
    what = "without attributes, tenths" if catalogue is None else "with attributes, tenths"
    errors = []
    for part, places in enumerate(np.array_split(np.arange(len(trial.batch.item)), PARTS)):
        on_progress(what, part, PARTS)
        # Once all its items are rated, a catalogue has nobody left to start.
        if catalogue is not None and (part == 1 or (part > 1 and _has_unrated(trial.model, catalogue))):
            _start_anew(trial.model, catalogue)
        errors.append(trial.batch.rating[places] - trial.learn(places).model)
    on_progress(what, PARTS, PARTS)
    return np.concatenate(errors)


def _has_unrated(model: Model, catalogue: Catalogue) -> bool:
    table = model.items
    rated = np.flatnonzero(table.rows.header["ratings"][: len(table)]).tolist()
    return bool(catalogue.keys() - {table.ids[n] for n in rated})


def _start_anew(model: Model, catalogue: Catalogue) -> None:
    """Start the items that nobody has rated from the priors of now."""
    table = model.items
    table.priors = fit_priors(model, catalogue).priors
    table.start(np.flatnonzero(table.rows.header["ratings"][: len(table)] == 0).astype(np.int32))


def _ordinals(items: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many ratings of its item lie before each: ``int64[n]``."""
    order = np.argsort(items, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(items[order]) != 0])
    lengths = np.diff(np.r_[starts, len(items)])
    ordinals = np.empty(len(items), np.int64)
    ordinals[order] = np.arange(len(items)) - np.repeat(starts, lengths)
    return ordinals


def _gain(errors: list[NDArray[np.float64]], chosen: NDArray[np.bool_]) -> Gain:
    without, with_them = (
        float(np.sqrt(np.mean(each[chosen] ** 2))) if chosen.any() else 0.0 for each in errors
    )
    return Gain(int(chosen.sum()), without, with_them)
