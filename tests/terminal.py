"""The project's commands as a terminal shows them, run within the tests' own process.

For commands that ask and end: a process of each costs a second or two of imports and kernels. Each command
is started as a process too, by at least one test; what waits for signals or reads the environment always is.
"""

from __future__ import annotations

from typing import NamedTuple

from click.testing import CliRunner

from worker.cli import main


class Ended(NamedTuple):
    """A command that was run to its end."""

    code: int
    output: str
    """Standard output."""
    log: str
    """Standard error."""


def terminal(*arguments: str) -> Ended:
    """Run `lfm-online` with these arguments; what no command may raise is raised here."""
    result = CliRunner().invoke(main, arguments, prog_name="lfm-online", catch_exceptions=False)
    return Ended(result.exit_code, result.stdout, result.stderr)
