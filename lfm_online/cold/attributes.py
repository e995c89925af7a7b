"""Items known by their attributes alone: a ridge regression from genres and year to bias and factors.

With x_i the centred attributes of a known item i, y_i = (b_i, q_i) what its row holds, n_i its ratings::

    B = argmin sum_i w_i |y_i - y_mean - B x_i|^2 + |B|^2,   w_i = n_i/(n_i + 5)

means weighted by w too. Known are items with a rating; the prior of any other item of the catalogue is
``y_mean + B x``. w is how much of a shrunk mean of n_i residuals comes from the ratings, as in the bias-only
guess, so rows that still stand near their start don't pull the regression there.

Hoerl and Kennard (1970), "Ridge regression", Technometrics 12(1); as a prior of factors: Agarwal and Chen
(2009), "Regression-based latent factor models", KDD.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.catalogue import Catalogue
from lfm_online.hashing import id_hash
from lfm_online.item_priors import ItemPriors
from lfm_online.model import Model
from lfm_online.rules.bookkeeping import BIAS_PRIOR

Floats = NDArray[np.float64]


class TooLittleKnownError(ValueError):
    """Nothing to learn the regression from, or nobody to use it for."""


class FittedPriors(NamedTuple):
    """What the regression gave."""

    priors: ItemPriors
    known: int  # items that it was learned from
    explained: float  # share of the known items' variance of bias that attributes explain, in sample


def attribute_columns(catalogue: Catalogue, items: Sequence[str]) -> Floats:
    """``float64[n, genres + 2]``: 1 for each genre that an item has; its year and the year's square.

    Years are in standard deviations of the catalogue's; an item without one has the mean of both columns.
    """
    place = {genre: column for column, genre in enumerate(catalogue.genres)}
    years = np.array([told.year for told in catalogue.values() if told.year is not None], np.float64)
    middle, spread = (float(years.mean()), float(years.std()) or 1.0) if len(years) else (0.0, 1.0)
    columns = np.zeros((len(items), len(place) + 2))
    for row, item in enumerate(items):
        told = catalogue.of(item)
        columns[row, [place[genre] for genre in told.genres]] = 1.0
        if told.year is not None:
            year = (told.year - middle) / spread
            columns[row, -2:] = year, year * year - 1.0
    return columns


def fit_priors(model: Model, catalogue: Catalogue) -> FittedPriors:
    """Learn the regression from a model's items, and apply it to those of the catalogue that it doesn't know.

    Raises:
        TooLittleKnownError: the catalogue names no item that the model knows, or none that it doesn't.
    """
    table = model.items
    ratings = table.rows.header["ratings"][: len(table)]
    known = [n for n in np.flatnonzero(ratings).tolist() if table.ids[n] in catalogue]
    rated = {table.ids[n] for n in known}
    new = [item for item in catalogue if item not in rated]
    if not known or not new:
        raise TooLittleKnownError(
            f"the catalogue names {len(known)} items that the model has ratings of, and {len(new)} others: "
            "it takes at least one of each (are the ids those of the events?)"
        )
    targets = np.column_stack([table.rows.state["b"][known], table.rows.factors[known]]).astype(np.float64)
    weights = ratings[known] / (ratings[known] + BIAS_PRIOR)
    x = attribute_columns(catalogue, [table.ids[n] for n in known])
    x_mean, y_mean = np.average(x, 0, weights), np.average(targets, 0, weights)
    x, y = x - x_mean, targets - y_mean
    weighted = x.T * weights
    B = np.linalg.solve(weighted @ x + np.eye(x.shape[1]), weighted @ y)  # noqa: N806 - as in the equation
    values = y_mean + (attribute_columns(catalogue, new) - x_mean) @ B
    hashes = np.array([id_hash("item", item.encode()) for item in new], np.uint64)
    left, total = (float(weights @ bias**2) for bias in ((y - x @ B)[:, 0], y[:, 0]))
    explained = 1.0 - left / total if total > 0 else 0.0
    return FittedPriors(ItemPriors(hashes, values.astype(np.float32)), len(known), explained)
