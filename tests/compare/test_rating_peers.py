"""River and Surprise, as they are used here."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from lfm_online.compare.batch import FOLDS, compare_batch
from lfm_online.compare.batch import runs as batch_runs
from lfm_online.compare.extra import imported
from lfm_online.compare.grid import cells
from lfm_online.compare.river_peer import GRID, RiverBiasedMF
from lfm_online.compare.surprise_peer import SurpriseSVD
from lfm_online.rules.registry import make_rule
from tests.streams import HIGH, LOW, made_stream, rated_stream

STREAM = rated_stream(made_stream(3, 400, others=0))


def test_a_guess_of_river_knows_nothing_of_what_comes_after() -> None:
    for constants in ({}, cells(GRID)[0]):
        peer = RiverBiasedMF(constants)
        guesses = peer.prequential(STREAM)
        assert_array_equal(guesses[:200], peer.prequential(STREAM.part(slice(0, 200))))
        assert guesses[0] == LOW  # River's mean of nothing, within the range
        assert LOW <= guesses.min() < guesses.max() <= HIGH


def test_river_at_its_defaults_is_river_as_it_is_made() -> None:
    model = imported("river.reco", "river").BiasedMF(seed=1)
    by_hand = []
    events = zip(STREAM.user.tolist(), STREAM.item.tolist(), STREAM.rating.tolist(), strict=True)
    for user, item, rating in events:
        by_hand.append(model.predict_one(user, item))
        model.learn_one(user, item, rating)
    assert_array_equal(RiverBiasedMF().prequential(STREAM), np.clip(by_hand, LOW, HIGH))


def test_each_constant_of_the_grid_reaches_river() -> None:
    first = {name: values[0] for name, values in GRID.items()}
    guesses = RiverBiasedMF(first).prequential(STREAM)
    for name, values in GRID.items():
        assert (RiverBiasedMF(first | {name: values[-1]}).prequential(STREAM) != guesses).any(), name


def test_surprise_learns_from_the_training_part_alone() -> None:
    train, test = STREAM.part(slice(0, 300)), STREAM.part(slice(300, None))
    peer = SurpriseSVD({"n_factors": 5})
    guesses = peer.train_test(train, test)
    test.rating[:] = LOW
    assert_array_equal(peer.train_test(train, test), guesses)
    assert len(guesses) == 100
    assert LOW <= guesses.min() < guesses.max() <= HIGH


def test_every_rating_is_held_out_once_for_the_rule_and_for_surprise() -> None:
    done: list[None] = []
    rule = make_rule("adaptive", LOW, HIGH, 1)
    rows = compare_batch(STREAM, rule, 4, 1, lambda: done.append(None))
    assert [(row.peer, row.how.split()[0]) for row in rows] == [
        ("adaptive", "one"),
        ("surprise", "defaults"),
        ("surprise", "best"),
    ]
    assert len(done) == batch_runs()
    assert batch_runs() % FOLDS == 0
