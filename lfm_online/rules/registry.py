"""The learning rules by name."""

from __future__ import annotations

from typing import Any

from lfm_online.rules import adaptive, adaptive_lookup, adaptive_start, sgd, sgd_epochs, sgd_lookup
from lfm_online.rules.rule import Epochs, Rule


def make_rule(name: str, low: float, high: float, seed: int, **options: float | str) -> Rule:
    """The rule of that name for ratings from ``low`` to ``high``.

    Args:
        name: ``adaptive`` or ``sgd``.
        low: Lowest rating.
        high: Highest rating.
        seed: Of the new rows' factors.
        **options: Constants of the rule that differ from its defaults, by the names of its
            ``Hyper``; of sgd also ``link``, ``clip`` or ``sigmoid_range``.

    Raises:
        ValueError: no such rule, option or link, or an empty range.
    """
    if not low < high:
        raise ValueError(f"the rating range {low},{high} is empty: LOW must be less than HIGH")
    if name == adaptive_start.NAME:
        return Rule(
            name=adaptive_start.NAME,
            code=adaptive_start.CODE,
            user_state=adaptive_start.USER_STATE,
            item_state=adaptive_start.ITEM_STATE,
            globals_dtype=adaptive_start.RULE_GLOBALS,
            hyper=adaptive_start.Hyper(
                float(low), float(high), int(seed), **_constants(adaptive_start, options)
            ),
            link="clip",
            part_names=adaptive_lookup.PARTS,
            new_globals=adaptive_start.new_globals,
            start_users=adaptive_start.start_users,
            start_items=adaptive_start.start_items,
            learn=adaptive.learn,
            parts=adaptive_lookup.parts,
            score_items=adaptive_lookup.score_items,
        )
    if name == sgd.NAME:
        link = options.pop("link", "clip")
        if link not in {"clip", "sigmoid_range"}:
            raise ValueError(f"rule sgd has no link {link!r}: choose clip or sigmoid_range")
        sigmoid = link == "sigmoid_range"
        constants = _constants(sgd, options)
        if constants.get("margin") and not sigmoid:
            raise ValueError("rule sgd has a margin with the link sigmoid_range only")
        return Rule(
            name=sgd.NAME,
            code=sgd.CODE,
            user_state=sgd.USER_STATE,
            item_state=sgd.ITEM_STATE,
            globals_dtype=sgd.RULE_GLOBALS,
            hyper=sgd.Hyper(float(low), float(high), int(seed), sigmoid, **constants),
            link="sigmoid_range" if sigmoid else "clip",
            part_names=sgd_lookup.PARTS,
            new_globals=sgd.new_globals,
            start_users=sgd.start_rows,
            start_items=sgd.start_rows,
            learn=sgd.learn,
            parts=sgd_lookup.parts,
            score_items=sgd_lookup.score_items,
            epochs=Epochs(sgd_epochs.learn, sgd_epochs.losses),
        )
    raise ValueError(f"no learning rule {name!r}: choose adaptive or sgd")


def _constants(rule: Any, options: dict[str, Any]) -> dict[str, float]:
    """The options as floats: a constant of another type would compile every kernel again."""
    allowed = list(rule.Hyper._field_defaults)
    for option in options:
        if option not in allowed:
            raise ValueError(f"rule {rule.NAME} has no option {option!r}: choose from {', '.join(allowed)}")
    return {option: float(value) for option, value in options.items()}
