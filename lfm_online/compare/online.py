"""Peers that learn rating by rating, each at its defaults and at the best of its grid, on one stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from lfm_online.compare import river_peer, textbook
from lfm_online.compare.extra import imported
from lfm_online.compare.grid import cells, said, said_grid
from lfm_online.compare.jobs import OnStep, run_all
from lfm_online.compare.river_peer import RiverBiasedMF
from lfm_online.compare.textbook import Textbook
from lfm_online.evaluate.measures import Stretches, by_stretch, errors
from lfm_online.evaluate.predictor import OnlinePredictor
from lfm_online.evaluate.prequential import Scores
from lfm_online.evaluate.stream import Stream

OnlinePeer = Literal["river", "sgd"]
ONLINE: Final[tuple[OnlinePeer, ...]] = ("river", "sgd")


@dataclass(frozen=True, slots=True)
class PeerScores:
    """How a peer did."""

    peer: str
    how: str
    """``defaults``, or ``best of 36``."""
    constants: str
    scores: Scores
    events_per_second: float
    """By the processor's time of the process that ran it."""
    stretches: Stretches


def grid_said(peer: OnlinePeer) -> str:
    """The peer's grid, as tables show it."""
    return said_grid(river_peer.GRID if peer == "river" else textbook.GRID)


def runs(peers: Sequence[OnlinePeer]) -> int:
    """How many passes over the stream :func:`compare_online` makes."""
    return sum(len(_candidates(peer, 1, 1)) for peer in peers)


def compare_online(
    stream: Stream, peers: Sequence[OnlinePeer], factors: int, seed: int, on_step: OnStep | None = None
) -> list[PeerScores]:
    """Two rows for each peer: its defaults, and the cell of its grid with the lowest RMSE.

    The best is chosen by the RMSE of this very stream, unknown beforehand: this favours the peer.

    Args:
        stream: The ratings.
        peers: Which.
        factors: Of ``sgd``.
        seed: Of each peer's initial factors.
        on_step: Called after each of the :func:`runs`.

    Raises:
        PeerMissingError: a peer is not installed.
    """
    if "river" in peers:
        imported("river.reco", "river")  # here, before other processes start
    rows = []
    for peer in peers:
        candidates = _candidates(peer, factors, seed)
        found = _run(peer)(candidates, stream, on_step)
        best = min(range(1, len(candidates)), key=lambda place: found[place].scores.whole.rmse)
        for place, how in ((0, "defaults"), (best, f"best of {len(candidates) - 1}")):
            rows.append(PeerScores(peer, how, said(candidates[place].constants), *found[place]))
    return rows


def _candidates(peer: OnlinePeer, factors: int, seed: int) -> list[RiverBiasedMF] | list[Textbook]:
    if peer == "river":
        return [RiverBiasedMF(cell, seed) for cell in ({}, *cells(river_peer.GRID))]
    return [Textbook(factors, cell, seed) for cell in ({}, *cells(textbook.GRID))]


class _Measured(NamedTuple):
    scores: Scores
    events_per_second: float
    stretches: Stretches


_Found = list[_Measured]


def _run(peer: OnlinePeer) -> Callable[[Sequence[OnlinePredictor], Stream, OnStep | None], _Found]:
    # A pass of River takes seconds, one of the compiled rule less than starting a process.
    return _in_processes if peer == "river" else _here


def _in_processes(candidates: Sequence[OnlinePredictor], stream: Stream, on_step: OnStep | None) -> _Found:
    return run_all(_measured, [(candidate, stream) for candidate in candidates], on_step)


def _here(candidates: Sequence[OnlinePredictor], stream: Stream, on_step: OnStep | None) -> _Found:
    found = []
    for candidate in candidates:
        found.append(_measured(candidate, stream))
        if on_step is not None:
            on_step()
    return found


def _measured(candidate: OnlinePredictor, stream: Stream) -> _Measured:
    candidate.prequential(stream.part(slice(0, 1)))  # imports, or compiles
    began = time.process_time()
    guesses = candidate.prequential(stream)
    seconds = time.process_time() - began
    half = len(stream) // 2
    whole = errors(stream.rating, guesses)
    scores = Scores(whole, errors(stream.rating[half:], guesses[half:]))
    return _Measured(scores, len(stream) / seconds, by_stretch(stream.rating, guesses))
