"""``lfm-online dead-letters send``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from worker.cli.dead_letters.place import PLACE
from worker.cli.dead_letters.reason import check_reasons
from worker.cli.options import settings_options
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.dead_letters.topic import Place


@click.command()
@settings_options("kafka", "topic", "dead_letter_topic", "model")
@click.option(
    "--reason", "reasons", multiple=True, metavar="REASON", help="All of a reason; may be given often."
)
@click.option("--at", "places", multiple=True, type=PLACE, help="One by its place; may be given often.")
@click.option("--again", is_flag=True, help="Also those that were sent back before.")
@click.option("--dry-run", is_flag=True, help="Only say how many would be sent.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def send(
    settings: Settings,
    reasons: tuple[str, ...],
    places: tuple[Place, ...],
    again: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send dead letters back to their topic, once what was wrong has been mended.

    Each goes to the partition where it stood, as a new record with a time of its own, and is noted in the
    dead-letter topic, so that it is not sent twice. Of one that was cut, the whole value is read from its
    place in the topic. Exit code 1 if some could not be sent.

    Sent are the letters of one model, but every model of the topic learns them: one that has learned the
    event already learns it twice. Where several models read one topic, send only what no other has learned.

    \b
    Example:
      lfm-online dead-letters send --reason future_time --dry-run
      lfm-online dead-letters send --at 2:4711
    """
    from worker.cli.reading import Bar
    from worker.dead_letters.sending import Choice, send_back
    from worker.source.protocol import SourceAwayError, SourceBrokenError

    if not reasons and not places:
        raise click.UsageError(
            "nothing was chosen: --reason REASON or --at PARTITION:OFFSET says which letters"
        )
    check_reasons(reasons)
    try:
        with Bar() as bar:
            done = send_back(
                settings,
                Choice(frozenset(reasons), frozenset(places)),
                again=again,
                dry_run=dry_run,
                progress=bar.show,
            )
    except (SourceAwayError, SourceBrokenError) as error:
        raise click.ClickException(str(error)) from error
    lost = {
        "no longer whole: only their beginning is left": done.cut,
        "in no letter": done.missing,
    }
    if as_json:
        click.echo(
            json.dumps(
                {
                    "sent": 0 if dry_run else done.sent,
                    "would_send": done.sent if dry_run else 0,
                    "sent_before": done.before,
                    "cut": [str(place) for place in done.cut],
                    "missing": [str(place) for place in done.missing],
                }
            )
        )
    else:
        verb = "would be sent" if dry_run else "sent"
        click.echo(
            f"{done.sent} letters {verb} back to {settings.topic}, {done.before} were before (--again)"
        )
        for words, found in lost.items():
            if found:
                click.echo(f"{words}: {', '.join(map(str, found))}")
    sys.exit(1 if any(lost.values()) else 0)
