"""Peers that rank, each at the best of its grid on the events that are ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lfm_online.compare import ranking_ease, ranking_implicit
from lfm_online.compare.extra import imported
from lfm_online.compare.grid import Constants, Grid, cells, said, said_grid
from lfm_online.compare.jobs import OnStep, run_all
from lfm_online.compare.ranking_ease import Ease
from lfm_online.compare.ranking_implicit import ImplicitALS, ItemNeighbours
from lfm_online.compare.ranking_refitted import Refitted
from lfm_online.evaluate.ranking import TopQuality, rank
from lfm_online.evaluate.stream import Stream

RankingPeer = Literal["als", "knn", "ease"]
RANKING: Final[tuple[RankingPeer, ...]] = ("als", "knn", "ease")

_KINDS: Final[dict[RankingPeer, tuple[type[Refitted], Grid]]] = {
    "als": (ImplicitALS, ranking_implicit.ALS_GRID),
    "knn": (ItemNeighbours, ranking_implicit.KNN_GRID),
    "ease": (Ease, ranking_ease.GRID),
}
_NEEDS: Final[dict[RankingPeer, str]] = {
    "als": "implicit.cpu.als",
    "knn": "implicit.nearest_neighbours",
    "ease": "scipy.linalg.lapack",
}


@dataclass(frozen=True, slots=True)
class PeerTop:
    """How good a peer's lists are."""

    peer: str
    how: str
    """``best of 24``."""
    constants: str
    top: TopQuality


def grid_said(peer: RankingPeer) -> str:
    """The peer's grid, as tables show it."""
    return said_grid(_KINDS[peer][1])


def runs(peers: Sequence[RankingPeer]) -> int:
    """How many passes over the stream :func:`compare_ranking` makes."""
    return sum(len(cells(_KINDS[peer][1])) for peer in peers)


def compare_ranking(
    stream: Stream,
    peers: Sequence[RankingPeer],
    n: int,
    like: float,
    seed: int,
    on_step: OnStep | None = None,
) -> list[PeerTop]:
    """A row for each peer: the cell of its grid with the highest NDCG.

    The best is chosen by the ranked events themselves, unknown beforehand: this favours the peer.

    Args:
        stream: The events, by time.
        peers: Which.
        n: Length of the lists.
        like: The least rating of an event to rank.
        seed: Of a peer's initial factors.
        on_step: Called after each of the :func:`runs`.

    Raises:
        PeerMissingError: a peer is not installed.
        ValueError: there is no event to rank.
    """
    for peer in peers:
        imported(_NEEDS[peer], peer)  # here, before other processes start
    jobs = [(stream, peer, cell, n, like, seed) for peer in peers for cell in cells(_KINDS[peer][1])]
    found = run_all(_ranked, jobs, on_step)
    rows = []
    for peer in peers:
        places = [place for place, job in enumerate(jobs) if job[1] == peer]
        best = max(places, key=lambda place: found[place].ndcg)
        rows.append(PeerTop(peer, f"best of {len(places)}", said(jobs[best][2]), found[best]))
    return rows


def _ranked(
    stream: Stream, peer: RankingPeer, constants: Constants, n: int, like: float, seed: int
) -> TopQuality:
    kind, _ = _KINDS[peer]
    imported("scipy.linalg", peer)  # threads can be limited only of libraries that are loaded
    # One thread each: there is a process for each core.
    with imported("threadpoolctl", peer).threadpool_limits(1):
        return rank(stream, [kind(stream, like, seed, constants)], n, like)[0]
