"""``lfm-online replay``: the topic once more, into a second model."""

from __future__ import annotations

import contextlib
import json
import os

import click

from worker.cli.options import model_name, settings_options
from worker.settings import Settings


@click.command()
@settings_options("kafka", "store", "model", "feed_entries")
@click.option(
    "--into",
    required=True,
    callback=model_name,
    metavar="MODEL",
    help="Name of the second model; it must be new.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(settings: Settings, into: str, as_json: bool) -> None:
    """Learn what a model has learned once more, from the topic's beginning, into a second model.

    In the order of the model's commits, as far as its feed still holds them (LFM_FEED_ENTRIES); what lies
    before comes by the records' time, partition and offset. If the whole order is known, the second model has
    the first one's bytes: lfm-online verify --against compares them. A worker of the first may go on.

    \b
    Example:
      lfm-online replay --model default --into default-again
      lfm-online verify --model default --against default-again
    """
    from kafka.errors import KafkaError

    from lfm_online.fit.into_store import ModelExistsError
    from lfm_online.layout import FormatError
    from lfm_online.meta import MetaMismatchError, read_meta
    from lfm_online.store.protocol import StoreAwayError, StoreBrokenError
    from worker.access import kafka_access, open_store
    from worker.cli.reading import Bar
    from worker.decode import Decoder
    from worker.model_opening import settings_of
    from worker.replay import NoReplayError
    from worker.replay import replay as replay_model
    from worker.source.protocol import SourceAwayError, SourceBrokenError
    from worker.source.whole_topic import WholeTopic

    try:
        with contextlib.ExitStack() as opened:
            source = opened.enter_context(contextlib.closing(open_store(settings)))
            target = opened.enter_context(contextlib.closing(open_store(settings, into)))
            s = settings_of(source, settings)
            meta = read_meta(source.read_meta() or b"", s.model)
            topic = opened.enter_context(WholeTopic(s.kafka, s.topic, kafka_access(s)))
            done = replay_model(
                source,
                topic,
                Decoder(s),
                meta,
                target,
                into,
                new_id=lambda: os.urandom(16),
                feed_entries=settings.feed_entries,
                progress=opened.enter_context(Bar()).show,
            )
    except (
        *(FormatError, KafkaError, MetaMismatchError, ModelExistsError, NoReplayError),
        *(SourceAwayError, SourceBrokenError, StoreAwayError, StoreBrokenError),
    ) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({**done._asdict(), "exact": done.exact}))
        return
    order = "in the order of the commits"
    if not done.exact:
        order = (
            f"{done.by_time} offsets by time, partition and offset, {done.by_feed} in the order of the "
            "commits: the feed holds no more of them (LFM_FEED_ENTRIES), and rows may differ"
        )
    click.echo(f"{done.events} events in {done.commits} commits, {order}; model {into!r} is in the store")
