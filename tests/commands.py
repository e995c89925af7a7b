"""The project's commands as the tests start them: real processes, whose output is kept."""

import sys
from typing import Protocol

from worker.demo.run import Process, Run


class Command:
    """One `lfm-online` command that was started."""

    def __init__(self, run: Run, name: str, arguments: tuple[str, ...], env: dict[str, str] | None) -> None:
        self._run = run
        self._output = run.directory / f"{name}.out"
        self.name = name
        self.arguments = arguments
        self.process: Process = run.start(
            name,
            [sys.executable, "-m", "worker.cli", *arguments],
            env={"PYTHONUNBUFFERED": "1", **(env or {})},
            output=self._output,
        )
        self.pid = self.process.pid

    @property
    def output(self) -> str:
        """Standard output so far."""
        return self._output.read_text() if self._output.exists() else ""

    @property
    def log(self) -> str:
        """Standard error so far."""
        return (self._run.directory / f"{self.name}.log").read_text(errors="replace")

    def poll(self) -> int | None:
        """The exit code, minus the signal's number where one ended it; None while it runs."""
        return self.process.poll()

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def terminate(self) -> None:
        """SIGTERM: it drains."""
        self.process.terminate()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def wait(self, timeout_seconds: float = 120.0) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(timeout_seconds)


class StartCommand(Protocol):
    """What the fixture `process` gives: `process("worker", "--model", "m")` starts that command."""

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Command: ...
