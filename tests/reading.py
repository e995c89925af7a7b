"""Whole models for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lfm_online.insight.whole import read_whole
from lfm_online.model import Model
from lfm_online.store.memory import MemoryStore
from tests.made_model import Event, learn_in_commits, random_ratings


def no_bar(_what: str, _done: int, _total: int | None) -> None:
    """Progress that nobody watches."""


def whole_model(events: Iterable[Event] | None = None, **settings: Any) -> Model:
    """A model that learned events, read back from its store; settings as ``made_model.meta`` takes them."""
    store = MemoryStore()
    learn_in_commits(store, list(events) if events is not None else random_ratings(1500), **settings)
    return read_whole(store, "m", no_bar).model
