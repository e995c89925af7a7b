"""The command line. A command's module is imported when the command is called for, not before.

So ``lfm-online --help`` needs neither Numba nor Kafka, and answers at once.
"""

from __future__ import annotations

import click

from worker.cli.lazy_group import LazyGroup

# Each is a click command of that name in the module of that name in this package.
COMMANDS = {
    "demo": "Replay MovieLens through an embedded broker and store, then serve.",
    "worker": "Learn: ratings in from Kafka, rows into the store.",
    "serve": "Answer lookups over HTTP.",
    "produce": "Send a file of ratings to the topic.",
    "fit": "Start a model from a file of ratings; a worker then carries it on.",
    "evaluate": "Measure a rule on a file of ratings, in this process alone.",
    "cold-start": "Measure on a file how fast newcomers become known.",
    "verify": "Prove that each event of the topic was learned exactly once.",
    "replay": "Learn a topic once more, into a second model.",
    "dead-letters": "List events that could not be learned, show one, send some back.",
    "check": "See that broker, topic, store and model are fit, and say what to change.",
    "predict": "What a user would rate an item.",
    "recommend": "The best items for a user, or to go with a basket.",
    "popular": "The items that are taken most.",
    "similar": "The items nearest to an item.",
    "explain": "What a prediction is made of.",
    "insight": "Read a model: biases, axes of taste, profiles, a map.",
    "export": "Write vectors or predictions to Parquet.",
    "prior": "Start new items from their attributes.",
    "settings": "List every setting.",
}


@click.group(
    cls=LazyGroup,
    package=__name__,
    texts=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="lfm-online", prog_name="lfm-online")
def main() -> None:
    """Learn a latent factor model of ratings while they stream in from Kafka, and look it up.

    \b
    Example:
      lfm-online demo
    """
