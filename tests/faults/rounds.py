"""A round: a live stream, a scenario over it, and the proof afterwards."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from typing import NamedTuple

from tests.acceptance.workers import until
from tests.faults.scenario import BROKER, KINDS, ROUND_SECONDS, Action, draw
from tests.faults.stage import PARTITIONS, FaultError, Stage, staged
from tests.faults.stream import Stream

EVENTS = 600
"""Of a round, bursts of bad ones not counted."""


class Round(NamedTuple):
    """What a round did and how it ended."""

    seed: int
    actions: list[Action]
    good: int  # sent since the series began
    bad: int
    learned: int
    letters: int
    seconds: float
    error: str  # empty: nothing lost, nothing doubled


class Series:
    """Rounds over one stage, one topic and one model, so that every proof is of all rounds so far."""

    def __init__(self, stage: Stage, stream: Stream, kinds: tuple[str, ...]) -> None:
        self._stage = stage
        self._stream = stream
        self._kinds = kinds

    def play(self, seed: int) -> Round:
        """One round."""
        rng, began = random.Random(seed), time.monotonic()
        actions = draw(rng, self._kinds)
        report = {"events": 0}
        letters = 0
        error = ""
        try:
            self._perform(rng, actions, began)
            sent = self._stream.good + self._stream.bad
            self._stage.wait_learned(sent)
            report = self._stage.verify()
            until(lambda: self._stream.letters.count() >= self._stream.bad)
            letters = self._stream.letters.count()
            if (report["events"], letters) != (self._stream.good, self._stream.bad):
                error = "learned and dead are not what was sent"
        except (AssertionError, FaultError, TimeoutError, OSError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        return Round(
            seed,
            actions,
            self._stream.good,
            self._stream.bad,
            report["events"],
            letters,
            time.monotonic() - began,
            error,
        )

    def _perform(self, rng: random.Random, actions: list[Action], began: float) -> None:
        sending = self._stream.sending(random.Random(rng.random()), EVENTS, ROUND_SECONDS)
        sending.start()
        for action in actions:
            time.sleep(max(0.0, action.at_seconds - (time.monotonic() - began)))
            self._stage.do(action)
        sending.finish()


def play_rounds(first: int, rounds: int, *, real: bool) -> Iterator[Round]:
    """Rounds one after another, until one fails."""
    with contextlib.ExitStack() as parts:
        stage = parts.enter_context(staged(real=real))
        stream = Stream(stage.broker.bootstrap, stage.topic, stage.dead_topic, PARTITIONS, idempotent=real)
        parts.callback(stream.close)

        def burst(count: int) -> None:
            stream.burst = count

        stage.burst = burst
        series = Series(stage, stream, KINDS + BROKER if real else KINDS)
        for seed in range(first, first + rounds):
            played = series.play(seed)
            yield played
            if played.error:
                return
