"""The command line. A command's module is imported when the command is called for, not before.

So ``lfm-online --help`` needs neither Numba nor Kafka, and answers at once.
"""

from __future__ import annotations

from importlib import import_module

import click

# Each is a click command of that name in the module of that name in this package.
COMMANDS = {
    "demo": "Replay MovieLens through an embedded broker and store, then serve.",
    "worker": "Learn: ratings in from Kafka, rows into the store.",
    "serve": "Answer lookups over HTTP.",
    "produce": "Send a file of ratings to the topic.",
    "fit": "Start a model from a file of ratings; a worker then carries it on.",
    "evaluate": "Measure a rule on a file of ratings, in this process alone.",
    "verify": "Prove that each event of the topic was learned exactly once.",
    "predict": "What a user would rate an item.",
    "recommend": "The best items for a user.",
    "similar": "The items nearest to an item.",
    "explain": "What a prediction is made of.",
    "settings": "List every setting.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="lfm-online", prog_name="lfm-online")
def main() -> None:
    """Learn a latent factor model of ratings while they stream in from Kafka, and look it up.

    \b
    Example:
      lfm-online demo
    """
