"""The demo's ratings, which the caches hold, learned in this process: by rule, by factors, beside River."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from typing import Final

from lfm_online.compare.river_peer import RiverBiasedMF
from lfm_online.evaluate.stream import Stream, stream_of
from lfm_online.ids import Ids
from lfm_online.layout import Kind
from lfm_online.model import Model
from lfm_online.rules.registry import make_rule
from tests.benchmarks.bench import Bench
from tests.benchmarks.figure import Figure
from worker.demo.data import movielens

RULES: Final = ("adaptive", "sgd")
FACTORS: Final = 32
BY_FACTORS: Final = (8, 16, 32, 64, 128)
ROUNDS: Final = 5
RIVER_ROUNDS: Final = 2
LOW, HIGH = 0.5, 5.0


def learn_movielens(bench: Bench) -> Iterator[Figure]:
    """Events learned a second in one batch, rule and ranking head, beside the rule."""
    best = [0.0, 0.0]  # without the head, with it
    for _round in range(ROUNDS):
        for ranking in (False, True):
            best[ranking] = max(best[ranking], _rate(bench, "adaptive", ranking=ranking))
    yield Figure("learn_movielens_with_ranking", best[True], "events/s", "the rule alone", best[False])


def textbook_kernel(bench: Bench) -> Iterator[Figure]:
    """Events a second of the adaptive rule, beside the textbook's gradient descent, compiled alike."""
    adaptive, sgd = _best(bench, {(rule, FACTORS): rule for rule in RULES})
    yield Figure("textbook_kernel", adaptive, "events/s", "rule sgd", sgd)


def factors(bench: Bench) -> Iterator[Figure]:
    """Nanoseconds an event by the number of factors, beside 32."""
    for name in RULES:
        rule = make_rule(name, LOW, HIGH, 1)
        cost = [1e9 / rate for rate in _best(bench, {(name, k): k for k in BY_FACTORS})]
        for k, ns in zip(BY_FACTORS, cost, strict=True):
            kinds: tuple[Kind, Kind] = ("user", "item")
            bytes_ = ", ".join(f"{rule.row_bytes(kind, k)} bytes a row of an {kind}" for kind in kinds)
            unit = f"ns/event, {bytes_}".replace("an user", "a user")
            yield Figure(f"factors_{name}_{k}", ns, unit, "with 32", cost[BY_FACTORS.index(FACTORS)])


def river(bench: Bench) -> Iterator[Figure]:
    """Events a second, each predicted, then learned, beside River; the aim is 80 times as many.

    Ours finds the rows by ids as texts, River's dictionaries by small integers, which favours it.

    Raises:
        PeerMissingError: River is not installed.
    """
    stream = demo_stream(bench.events)
    peer = RiverBiasedMF(factors=FACTORS)
    peer.prequential(stream.part(slice(0, 10)))  # imports
    theirs = 0.0
    for _round in range(RIVER_ROUNDS):
        began = time.process_time()
        peer.prequential(stream)
        theirs = max(theirs, len(stream) / (time.process_time() - began))
    for rule, ours in zip(
        RULES, _best(bench, {(rule, FACTORS): rule for rule in RULES}, ids=True), strict=True
    ):
        yield Figure(f"river_{rule}", ours, "events/s", "River's BiasedMF", theirs)


def _best(bench: Bench, ways: dict[tuple[str, int], object], *, ids: bool = False) -> list[float]:
    """Events a second of each rule and number of factors, best of rounds taken in turns."""
    best = dict.fromkeys(ways, 0.0)
    for _round in range(ROUNDS):
        for rule, k in ways:
            best[rule, k] = max(best[rule, k], _rate(bench, rule, k, ids=ids))
    return list(best.values())


@cache
def demo_stream(events: int) -> Stream:
    """The first ratings by time."""
    table, _ = movielens()
    whole = stream_of(table, LOW, HIGH)
    return whole.part(slice(0, min(events, len(whole))))


def _rate(bench: Bench, rule: str, k: int = FACTORS, *, ranking: bool = False, ids: bool = False) -> float:
    """Events learned a second by a new model; with ``ids``, finding their rows is counted too."""
    stream = demo_stream(bench.events)
    model, batch = Model(make_rule(rule, LOW, HIGH, 1), k, ranking=ranking), stream.batch()
    sides = [
        (model.users, stream.user_ids, stream.user),
        (model.items, stream.item_ids, stream.item),
    ]
    events = []
    for table, known, numbers in sides:
        table.start(table.numbers(known))
        events.append((table, Ids.of([known[n] for n in numbers.tolist()])))
    began = time.process_time()
    if ids:
        for table, names in events:
            table.numbers(names)
    model.learn(batch)
    return len(stream) / (time.process_time() - began)
