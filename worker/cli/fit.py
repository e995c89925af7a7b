"""``lfm-online fit``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from worker.cli.finite import FiniteRange
from worker.cli.options import settings_options
from worker.cli.ratings import ratings_of
from worker.settings import Settings
from worker.settings_catalogue import MODEL_SETTINGS

if TYPE_CHECKING:
    from lfm_online.fit.train import Fitted, Schedule
    from lfm_online.meta import Meta
    from lfm_online.ratings_file import RatingsTable
    from lfm_online.store.protocol import Store

EPOCHS: Final = 100
"""Most epochs of a rule that may go on, where none are given: the patience mostly ends it before."""
HOLD_OUT: Final = 0.1


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help=f"Most times that each rating is learned.  [default: {EPOCHS}; rule adaptive: 1]",
)
@click.option(
    "--hold-out",
    type=FiniteRange(0, 1, max_open=True),
    metavar="SHARE",
    help="Share of the ratings, drawn by the seed, that tells which epoch is the best; 0: the last one is "
    f"taken.  [default: {HOLD_OUT:g}; rule adaptive: 0]",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Epochs without a better one on the ratings held out, before it ends.",
)
@click.option(
    "--decay",
    type=FiniteRange(min=0),
    default=0.0,
    show_default=True,
    help="Of the steps: those of epoch n are divided by 1 + DECAY (n - 1).",
)
@click.option("--dry-run", is_flag=True, help="Learn and measure; neither Kafka nor the store is asked.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object a line: one for each epoch, then a last one."
)
@settings_options(
    "kafka",
    "topic",
    "store",
    "model",
    *MODEL_SETTINGS,
    "feed_entries",
)
def fit(
    settings: Settings,
    file: Path,
    epochs: int | None,
    hold_out: float | None,
    patience: int,
    decay: float,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Start a model from a file of ratings; a worker then carries it on from the topic.

    Rule sgd learns epochs in orders shuffled by the seed. Some ratings are held out first, to find the best
    epoch; then a model learns all of them for as many. Rule adaptive learns each rating once, in the order of
    time. Counts, histories and baselines are as if the ratings had been streamed; the ledger's events, which
    the topic's are counted by, stay 0. The worker must have the same settings.

    FILE is a table with a header line, separated by commas, tabs or semicolons, with columns for user, item,
    rating and perhaps timestamp. A rating that the topic holds too would count twice: the worker reads the
    topic from its beginning.

    \b
    Example:
      lfm-online fit ratings.csv --rule sgd --range 1,5 --dry-run
    """
    import msgspec

    from lfm_online.fit.into_store import FitBrokenOffError, ModelExistsError
    from lfm_online.fit.train import FitError, Schedule
    from lfm_online.rating_range import NoRatingsError
    from lfm_online.ratings_file import RatingsFileError
    from lfm_online.store.protocol import StoreAwayError, StoreBrokenError
    from worker.source.protocol import SourceAwayError

    one_pass = settings.rule == "adaptive"
    share = (0.0 if one_pass else HOLD_OUT) if hold_out is None else hold_out
    if one_pass and share:
        raise click.UsageError(
            f"--hold-out is {share:g}; allowed: 0 with rule adaptive (LFM_RULE), which has one epoch, and "
            "predicts each rating before it learns it"
        )
    most = (1 if one_pass else EPOCHS) if epochs is None else epochs
    schedule = Schedule(most, patience, decay, settings.seed)
    try:
        with contextlib.ExitStack() as opened:
            target = None if dry_run else opened.enter_context(_new_model(settings))
            ratings = ratings_of(file, settings.rating_range)
            best, outside = most, None
            if share:
                fitted = _fitted(settings, ratings, schedule, share, as_json=as_json)
                best, outside = fitted.best, fitted.epochs[fitted.best - 1].rmse_held_out
            if target is not None or not share:
                fitted = _fitted(settings, ratings, schedule._replace(epochs=best), 0.0, as_json=as_json)
            if target is not None:
                _write(*target, fitted, settings)
    except (
        *(FitBrokenOffError, FitError, ModelExistsError, NoRatingsError, RatingsFileError),
        *(SourceAwayError, StoreAwayError, StoreBrokenError),
    ) as error:
        raise click.ClickException(str(error)) from None
    summary = {
        "model": None if dry_run else settings.model,
        "ratings": len(fitted.train.user),
        "users": len(fitted.model.users),
        "items": len(fitted.model.items),
        "refused": fitted.refused,
        "epochs": best,
        "rmse": fitted.epochs[fitted.best - 1].rmse,
        "rmse_held_out": outside,
    }
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        found = "" if outside is None else f", RMSE {outside:.4f} on the ratings held out"
        click.echo(
            f"best after {best} epoch{'s' if best > 1 else ''}{found}; "
            f"{fitted.refused:,} rating{'' if fitted.refused == 1 else 's'} refused"
        )
        click.echo("nothing was written" if dry_run else f"model {settings.model!r} is in the store")


@contextlib.contextmanager
def _new_model(settings: Settings) -> Iterator[tuple[Store, Meta]]:
    """The store, seen to have no such model, and what the settings say of its rows."""
    from lfm_online.fit.into_store import check_new
    from worker.access import open_store
    from worker.model_opening import meta_of
    from worker.source.kafka_python import KafkaPythonSource

    with contextlib.closing(open_store(settings)) as store:
        check_new(store, settings.model)
        with contextlib.closing(KafkaPythonSource(settings)) as source:
            meta = meta_of(settings, source.topic_id())
        yield store, meta


def _fitted(
    settings: Settings, ratings: RatingsTable, schedule: Schedule, share: float, *, as_json: bool
) -> Fitted:
    """A model that learned the ratings without that share of them, shown epoch by epoch."""
    from lfm_online.fit.train import fit_ratings, held_out, started
    from worker.cli.fit_display import EpochDisplay
    from worker.rule_options import rule_of

    model, train = started(
        ratings, rule_of(settings), settings.factors, settings.history, ranking=settings.ranking
    )
    refused = len(ratings) - len(train.user)
    test = None
    if share:
        train, test = held_out(train, share, settings.seed)
    n_test = 0 if test is None else len(test.user)
    with EpochDisplay(schedule.epochs, len(train.user), n_test, as_json=as_json) as display:
        fitted = fit_ratings(model, train, schedule, test=test, on_epoch=display.show)
    return fitted._replace(refused=fitted.refused + refused)


def _write(store: Store, meta: Meta, fitted: Fitted, settings: Settings) -> None:
    from rich.console import Console

    from lfm_online.fit.into_store import write_model
    from worker.cli.fit_display import progress_bar

    with progress_bar("commits", Console(stderr=True)) as bar:
        task = bar.add_task("commits", total=None)
        write_model(
            store,
            fitted,
            meta,
            settings.model,
            new_id=lambda: os.urandom(16),
            feed_entries=settings.feed_entries,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
