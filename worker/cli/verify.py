"""``lfm-online verify``: the proof that each event counts exactly once."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from worker.cli.options import model_name, settings_options
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.verification.models import Comparison
    from worker.verification.report import Report

CODES: Final = {"proved": 0, "differs": 1, "cannot tell": 3}


class NotVerifiedError(click.ClickException):
    """Broker, store or file did not answer: nothing was compared."""

    exit_code = 4


@click.command()
@settings_options("kafka", "store", "model")
@click.option(
    "--save-baseline",
    "save",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="If it is proved, write down what the next verification can go on from.",
)
@click.option(
    "--baseline",
    "since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Go on from what --save-baseline wrote: the topic is needed from there on only.",
)
@click.option(
    "--against",
    callback=model_name,
    metavar="MODEL",
    help="Compare with that model instead, byte by byte; no topic is read.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(
    settings: Settings, save: Path | None, since: Path | None, against: str | None, as_json: bool
) -> None:
    """Recompute every row's count and digest from the topic, and compare.

    Works beside a running worker. Topic and event format are those of the model.

    \b
    Exit codes:
      0  each event was learned exactly once
      1  rows differ
      3  it can't be told: retention or compaction took events, or the store is older than the baseline
      4  the broker, the store or the baseline could not be read

    \b
    Example:
      lfm-online verify --kafka 127.0.0.1:9092 --store redis://127.0.0.1:6379/0
    """
    from lfm_online.layout import FormatError
    from lfm_online.meta import MetaMismatchError
    from lfm_online.store.protocol import StoreAwayError, StoreBrokenError
    from worker.cli.reading import Bar
    from worker.source.protocol import SourceAwayError, SourceBrokenError
    from worker.verification.baseline import BaselineError

    if against is not None and (save or since):
        raise click.UsageError("--against compares two models: it takes no --baseline and no --save-baseline")
    try:
        with Bar() as bar:
            found: Report | Comparison
            if against is None:
                found = _by_topic(settings, since, save, bar.show)
            else:
                found = _by_model(settings, against, bar.show)
    except (
        *(BaselineError, FormatError, MetaMismatchError, OSError),
        *(SourceAwayError, SourceBrokenError, StoreAwayError, StoreBrokenError),
    ) as error:
        raise NotVerifiedError(str(error)) from error
    if as_json:
        click.echo(json.dumps(found.to_dict()))
    else:
        for line in found.lines():
            click.echo(line)
    sys.exit(CODES[found.verdict])


def _by_topic(
    settings: Settings, since: Path | None, save: Path | None, show: Callable[[str, int, int | None], None]
) -> Report:
    from kafka.errors import KafkaError

    from lfm_online.meta import read_meta
    from worker.access import kafka_access, open_store
    from worker.decode import Decoder
    from worker.model_opening import settings_of
    from worker.source.protocol import SourceAwayError
    from worker.source.whole_topic import WholeTopic
    from worker.topics import is_compacted
    from worker.verification import verify as verify_model
    from worker.verification.baseline import read_baseline

    with contextlib.closing(open_store(settings)) as store:
        s = settings_of(store, settings)
        meta = read_meta(store.read_meta() or b"", s.model)
        baseline = None if since is None else read_baseline(since, meta)
        with WholeTopic(s.kafka, s.topic, kafka_access(s)) as topic:
            try:
                compacted = is_compacted(s)
            except KafkaError as error:
                raise SourceAwayError(f"the broker does not answer: {error!r} (LFM_KAFKA)") from error
            report, proved = verify_model(
                store, topic, Decoder(s), s.topic, show, baseline=baseline, compacted=compacted
            )
    if save is not None and report.passed:
        if proved is None:
            raise NotVerifiedError(
                "proved, but no baseline was saved: the store fell back meanwhile; verify again"
            )
        proved.save(save, meta)
    return report


def _by_model(settings: Settings, other: str, show: Callable[[str, int, int | None], None]) -> Comparison:
    from worker.access import open_store
    from worker.verification.models import compare

    with (
        contextlib.closing(open_store(settings)) as store,
        contextlib.closing(open_store(settings, other)) as against,
    ):
        return compare((settings.model, store), (other, against), show)
