"""``lfm-online evaluate``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lfm_online.compare.extra import PeerMissingError
from lfm_online.evaluate.split import SplitError, SplitPlan
from lfm_online.evaluate.stream import Stream, stream_of
from worker.cli.finite import FiniteRange
from worker.cli.options import settings_options, svg_file
from worker.cli.ratings import ratings_of
from worker.evaluation.comparison import PEERS, RATING
from worker.evaluation.run import Wanted, run
from worker.evaluation.source import of_topic
from worker.evaluation.summary import summary
from worker.evaluation.tables import tables
from worker.rule_options import rule_of
from worker.settings import Settings
from worker.settings_catalogue import SGD_SETTINGS
from worker.source.protocol import SourceAwayError, SourceBrokenError


class _FactorsType(click.ParamType[tuple[int, ...]]):
    """``8,16,32``: one or more numbers of factors, each as the setting allows."""

    name = "factors"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        try:
            numbers = tuple(int(number) for number in value.split(","))
        except ValueError:
            numbers = ()
        if not numbers or not all(1 <= number <= 512 for number in numbers):
            self.fail(f"{value!r}; allowed: numbers from 1 to 512, separated by commas", param, ctx)
        return numbers


class _SplitType(click.ParamType[SplitPlan]):
    name = "split"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> SplitPlan:
        try:
            return SplitPlan.parse(value)
        except SplitError as error:
            self.fail(str(error), param, ctx)


class _PeersType(click.ParamType[tuple[str, ...]]):
    """``river,sgd``: names of peers."""

    name = "peers"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        peers = tuple(value.split(","))
        for peer in peers:
            if peer not in PEERS:
                self.fail(f"no peer {peer!r}; allowed: {', '.join(PEERS)}, separated by commas", param, ctx)
        return peers


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option(
    "--topic",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="In place of FILE: the ratings that the topic holds now.  [name: LFM_TOPIC]",
)
@click.option(
    "--split",
    "splits",
    type=_SplitType(),
    multiple=True,
    metavar="PLAN",
    help="Train on one part, predict the other: time:0.8, random:0.8, or cv:5; several may be given.",
)
@click.option("--top", type=click.IntRange(1, 1000), metavar="N", help="Quality of the top N too.")
@click.option(
    "--like",
    type=FiniteRange(),
    metavar="RATING",
    help="Least rating that the top N should find.  [default: three quarters up the range, 4 of 1 to 5]",
)
@click.option(
    "--factors",
    type=_FactorsType(),
    multiple=True,
    metavar="N[,N…]",
    help="Latent factors; of several a table, and the rest is measured with the last.  [env: LFM_FACTORS]",
)
@click.option(
    "--compare",
    "peers",
    type=_PeersType(),
    metavar="PEER[,PEER…]",
    help="Peers on the same ratings, at their defaults and at the best of a grid: river, sgd, surprise, "
    "mean, bias; with --top als, knn, ease, popular. Needs the extra compare.",
)
@click.option("--ablate", is_flag=True, help="What each part of the adaptive rule buys.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.svg",
    callback=svg_file,
    help="Draw RMSE over the stream, calibration, error by the user's ratings and factors; hit rate by c.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object; the tables go to standard error."
)
@settings_options(
    "rule",
    "rating_range",
    "seed",
    *SGD_SETTINGS,
    "kafka",
    "user_field",
    "item_field",
    "rating_field",
    "time_field",
    "time_unit",
)
def evaluate(
    settings: Settings,
    file: Path | None,
    topic: str | None,
    splits: tuple[SplitPlan, ...],
    top: int | None,
    like: float | None,
    factors: tuple[tuple[int, ...], ...],
    peers: tuple[str, ...] | None,
    ablate: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure a rule on ratings, in this process alone: no store, and Kafka only for --topic.

    Prequential: sorted by time (those of one time in the file's order), each rating is predicted before it is
    learned from. Shown beside the rule: the running mean, and the bias-only guess (shrunk running means of
    user and item). Ratings outside the range are refused and counted. Events/s are those of the compiled
    kernel.

    FILE is a table with a header line, separated by commas, tabs or semicolons, with columns for user, item,
    rating and timestamp.

    \b
    Examples:
      lfm-online evaluate ratings.csv --range 1,5 --rule sgd --json
      lfm-online evaluate ratings.csv --split cv:5 --top 10 --factors 8,16,32 --plot ratings.svg
      lfm-online evaluate ratings.csv --compare river,sgd,surprise --ablate
      lfm-online evaluate ratings.csv --top 10 --compare als,knn,ease
      lfm-online evaluate --topic
    """
    if (file is None) == (topic is None):
        raise click.UsageError("the ratings come from FILE or from --topic: give one of them")
    if plot is not None and not plot.parent.is_dir():
        raise click.UsageError(f"there is no directory {str(plot.parent)!r} to write to (--plot)")
    peers = peers or ()
    if top is None and (rankers := [peer for peer in peers if peer not in RATING]):
        raise click.UsageError(f"{', '.join(rankers)} (--compare) ranks, and needs --top, as in --top 10")
    if top is None and like is not None:
        raise click.UsageError(
            f"--like is {like:g}, the least that the top N should find: it needs --top, as in --top 10"
        )
    if ablate and settings.rule != "adaptive":
        raise click.UsageError(f"--ablate takes apart the rule adaptive, not {settings.rule} (--rule)")
    console = Console(stderr=True)
    numbers = tuple(n for group in factors for n in group) or (settings.factors,)
    wanted = Wanted(numbers, splits, top, like, peers, ablate)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as bar:
            stream = _stream(settings, file, topic, bar)
            results = run(stream, rule_of(settings), wanted, bar)
    except (ValueError, PeerMissingError, SourceAwayError, SourceBrokenError) as error:
        raise click.ClickException(str(error)) from None
    shown = console if as_json else Console()
    for table in tables(results):
        shown.print(table)
    if plot is not None:
        from worker.evaluation.plots import charts
        from worker.svg import draw

        plot.write_text(draw(charts(results)), encoding="utf-8")
    if as_json:
        click.echo(msgspec.json.encode(summary(results)))


def _stream(settings: Settings, file: Path | None, topic: str | None, bar: Progress) -> Stream:
    low, high = settings.rating_range
    if file is not None:
        return stream_of(ratings_of(file, settings.rating_range), low, high)
    if topic:
        settings = settings.model_copy(update={"topic": topic})
    task = bar.add_task("reading the topic", total=None)
    ratings, invalid = of_topic(settings, lambda done, total: bar.update(task, completed=done, total=total))
    stream = stream_of(ratings, low, high)
    return replace(stream, refused=stream.refused + invalid)
