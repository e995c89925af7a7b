"""``lfm-online dead-letters list``."""

from __future__ import annotations

import json
from collections import Counter, deque

import click

from worker.cli.dead_letters.reason import check_reasons
from worker.cli.options import settings_options
from worker.settings import Settings


@click.command()
@settings_options("kafka", "topic", "dead_letter_topic", "model")
@click.option("--reason", "reasons", multiple=True, metavar="REASON", help="Only these; may be given often.")
@click.option(
    "-n", "n", type=click.IntRange(min=0), default=20, show_default=True, help="How many are listed."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list(settings: Settings, reasons: tuple[str, ...], n: int, as_json: bool) -> None:  # noqa: A001 - its name
    """Count a model's dead letters by reason, and list the newest.

    Each counts once, however often it was forwarded.

    \b
    Example:
      lfm-online dead-letters list --reason range -n 5
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from worker.dead_letters.topic import Entry, Place, read_entries
    from worker.source.protocol import SourceAwayError

    check_reasons(reasons)
    counts: Counter[str] = Counter()
    seen: set[Place] = set()
    back: dict[Place, str] = {}
    newest: deque[Entry] = deque(maxlen=n)
    try:
        for entry in read_entries(settings):
            if reasons and entry.letter.reason not in reasons:
                continue
            if entry.sent_back:
                back[entry.place] = entry.sent_back
            elif entry.place not in seen:
                seen.add(entry.place)
                counts[entry.letter.reason] += 1
                newest.append(entry)
    except SourceAwayError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        told = [
            {
                "partition": letter.partition,
                "offset": letter.offset,
                "reason": letter.reason,
                "detail": letter.detail,
                "time_ms": letter.time_ms,
                "value_bytes": letter.value_bytes,
                "cut": bool(letter.sha256),
                "sent_back": back.get(Place(letter.partition, letter.offset)),
            }
            for letter in (entry.letter for entry in newest)
        ]
        click.echo(
            json.dumps(
                {
                    "letters": len(seen),
                    "sent_back": len(back),
                    "by_reason": dict(counts.most_common()),
                    "newest": told,
                }
            )
        )
        return
    console = Console()
    console.print(
        f"{len(seen)} dead letters of model {settings.model} in {settings.dead_letters_to}, "
        f"{len(back)} of them sent back"
    )
    by_reason = Table("reason", "letters")
    for reason, count in counts.most_common():
        by_reason.add_row(Text(reason), str(count))
    table = Table("partition:offset", "reason", "bytes", "sent back to", "detail")
    for entry in newest:
        letter = entry.letter
        table.add_row(
            str(entry.place),
            *(
                Text(text)
                for text in (letter.reason, str(letter.value_bytes), back.get(entry.place, ""), letter.detail)
            ),
        )
    if seen:
        console.print(by_reason)
        console.print(table)
