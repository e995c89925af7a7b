"""The README's table of settings."""

from __future__ import annotations

from pathlib import Path

from worker.settings_catalogue import markdown

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- settings -->", "<!-- /settings -->"


def test_the_readmes_table_of_settings_is_what_the_command_prints() -> None:
    text = README.read_text(encoding="utf-8")
    table = text.split(BEGIN)[1].split(END)[0].strip()
    assert table == markdown(), "write it anew: lfm-online settings --markdown"
