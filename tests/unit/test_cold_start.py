"""The cold-start figures: what is held out teaches nothing, and the questionnaire asks what tells most."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from lfm_online.catalogue import Catalogue, CatalogueItem
from lfm_online.cold.asking import WAYS, measure_asking
from lfm_online.cold.curve import cold_curve, held_out
from lfm_online.cold.first_ratings import measure_first_ratings
from lfm_online.cold.questionnaire import NoQuestionsError, choose_questions
from lfm_online.cold.trial import folds_of, new_trial
from lfm_online.hashing import id_hash
from lfm_online.model import Model
from lfm_online.ratings_file import RatingsTable
from lfm_online.rules.registry import make_rule
from tests.streams import stored
from worker.cli import main

RULE = make_rule("adaptive", 0.5, 5, 1)


def made_ratings(users: int = 40, each: int = 30, items: int = 60) -> RatingsTable:
    """Users whose tastes differ in one thing; a film is known the better the lower its number."""
    random = np.random.default_rng(4)
    taste, kind = random.normal(size=users), random.normal(size=items)
    chance = 1 / np.arange(1, items + 1)
    rows = [
        (u, i)
        for u in range(users)
        for i in random.choice(items, each, replace=False, p=chance / chance.sum())
    ]
    order = random.permutation(len(rows))
    u, i = np.array(rows)[order].T
    stars = np.clip(np.rint(2 * (3 + taste[u] * kind[i] + 0.3 * random.normal(size=len(u)))) / 2, 0.5, 5)
    times = 10**12 + 60_000 * np.arange(len(u))
    return RatingsTable([f"u{n}" for n in u], [f"i{n}" for n in i], stars, times)


RATINGS = made_ratings()


def quiet(_what: str, _done: int, _total: int) -> None:
    return


def test_what_a_trial_taught_is_undone() -> None:
    trial = new_trial(RATINGS, RULE, 8)
    places = np.arange(200)
    trial.learn(places[:100])
    before = stored(trial.model)
    with trial.undone(places[100:]):
        trial.learn(places[100:], 5)
        assert stored(trial.model) != before
    assert stored(trial.model) == before


def test_guesses_are_what_the_model_says_of_each_rating_before_it_learns_it() -> None:
    trial = new_trial(RATINGS, RULE, 8)
    trial.learn(np.arange(500))
    one = np.array([500])
    guesses = trial.guesses(one)
    outcome = trial.learn(one)
    assert guesses[:, 0] == pytest.approx([outcome.model[0], outcome.bias[0]], rel=1e-9)


def test_every_user_is_held_out_once_with_all_ratings_in_the_order_of_time() -> None:
    trial = new_trial(RATINGS, RULE, 8)
    folds = folds_of(trial)
    groups = [places for fold in range(5) for places in held_out(trial, fold, folds)]
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(RATINGS)))
    users = [np.unique(trial.batch.user[places]).tolist() for places in groups]
    assert sorted(user for [user] in users) == list(range(40))
    assert all(np.all(np.diff(places) > 0) for places in groups)


def test_the_curve_falls_with_the_ratings_given() -> None:
    curve = cold_curve(RATINGS, RULE, 8, quiet)
    assert (curve.users, curve.ratings) == (40, 400)
    assert [point.given for point in curve.points] == [0, 1, 2, 5, 10, 20]
    assert curve.points[-1].rmse < curve.points[0].rmse


def test_ways_of_asking_start_alike_and_are_measured_on_the_same_ratings() -> None:
    asking = measure_asking(RATINGS, RULE, 8, quiet)
    assert [way.way for way in asking.ways] == list(WAYS)
    assert asking.users == 40
    assert len({way.rmse_by_answers[0] for way in asking.ways}) == 1
    by_way = {way.way: way for way in asking.ways}
    assert by_way["random"].answers_by_questions[0] < by_way["popular"].answers_by_questions[0]


def _known(n_items: int) -> Model:
    """A hundred users; all items known to half of them, and all alike."""
    model = Model(RULE, 4)
    items = model.items.numbers([f"i{n}" for n in range(n_items)])
    model.items.start(items)
    rows = model.items.rows
    rows.header["ratings"][items] = 50
    rows.factors[items] = 0
    rows.state["v_b"][items] = 0.01
    model.globals.rule["m"] = np.log1p(50)
    return model


def test_an_item_that_divides_opinion_is_asked_before_one_that_all_see_alike() -> None:
    model = _known(3)
    model.items.rows.factors[1] = [0.5, 0, 0, 0]
    assert choose_questions(model, 1, 100)[0].number == 1


def test_an_item_that_few_know_is_asked_after_one_that_many_know() -> None:
    model = _known(3)
    model.items.rows.factors[1:3] = [0.5, 0, 0, 0]
    model.items.rows.header["ratings"][2] = 60
    assert choose_questions(model, 1, 100)[0].number == 2


def test_the_second_question_is_about_something_else() -> None:
    model = _known(4)
    for item, factors in enumerate([[0.6, 0], [0.6, 0], [0, 0.59], [0, 0.59]]):
        model.items.rows.factors[item, :2] = factors
    assert [q.number for q in choose_questions(model, 2, 100)] == [0, 2]


def test_the_gain_is_the_fall_of_the_mean_variance_and_no_item_is_asked_twice() -> None:
    model = _known(20)
    model.items.rows.factors[:20] = np.random.default_rng(0).normal(size=(20, 4)) * 0.3
    questions = choose_questions(model, 50, 100)
    assert sorted(q.number for q in questions) == list(range(20))
    gains = [q.gain for q in questions]
    assert gains == sorted(gains, reverse=True)
    assert 0 < sum(gains) < 1


@pytest.mark.parametrize(("rule", "users"), [("sgd", 10), ("adaptive", 0)])
def test_without_variances_or_users_there_are_no_questions(rule: str, users: int) -> None:
    model = Model(make_rule(rule, 0.5, 5, 1), 4)
    with pytest.raises(NoQuestionsError, match=r"LFM_RULE|no rating"):
        choose_questions(model, 1, users)


def test_a_catalogue_whose_items_are_all_rated_before_the_files_end_is_measured_too() -> None:
    items = np.unique(RATINGS.items[:600])  # of 1,200, whose first tenth has not met them all
    assert 0 < len(np.unique(RATINGS.items[:120])) < len(items)
    films = {item: CatalogueItem("Film", ("Drama" if int(item[1:]) % 2 else "Comedy",)) for item in items}
    found = measure_first_ratings(RATINGS, Catalogue(films), RULE, 4, quiet)
    assert found.all.ratings == len(RATINGS)
    assert found.first["1"].rmse_attributes != found.first["1"].rmse


@pytest.mark.parametrize(("rule", "parts"), [("adaptive", 3), ("sgd", 2)])
def test_the_command_prints_what_was_measured(tmp_path: Path, rule: str, parts: int) -> None:
    file, catalogue = tmp_path / "ratings.csv", tmp_path / "films.csv"
    columns = zip(RATINGS.users, RATINGS.items, RATINGS.ratings, RATINGS.times_ms, strict=True)
    lines = [",".join(map(str, row)) for row in columns]
    file.write_text("\n".join(["user,item,rating,timestamp", *lines]))
    films = [f"i{n},Film {n},{'Drama' if n % 2 else 'Comedy'},19{10 + n}" for n in range(90)]
    catalogue.write_text("\n".join(["item,title,genres,year", *films]))
    arguments = ["cold-start", str(file), "--catalogue", str(catalogue), "--rule", rule, "--factors", "4"]
    found = CliRunner().invoke(main, [*arguments, "--json"], catch_exceptions=False)
    told = msgspec.json.decode(found.stdout)
    assert set(told) == set(["curve", "attributes", "questionnaire"][:parts])
    assert told["attributes"]["all"]["ratings"] == len(RATINGS)
    shown = CliRunner().invoke(main, arguments, catch_exceptions=False).stdout
    assert "Cold curve: 40 users held out" in shown
    refused = CliRunner().invoke(main, [*arguments, "--range", "6,7"])
    assert refused.exit_code == 1
    assert "--range" in refused.output


@pytest.mark.parametrize("rule", ["adaptive", "sgd"])
def test_a_file_of_one_user_is_said_to_need_more_of_them(tmp_path: Path, rule: str) -> None:
    file = tmp_path / "one.csv"
    file.write_text("\n".join(["user,item,rating", *(f"u,i{n},{1 + n % 5}" for n in range(60))]))
    refused = CliRunner().invoke(main, ["cold-start", str(file), "--rule", rule, "--factors", "4"])
    assert refused.exit_code == 1
    assert "Error: 1 user is too few: " in refused.stderr
    assert "it takes ratings by 5 users or more\n" in refused.stderr


def test_users_who_all_fall_into_one_fold_leave_nobody_to_learn_from() -> None:
    fold_of = {f"u{n}": id_hash("user", f"u{n}".encode()) % 5 for n in range(100)}
    same = [user for user, fold in fold_of.items() if fold == 0][:6]
    other = next(user for user, fold in fold_of.items() if fold == 1)
    with pytest.raises(ValueError, match=r"^6 users are too few: .* 7 users or more$"):
        folds_of(new_trial(_rated_by(same), RULE, 4))
    assert set(folds_of(new_trial(_rated_by([*same, other]), RULE, 4))) == {0, 1}


def _rated_by(users: list[str]) -> RatingsTable:
    n = len(users)
    return RatingsTable(users, ["i"] * n, np.full(n, 3.0), np.zeros(n, np.int64))
