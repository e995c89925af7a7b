"""``lfm-online verify``: the proof that each event counts exactly once."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import click

from worker.cli.options import settings_options
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.verification import Report


@click.command()
@settings_options("kafka", "store", "model")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(settings: Settings, as_json: bool) -> None:
    """Recompute every row's count and digest from the topic, and compare: exit code 0 or 1.

    Works beside a running worker. Topic and event format are those of the model.

    \b
    Example:
      lfm-online verify --kafka 127.0.0.1:9092 --store redis://127.0.0.1:6379/0
    """
    from rich.console import Console
    from rich.progress import Progress

    from lfm_online.meta import MetaMismatchError
    from lfm_online.store.protocol import StoreAwayError, StoreBrokenError
    from lfm_online.store.redis import RedisStore
    from worker.decode import Decoder
    from worker.model_opening import settings_of
    from worker.source.protocol import SourceAwayError, SourceBrokenError
    from worker.source.whole_topic import WholeTopic
    from worker.verification import verify as verify_model

    console = Console(stderr=True)
    try:
        with contextlib.closing(RedisStore(settings.store, settings.model)) as store:
            settings = settings_of(store, settings)
            with WholeTopic(settings.kafka, settings.topic) as topic, Progress(console=console) as bar:
                task = bar.add_task("reading the topic", total=None)
                report = verify_model(
                    store,
                    topic,
                    Decoder(settings),
                    settings.topic,
                    lambda done, total: bar.update(task, completed=done, total=total),
                )
    except (MetaMismatchError, SourceAwayError, SourceBrokenError, StoreAwayError, StoreBrokenError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        fields = (
            *("events", "dead_letters", "rows", "fitted", "differing"),
            *("unproven", "watermarks", "gone", "examples"),
        )
        click.echo(json.dumps({"passed": report.passed, **{name: getattr(report, name) for name in fields}}))
    else:
        _print(report)
    sys.exit(0 if report.passed else 1)


def _print(report: Report) -> None:
    for line in report.examples:
        click.echo(line)
    if report.gone:
        click.echo(f"nothing can be proved: retention took events, per partition {report.gone}")
    if report.fitted:
        click.echo(f"{report.fitted} rows hold only what was fitted before the first event")
    if report.unproven:
        click.echo(
            f"{report.unproven} users were forgotten in one partition and rated in another: not proved"
        )
    verdict = "each event was learned exactly once" if report.passed else f"{report.differing} rows differ"
    click.echo(f"{report.events} events, {report.dead_letters} dead letters, {report.rows} rows: {verdict}")
