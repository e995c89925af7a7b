"""``lfm-online insight questionnaire``."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from worker.cli.insight.show import print_columns
from worker.cli.lookup import HOW_MANY, print_json
from worker.cli.options import settings_options
from worker.cli.reading import CATALOGUE, JSON, in_words, read_whole_model
from worker.settings import Settings


@click.command()
@HOW_MANY
@CATALOGUE
@JSON
@settings_options("store", "model")
def questionnaire(settings: Settings, n: int, catalogue_file: Path | None, as_json: bool) -> None:
    """What to ask a newcomer: the items whose ratings tell most about all others.

    Known to many, divided in opinion, and each different from those asked before. The gain is the share of a
    newcomer's uncertainty that the question is expected to take away. Rule adaptive only.

    \b
    Example:
      lfm-online insight questionnaire --catalogue movies.csv -n 20
    """
    from lfm_online.cold.questionnaire import NoQuestionsError, choose_questions

    with in_words(NoQuestionsError):
        model, catalogue = read_whole_model(settings, catalogue_file)
        users = int(np.count_nonzero(model.users.rows.header["ratings"][: len(model.users)]))
        questions = choose_questions(model, n, users)
    ids = [model.items.ids[question.number] for question in questions]
    if as_json:
        told = [
            {"item": item, "title": catalogue.of(item).title, "known_to": q.known_to, "gain": q.gain}
            for item, q in zip(ids, questions, strict=True)
        ]
        print_json({"users": users, "questions": told})
        return
    rows = [
        (item, catalogue.of(item).title, f"{q.known_to:.0%}", f"{q.gain:.2%}")
        for item, q in zip(ids, questions, strict=True)
    ]
    print_columns("what to ask a newcomer", rows, "item", "known to", "gain")
