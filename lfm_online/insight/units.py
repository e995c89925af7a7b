"""A row's numbers in the units of a score, and how sure the rule is of them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.model import Model
from lfm_online.predict import table_of

Z90: Final = 1.645
"""Half of a 90% interval, in standard deviations of a Gaussian."""

_USER_PARTS: Final = ("user_bias",)
# The gain is a weight's share of the same bias. What popularity adds is a part of its own, and not liking.
_ITEM_PARTS: Final = ("item_bias", "item_bias_gain")


class Units(NamedTuple):
    """What one unit of a row's number adds to a score."""

    user_bias: float
    item_bias: float
    factors: float  # of p.q
    of: str  # "rating points", or "score" where the link is a sigmoid


def units_of(model: Model) -> Units:
    """The units of a model as it stands: the parts of a score whose rows hold ones."""
    users, items = (table_of(kind, model, [""], [None]).rows for kind in ("user", "item"))
    for rows in (users, items):
        rows.state["b"] = 1.0
        rows.factors[0] = 0.0
        rows.factors[0, 0] = 1.0
    values = np.empty(len(model.rule.part_names))
    model.rule.parts(users, 0, items, 0, model.globals, model.rule.hyper, 0, values)
    parts = dict(zip(model.rule.part_names, values.tolist(), strict=True))
    return Units(
        user_bias=sum(parts.get(name, 0.0) for name in _USER_PARTS),
        item_bias=sum(parts.get(name, 0.0) for name in _ITEM_PARTS),
        factors=parts["factors"],
        of="score" if model.rule.link == "sigmoid_range" else "rating points",
    )


class Variances(NamedTuple):
    """What the rule holds of how sure it is, in the row's own units."""

    bias: NDArray[np.float64]  # float64[n]
    factor: NDArray[np.float64]  # float64[n], of each factor of the row


def variances_of(state: NDArray[Any]) -> Variances | None:
    """The variances in rows' state records; None for a rule that keeps none (sgd)."""
    names = state.dtype.names or ()
    if "v_p" in names:
        return Variances(state["C"][:, 0].astype(np.float64), state["v_p"].astype(np.float64))
    if "v_q" in names:
        return Variances(state["v_b"].astype(np.float64), state["v_q"].astype(np.float64))
    return None
