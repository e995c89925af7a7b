"""``lfm-online produce``."""

from __future__ import annotations

from pathlib import Path

import click
from kafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lfm_online.ratings_file import RatingsFileError, read_ratings
from worker.cli.finite import FiniteRange
from worker.cli.options import settings_options
from worker.producer import ProduceError
from worker.producer import produce as send
from worker.settings import Settings
from worker.topics import ensure_topic


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--rate",
    type=FiniteRange(min=0, min_open=True),
    help="Events a second; without it as fast as it goes.",
)
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Partitions of the topic, if there is none yet.",
)
@settings_options("kafka", "topic", "user_field", "item_field", "rating_field", "time_field", "time_unit")
def produce(settings: Settings, file: Path, rate: float | None, partitions: int) -> None:
    """Send a file of ratings to the topic, in its order, keyed by user, and count what the broker confirmed.

    FILE is a table with a header line, separated by commas, tabs or semicolons, with columns for user, item,
    rating and perhaps timestamp (Unix time; seconds become milliseconds). Exit code 1 if an event failed.

    \b
    Example:
      lfm-online produce ratings.csv --rate 1000
    """
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("produced"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    try:
        table = read_ratings(file)
        ensure_topic(settings, partitions)
        with bar:
            task = bar.add_task("produced", total=len(table))
            confirmed = send(
                table, settings, rate=rate, on_progress=lambda count: bar.update(task, completed=count)
            )
    except (RatingsFileError, ProduceError) as error:
        raise click.ClickException(str(error)) from None
    except KafkaError as error:
        raise click.ClickException(
            f"Kafka failed at {settings.kafka} (--kafka, LFM_KAFKA): {error}"
        ) from None
    click.echo(f"{confirmed.count} events confirmed by the broker in {confirmed.seconds:.1f} s")
