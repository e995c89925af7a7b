"""Opening a model: is it the one that these settings describe, and may a new one start here?"""

from __future__ import annotations

import msgspec

from lfm_online.meta import Meta, MetaMismatchError, check_same, read_meta
from lfm_online.store.protocol import Store
from worker.rule_options import rule_options
from worker.settings import RatingRange, Settings
from worker.source.protocol import Source
from worker.topic_guard import TopicReplacedError, replaced_words


class NewModelError(Exception):
    """The store does not know the model, but its group has read the topic before."""


def meta_of(settings: Settings, topic_id: str) -> Meta:
    """What the settings say of a model's rows."""
    return Meta(
        rule=settings.rule,
        factors=settings.factors,
        low=settings.rating_range.low,
        high=settings.rating_range.high,
        seed=settings.seed,
        history=settings.history,
        ranking=settings.ranking,
        topic=settings.topic,
        topic_id=topic_id,
        user_field=settings.user_field,
        item_field=settings.item_field,
        rating_field=settings.rating_field,
        time_field=settings.time_field,
        time_unit=settings.time_unit,
        record_max_bytes=settings.record_max_bytes,
        future_tolerance_seconds=settings.future_tolerance_seconds,
        options=rule_options(settings),
    )


def settings_of(store: Store, settings: Settings) -> Settings:
    """``settings`` with those of the model in the store, for commands that only read it.

    Raises:
        MetaMismatchError: there is no such model, or of another format.
        StoreAwayError: the store does not answer.
    """
    stored = store.read_meta()
    if stored is None:
        raise MetaMismatchError(f"the store has no model {settings.model!r} (LFM_MODEL, LFM_STORE)")
    meta = read_meta(stored, settings.model)
    return settings.model_copy(
        update={
            "rule": meta.rule,
            "factors": meta.factors,
            "rating_range": RatingRange(meta.low, meta.high),
            "seed": meta.seed,
            "history": meta.history,
            "ranking": meta.ranking,
            "topic": meta.topic,
            "user_field": meta.user_field,
            "item_field": meta.item_field,
            "rating_field": meta.rating_field,
            "time_field": meta.time_field,
            "time_unit": meta.time_unit,
            "record_max_bytes": meta.record_max_bytes,
            "future_tolerance_seconds": meta.future_tolerance_seconds,
        }
    )


def open_model(store: Store, source: Source, settings: Settings) -> Meta:
    """See that the store's model is of these settings, or enter a new one.

    A model is new only if it has no meta and its group no committed offset: a store that lost
    everything must not look like a fresh start.

    Raises:
        MetaMismatchError: the model was started with other settings.
        TopicReplacedError: the topic was made anew, and the settings say to stop.
        NewModelError: a model that the store does not know, read before by the group.
        StoreBrokenError: the server is not fit to hold a model.
        StoreAwayError: the store does not answer.
        SourceAwayError: the broker does not answer, or the topic is not there yet.
    """
    store.check()
    own = meta_of(settings, source.topic_id())
    stored = store.read_meta()
    if stored is None:
        read_before = source.committed()
        if read_before and not settings.new_model:
            if store.read_meta() is not None:
                return open_model(store, source, settings)  # another worker entered it meanwhile, and read on
            raise NewModelError(
                f"the store does not know model {settings.model!r}, but group {settings.group!r} has read "
                f"topic {settings.topic!r} up to {read_before}. If the store lost the model and it is to be "
                "learned anew, start with --new-model (LFM_NEW_MODEL); else check LFM_STORE, LFM_MODEL "
                "and LFM_GROUP"
            )
        if store.create(own.to_bytes()):
            return own
        stored = store.read_meta()
        if stored is None:
            return open_model(store, source, settings)
    meta = read_meta(stored, settings.model)
    if settings.topic_replaced == "continue":
        # The worker's guard moves the model to the topic that is there now.
        own = msgspec.structs.replace(own, topic_id=meta.topic_id)
    elif meta.topic == own.topic and meta.topic_id != own.topic_id:
        raise TopicReplacedError(replaced_words(meta.topic, settings.model, meta.topic_id, own.topic_id))
    check_same(meta, own, settings.model)
    return meta
