"""``lfm-online worker``: the learner."""

from __future__ import annotations

import gc

import click

from worker.cli.options import settings_options
from worker.settings import Settings
from worker.settings_catalogue import MODEL_SETTINGS


@click.command()
@settings_options(
    "kafka",
    "topic",
    "group",
    "session_timeout_seconds",
    "source",
    "topic_replaced",
    "events_gone",
    "undecodable",
    "commit_events",
    "store",
    "model",
    "new_model",
    *MODEL_SETTINGS,
    "dead_letter_topic",
    "dead_letter_outbox",
    "dead_letter_max_bytes",
    "commit_seconds",
    "cache_mib",
    "feed_entries",
    "worker_host",
    "worker_port",
    "watchdog_seconds",
    "log_level",
)
def worker(settings: Settings) -> None:
    """Learn the topic's ratings into the store, each exactly once, until SIGTERM.

    \b
    Example:
      lfm-online worker --kafka 127.0.0.1:9092 --topic ratings --store redis://127.0.0.1:6379/0
    """
    # Until the kernels are there: what imports and compiling make stays, and looking for cycles in it takes
    # an eighth of a start.
    gc.disable()
    from lfm_online.layout import FormatError
    from lfm_online.meta import MetaMismatchError
    from lfm_online.store.protocol import StoreBrokenError
    from worker.http_health import PortTakenError
    from worker.log_setup import set_up_logging
    from worker.model_opening import NewModelError
    from worker.service import Service
    from worker.source.protocol import SourceBrokenError

    set_up_logging(settings.log_level)
    try:
        Service(settings).run()
    except (
        FormatError,
        MetaMismatchError,
        NewModelError,
        PortTakenError,
        SourceBrokenError,
        StoreBrokenError,
    ) as error:
        raise click.ClickException(str(error)) from error
    finally:
        gc.enable()  # for whoever runs commands within a process of their own
