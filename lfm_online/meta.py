"""What a model was started with; a process with other settings must not touch it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lfm_online.layout import FORMAT_VERSION
from lfm_online.model import Model
from lfm_online.plain_number import plain
from lfm_online.rules.registry import make_rule
from lfm_online.rules.rule import Rule

UNFINISHED: Final = 0
"""The format of a model whose rows are still being written."""


class MetaMismatchError(ValueError):
    """This process's settings are not those that the model was started with."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that a model's rows rest on, JSON in the store."""

    rule: str
    factors: int
    low: float
    high: float
    seed: int
    history: int
    """Slots of a user's history; 0 is off."""
    ranking: bool
    """Whether the ranking head learns beside the rule."""
    topic: str
    topic_id: str
    """The broker's id of the topic, empty where it gives none."""
    user_field: str
    item_field: str
    rating_field: str
    time_field: str
    time_unit: str
    record_max_bytes: int
    future_tolerance_seconds: float
    options: dict[str, float | str] = {}
    """Constants of the rule that differ from its defaults."""
    format: int = FORMAT_VERSION

    def to_bytes(self) -> bytes:
        """As it lies in the store."""
        return msgspec.json.encode(self)

    def make_model(self, **capacity: int) -> Model:
        """A model of these settings that has seen nothing."""
        rule = self.make_rule()
        return Model(rule, self.factors, history=self.history, ranking=self.ranking, **capacity)

    def make_rule(self) -> Rule:
        """The learning rule with these constants."""
        return make_rule(self.rule, self.low, self.high, self.seed, **self.options)


def read_meta(stored: bytes, model: str) -> Meta:
    """Read a model's meta.

    Raises:
        MetaMismatchError: it is not a meta of this format, or names a rule that this version does not have.
    """
    try:
        meta = msgspec.json.decode(stored, type=Meta)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MetaMismatchError(f"the meta of model {model!r} can't be read: {error}") from error
    if meta.format == UNFINISHED:
        raise MetaMismatchError(
            f"model {model!r} is not finished: lfm-online fit or replay is writing it. If none runs any "
            "more, it broke off: delete the model and make it again, or use another name (LFM_MODEL)"
        )
    if meta.format != FORMAT_VERSION:
        raise MetaMismatchError(
            f"model {model!r} is of format {meta.format}, this version reads {FORMAT_VERSION}"
        )
    try:
        meta.make_rule()
    except ValueError as error:
        raise MetaMismatchError(f"model {model!r} is of another version: {error}") from error
    return meta


def check_same(stored: Meta, own: Meta, model: str) -> None:
    """See that this process's settings are those of the model.

    Raises:
        MetaMismatchError: they aren't; the message names each setting with both values.
    """
    theirs, ours = _by_setting(stored), _by_setting(own)
    differences = [
        f"{name} is {theirs[name]!r} in the store and {ours[name]!r} here"
        for name in theirs
        if theirs[name] != ours[name]
    ]
    if differences:
        raise MetaMismatchError(
            f"model {model!r} was started with other settings: {'; '.join(differences)}. "
            "Use its settings, or another model name (LFM_MODEL)"
        )


def _by_setting(meta: Meta) -> dict[str, Any]:
    """What a meta says, by the settings' names: the range is one, with all its digits."""
    named: dict[str, Any] = msgspec.to_builtins(meta)
    return {"rating_range": f"{plain(named.pop('low'))},{plain(named.pop('high'))}"} | named
