"""The project's commands, run as anybody would run them, each once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


class CommandFailedError(RuntimeError):
    """A command that the report needs is missing or failed; the message holds what it said."""


class Commands:
    """Runs ``lfm-online …`` and remembers how each line of the report was made."""

    def __init__(self, names: dict[Path, str]) -> None:
        """See :meth:`json`.

        Args:
            names: What a file is called in the report, where this machine's paths mean nothing.
        """
        self._names = {str(path): name for path, name in names.items()}
        self._shown: list[str] = []

    def json(self, *args: object) -> Any:
        """The last line of JSON that the command prints; ``--json`` is added.

        Raises:
            CommandFailedError: it ended with an error, or printed none.
        """
        words = [*map(str, args), "--json"]
        shown = " ".join(["lfm-online", *(self._names.get(word, word) for word in words)])
        if shown not in self._shown:
            self._shown.append(shown)
        print(shown, file=sys.stderr)  # noqa: T201 (what takes minutes says what it does)
        began = time.monotonic()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LFM_")}
        # Standard error is the terminal's: the commands show their progress there.
        done = subprocess.run(
            [sys.executable, "-m", "worker.cli", *words],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            env=environment,
        )
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)  # noqa: T201 (as above)
        if done.returncode:
            raise CommandFailedError(f"`{shown}` ended with {done.returncode}; what it said stands above")
        lines = done.stdout.strip().splitlines()
        if not lines:
            raise CommandFailedError(f"`{shown}` printed nothing, where a line of JSON was due")
        return json.loads(lines[-1])

    def take_shown(self) -> list[str]:
        """The commands since the last call, as they stand in the report."""
        shown, self._shown = self._shown, []
        return shown
