"""The principal axes of taste: factors turned, stretched and ordered so that they mean something.

The rows' own factors are defined only up to a rotation: p -> R p, q -> R q gives the same predictions. What
is defined is the table of tastes itself, ``T[u, i] = c p_u.q_i``, c the factors' unit in the score. Its
principal axes are those of its singular value decomposition, users and items weighted by their ratings and
centred (what all users share is the items' matter, and not taste)::

    A = cov(p), B = cov(q)                 weighted by ratings, float64[k, k]
    A = L_A L_A',  B = L_B L_B'            by eigenvectors; directions without variance are left out
    U diag(s) V' = svd(L_A' L_B)
    x_u = U' L_A^-1 (p_u - mean p)         a user's places: mean 0, variance 1, uncorrelated
    y_i = c diag(s) V' L_B^-1 (q_i - mean q)   an item's: what one deviation of a user adds to the score

so that ``c (p_u - mean p).(q_i - mean q) = sum_j x_uj y_ij``, and axis j has the share ``s_j^2 / sum s^2`` of
the variance of tastes over pairs drawn by ratings. Any invertible map of the factors that keeps the
predictions gives the same axes, up to the sign: that of the item with the most weight (``n_i y_ij^2``) is
made positive.

Source: Eckart and Young (1936) for the decomposition; weights and both covariances as in the generalised SVD,
Jolliffe (2002), Principal Component Analysis, section 14.2.1.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.insight.units import units_of
from lfm_online.model import Model
from lfm_online.rows import Table

Floats = NDArray[np.float64]

_NOTHING: Final = 1e-9
"""Directions and axes with less of the largest one's variance are rounding errors of float32 rows."""


class NoAxesError(ValueError):
    """Too few tastes to read: all users or all items are alike, or alike in all but one."""

    def __init__(
        self, why: str = "the model's users differ in no taste yet: its factors have no axes"
    ) -> None:
        super().__init__(why)


class Side(NamedTuple):
    """How rows of one kind are placed on the axes."""

    mean: Floats  # float64[k]
    turn: Floats  # float64[k, n_axes]

    def places(self, factors: NDArray[np.float32]) -> Floats:
        """Where rows with ``factors: float32[n, k]`` stand: ``float64[n, n_axes]``."""
        places: Floats = (factors.astype(np.float64) - self.mean) @ self.turn
        return places

    def deviations(self, variances: Floats) -> Floats:
        """Standard deviations of the places, ``variances: float64[n]`` of each factor of the rows."""
        lengths: Floats = np.sqrt((self.turn**2).sum(0))
        return np.sqrt(variances)[:, None] * lengths


class Axes(NamedTuple):
    """The principal axes, that of the largest share first."""

    shares: Floats  # float64[n_axes], of the variance of tastes
    strengths: Floats  # float64[n_axes], standard deviation of what the axis adds, in the score's units
    users: Side
    items: Side


def axes_of(model: Model) -> Axes:
    """The axes of a whole model.

    Raises:
        NoAxesError: all users or all items are alike.
    """
    user_mean, user_root, user_inverse = _roots(model.users)
    item_mean, item_root, item_inverse = _roots(model.items)
    left, s, right = np.linalg.svd(user_root.T @ item_root)
    count = int((s > np.sqrt(_NOTHING) * s[:1].sum()).sum())
    if count == 0:
        raise NoAxesError
    strengths = units_of(model).factors * s[:count]
    users = Side(user_mean, user_inverse @ left[:, :count])
    items = Side(item_mean, item_inverse @ right[:count].T * strengths)
    signs = _signs(items.places(_factors(model.items)), ratings_of(model.items))
    return Axes(
        s[:count] ** 2 / (s[:count] ** 2).sum(),
        strengths,
        users._replace(turn=users.turn * signs),
        items._replace(turn=items.turn * signs),
    )


def ratings_of(table: Table) -> Floats:
    """How many ratings each row was learned from: the weights."""
    return table.rows.header["ratings"][: len(table)].astype(np.float64)


def _factors(table: Table) -> NDArray[np.float32]:
    return table.rows.factors[: len(table)]


def _roots(table: Table) -> tuple[Floats, Floats, Floats]:
    """Weighted mean ``float64[k]``, L and its inverse's transpose, both ``float64[k, rank]``."""
    weights = ratings_of(table)
    factors = _factors(table).astype(np.float64)
    mean = weights @ factors / max(weights.sum(), 1.0)
    centred = factors - mean
    covariance = centred.T @ (centred * weights[:, None]) / max(weights.sum(), 1.0)
    values, vectors = np.linalg.eigh(covariance)
    keep = values > max(_NOTHING * float(values[-1]), 0.0)
    roots = np.sqrt(values[keep])
    return mean, vectors[:, keep] * roots, vectors[:, keep] / roots


def _signs(places: Floats, weights: Floats) -> Floats:
    heaviest = np.argmax(weights[:, None] * places**2, axis=0)
    return np.where(places[heaviest, np.arange(places.shape[1])] < 0, -1.0, 1.0)
