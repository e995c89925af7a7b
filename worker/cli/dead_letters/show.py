"""``lfm-online dead-letters show``."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING

import click

from worker.cli.dead_letters.place import PLACE
from worker.cli.options import settings_options
from worker.settings import Settings

if TYPE_CHECKING:
    from worker.dead_letters.topic import Place


@click.command()
@click.argument("place", metavar="PARTITION:OFFSET", type=PLACE)
@settings_options("kafka", "topic", "dead_letter_topic", "model")
@click.option("--raw", is_flag=True, help="Write the value's bytes alone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; key and value in Base64.")
def show(settings: Settings, place: Place, raw: bool, as_json: bool) -> None:
    """Show one dead letter: why it could not be learned, and its bytes.

    PARTITION:OFFSET is where the event stood in its topic, as lfm-online dead-letters list shows it.

    \b
    Example:
      lfm-online dead-letters show 2:4711
    """
    from worker.dead_letters.topic import read_entries
    from worker.source.protocol import SourceAwayError

    letter, back = None, ""
    try:
        for entry in read_entries(settings):
            if entry.place == place:
                back = entry.sent_back or back
                letter = letter if entry.sent_back else entry.letter
    except SourceAwayError as error:
        raise click.ClickException(str(error)) from error
    if letter is None:
        raise click.ClickException(
            f"{settings.dead_letters_to} has no letter of {settings.topic} {place} to model {settings.model} "
            "(LFM_TOPIC, LFM_DEAD_LETTER_TOPIC, LFM_MODEL)"
        )
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        return
    facts = {
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "detail": letter.detail,
        "time_ms": letter.time_ms,
        "value_bytes": letter.value_bytes,
        "sha256": letter.sha256,
        "sent_back": back or None,
    }
    if as_json:
        encoded = {
            name: None if value is None else base64.b64encode(value).decode()
            for name, value in (("key", letter.key), ("value", letter.value))
        }
        click.echo(json.dumps({**facts, **encoded}))
        return
    for name, fact in facts.items():
        if fact not in (None, ""):
            click.echo(f"{name.replace('_', ' '):>12}  {fact}")
    click.echo(f"{'key':>12}  {_shown(letter.key)}")
    kept = f" (the first {len(letter.value)} bytes)" if letter.value is not None and letter.sha256 else ""
    click.echo(f"{'value':>12}  {_shown(letter.value)}{kept}")


def _shown(value: bytes | None) -> str:
    """Bytes as text where they are printable, else as Python writes them."""
    if value is None:
        return "none"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return repr(value)
    return text if text.isprintable() and text else repr(value)
