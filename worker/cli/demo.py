"""``lfm-online demo``: everything at once, on this machine."""

from __future__ import annotations

import signal
from pathlib import Path

import click

from worker.cli.finite import FiniteRange
from worker.cli.options import settings_options
from worker.cli.ratings import DEAD_LETTERS, tell_outside
from worker.settings import Settings


@click.command()
@click.option("--exit", "leave", is_flag=True, help="Stop when all is learned.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Standard output carries JSON lines only: addresses once all is up, at the end a summary, "
    "none where it is stopped before all is learned.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ratings file to replay instead of MovieLens: user, item, rating, timestamp, found by header name.",
)
@click.option(
    "--rate",
    type=FiniteRange(min=0, min_open=True),
    help="Events a second; without it as fast as it goes.",
)
@click.option(
    "--write-catalogue",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write MovieLens's titles, genres and years to this CSV file, for insight --catalogue.",
)
@click.option("--parent", type=int, hidden=True, help="The process whose end ends the demo.")
@settings_options("topic", "model", "rule", "factors", "rating_range", "seed", "history")
def demo(
    settings: Settings,
    leave: bool,
    as_json: bool,
    data: Path | None,
    rate: float | None,
    write_catalogue: Path | None,
    parent: int | None,
) -> None:
    """Replay MovieLens through an embedded broker, worker and store, then serve until Ctrl-C.

    \b
    Example:
      lfm-online demo --exit --json
    """
    from kafka.errors import KafkaError

    from lfm_online.catalogue import EMPTY, CatalogueError
    from lfm_online.catalogue import write_catalogue as write
    from lfm_online.rating_range import NoRatingsError
    from lfm_online.ratings_file import RatingsFileError, read_ratings
    from worker.demo.data import movielens
    from worker.demo.embedded import EmbeddedServerMissingError
    from worker.demo.play import Play, perform
    from worker.demo.run import RunError
    from worker.demo.server import ServerStartError
    from worker.log_setup import set_up_logging
    from worker.producer import ProduceError

    set_up_logging("warning")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    if data is not None and write_catalogue is not None:
        raise click.UsageError("--write-catalogue is of MovieLens: it does not go with --data")
    try:
        if data is None:
            table, catalogue = movielens()
        else:
            table, catalogue = read_ratings(data).sorted_by_time(), EMPTY
        tell_outside(table, settings.rating_range, "MovieLens" if data is None else str(data), DEAD_LETTERS)
        if write_catalogue is not None:
            write(write_catalogue, catalogue)
        perform(Play(settings, table, catalogue, rate, leave, as_json, parent))
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    except (
        CatalogueError,
        EmbeddedServerMissingError,
        KafkaError,
        NoRatingsError,
        ProduceError,
        RatingsFileError,
        RunError,
        ServerStartError,
        TimeoutError,
    ) as error:
        raise click.ClickException(str(error)) from error
