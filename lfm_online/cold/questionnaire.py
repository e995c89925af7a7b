"""What to ask a newcomer: the items whose rating tells most about all that the newcomer will rate.

To the adaptive rule a newcomer is Gaussian: ``z_i = t.phi_i + noise``, where ``t = (b_u, a_u, s_u, p)`` has
the covariance ``T = diag(v_bu0, v_a0, v_s0, v_p0 I)`` and ``phi_i = (1, W1 b_i, W2 x_i, W3 q_i)``. Asking for
i lowers the variance of what is predicted, over items j by their share of all ratings, by::

    P_i phi_i' T M T phi_i / S_i,    M = sum_j share_j phi_j phi_j',    S_i = phi_i' T phi_i + noise_i

with P_i = n_i/users the chance that the newcomer knows the item and can answer. The best item is taken, T
becomes what is expected of it (``T - P_i T phi_i phi_i' T / S_i``), and so on. Well known items score high by
P, items that divide opinion by |q|, and no question repeats another, since T has shrunk along its phi.

Greedy design for the mean predictive variance: Fedorov (1972), "Theory of optimal experiments"; Cohn,
Ghahramani and Jordan (1996), "Active learning with statistical models", JAIR 4.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lfm_online.model import Model
from lfm_online.rules import adaptive_start
from lfm_online.top import best

CANDIDATES: Final = 1000
"""Only items among so many of the most rated are asked for: the others are known to next to nobody."""

Floats = NDArray[np.float64]


class NoQuestionsError(ValueError):
    """The rule keeps no variances, or the model knows nobody."""


class Question(NamedTuple):
    """An item to ask for."""

    number: int  # of the item
    known_to: float  # P_i
    gain: float  # by how much it lowers the mean predictive variance, a share of what it was at first


def choose_questions(model: Model, n: int, users: int) -> list[Question]:
    """The first ``n`` questions, the most telling first.

    Args:
        model: Its items and globals.
        n: How many; there may be fewer items.
        users: Of the model, those with a rating.

    Raises:
        NoQuestionsError: the rule has no variances to lower (``sgd``), or nothing was learned.
    """
    if model.rule.name != adaptive_start.NAME:
        raise NoQuestionsError(
            f"a questionnaire needs the variances of rule {adaptive_start.NAME}, "
            f"and this model's rule is {model.rule.name} (LFM_RULE)"
        )
    table = model.items
    counts = table.rows.header["ratings"][: len(table)].astype(np.float64)
    if users == 0 or not counts.any():
        raise NoQuestionsError("the model has learned no rating yet")
    hyper, rule = model.rule.hyper, model.globals.rule[0]
    phi, T = _newcomer(model, counts, hyper, rule)  # noqa: N806 - as in the equations, and below
    noise = hyper.s2 + rule["W"][0] ** 2 * hyper.v_f0  # what the fast bias holds is soon forgotten
    noise_i = noise + table.rows.state["v_b"][: len(table)].astype(np.float64)
    M = (phi * (counts / counts.sum())[:, None]).T @ phi  # noqa: N806
    candidates = best(counts, counts == 0, CANDIDATES)
    phi, noise_i = phi[candidates], noise_i[candidates]
    known = np.minimum(counts[candidates] / users, 1.0)
    asked = np.zeros(len(candidates), np.bool_)
    whole = float(np.trace(T @ M))
    questions: list[Question] = []
    for _ in range(min(n, len(candidates))):
        Tphi = phi @ T  # noqa: N806
        S = (Tphi * phi).sum(1) + noise_i  # noqa: N806
        gain = np.where(asked, -math.inf, known * ((Tphi @ M) * Tphi).sum(1) / S)
        at = int(gain.argmax())
        asked[at] = True
        T -= known[at] * np.outer(Tphi[at], Tphi[at]) / S[at]  # noqa: N806
        questions.append(Question(int(candidates[at]), float(known[at]), float(gain[at]) / whole))
    return questions


def _newcomer(model: Model, counts: Floats, hyper: Any, rule: Any) -> tuple[Floats, Floats]:
    """``phi: float64[n_items, 3 + k]`` and the covariance T of a newcomer's terms."""
    n, W = len(model.items), rule["W"]  # noqa: N806
    phi = np.column_stack(
        [
            np.ones(n),
            W[1] * model.items.rows.state["b"][:n],
            W[2] * (np.log1p(counts) - rule["m"]) / 2,
            W[3] * model.items.rows.factors[:n],
        ]
    )
    v_bu0 = hyper.v_bu0 * math.exp(W[8])
    return phi, np.diag([v_bu0, hyper.v_a0, hyper.v_s0, *[hyper.v_p0] * model.n_factors])
