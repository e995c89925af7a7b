"""Batches that a client can't decode: tried again, then the worker stops, or they are left out."""

from __future__ import annotations

from typing import Final

TRIES: Final = 3
"""How often a batch that can't be decoded is fetched: damage on the way passes, that in the log doesn't."""


def damaged_words(topic: str, fault: object) -> str:
    """What is wrong, and what to do."""
    return (
        f"topic {topic!r}: {fault}, in {TRIES} tries. It is damaged in the log, or of a codec "
        "that this machine lacks. If its events are to be left out, each batch as one dead letter: "
        "LFM_UNDECODABLE=continue"
    )
