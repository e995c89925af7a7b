"""The settings' learning rule."""

from __future__ import annotations

from lfm_online.rules.registry import make_rule
from lfm_online.rules.rule import Rule
from worker.settings import Settings
from worker.settings_catalogue import SGD_SETTINGS


def rule_options(settings: Settings) -> dict[str, float | str]:
    """The rule's constants that differ from its defaults, as ``make_rule`` and the meta take them."""
    if settings.rule != "sgd":
        return {}
    given = {name.removeprefix("sgd_"): getattr(settings, name) for name in SGD_SETTINGS}
    return {
        name: float(value) if isinstance(value, bool) else value
        for name, value in given.items()
        if value != type(settings).model_fields[f"sgd_{name}"].default
    }


def rule_of(settings: Settings) -> Rule:
    """The learning rule that the settings describe."""
    low, high = settings.rating_range
    return make_rule(settings.rule, low, high, settings.seed, **rule_options(settings))
