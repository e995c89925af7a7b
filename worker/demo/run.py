"""A run: processes and a directory for their files, none of which outlives it, whatever ends it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, Self, cast

from worker.demo import guardian, leftovers

TAIL_LINES = 30
POLL_SECONDS = 0.02


class RunError(RuntimeError):
    """A run can't go on."""


class ParentLostError(RunError):
    """The process that started this one is gone, and with it whoever would end the run."""


class GuardianLostError(RunError):
    """The guardian is gone: nothing would end the run's processes if this one were killed."""


class ProcessEndedError(RunError):
    """A process of the run ended, or never started, and nobody had asked for that."""


class Process:
    """A process of a run. Its group, with all that it starts, ends with it."""

    def __init__(self, run: "Run", name: str, pid: int) -> None:
        self._run = run
        self.name = name
        self.pid = pid
        self.expected_to_end = False

    def poll(self) -> int | None:
        """The exit code, minus the signal's number where one ended it; None while it runs."""
        code: int | None = self._run.ask(poll=self.pid)["code"]
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended already. An end after that is no surprise to `Run.check`."""
        self.expected_to_end = True
        self._run.ask(signal=int(number), pid=self.pid)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to clear up (SIGKILL)."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Wait for its end, and return the exit code.

        Raises:
            TimeoutError: it still runs after `timeout_seconds`; the message ends with its log's last lines.
        """
        self.expected_to_end = True
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self.name} (process {self.pid}) still runs after {timeout_seconds:.0f} s; "
                    f"its log ends with:\n{self._run.tail(self.name)}"
                )
            time.sleep(POLL_SECONDS)
        return code


class Run:
    """Context manager around processes and their files.

    On leaving it, and just so when this process is killed, a guardian ends the processes, the last started
    first, and removes the directory. Entering it clears up after runs killed together with their guardian.

    Args:
        parent: the process that started this one and whose end ends the run (see `check`). Who is started by
            make should be told it: where it isn't given, a parent that ended before this call goes unnoticed.

        with Run() as run:
            store = run.start("store", ["valkey-server", str(run.directory / "store.conf")])
            while True:
                run.check()
                time.sleep(0.5)
    """

    directory: Path

    def __init__(self, parent: int | None = None) -> None:
        self._parent = os.getppid() if parent is None else parent
        self._lock = Lock()
        self._count = 0
        self._processes: list[Process] = []

    def __enter__(self) -> Self:
        leftovers.sweep()
        self.directory, self._record = leftovers.create()
        try:
            with self._log("guardian").open("ab") as log:
                self._guardian = subprocess.Popen(  # noqa: S603 - this interpreter on a file of this package
                    [sys.executable, "-I", guardian.__file__, str(self.directory), str(self._record)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    pass_fds=(self._record,),
                    start_new_session=True,
                )
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            os.close(self._record)
            raise
        # Popen's pipes, which its types leave open
        self._requests = cast(IO[bytes], self._guardian.stdin)
        self._replies = cast(IO[bytes], self._guardian.stdout)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BrokenPipeError):
            self._requests.close()  # the end of its input tells the guardian to clear up
        self._guardian.wait()
        self._replies.close()
        if self.directory.exists():  # the guardian was killed
            leftovers.clear(self.directory)
        os.close(self._record)

    @property
    def guardian_pid(self) -> int:
        """The guardian's process."""
        return self._guardian.pid

    def start(
        self, name: str, argv: list[str], env: dict[str, str] | None = None, output: Path | None = None
    ) -> Process:
        """Start a process.

        Args:
            name: of its log, `<name>.log` in `directory`; started again, it goes on with the same log.
            argv: program and arguments.
            env: added to this process's environment.
            output: where standard output goes; the log, beside standard error, where not given.

        Raises:
            ProcessEndedError: the program can't be started; the message says why.
            GuardianLostError: nobody is there to start it.
        """
        log = self._log(name)
        reply = self.ask(start=argv, env=env or {}, log=str(log), output=str(output or log))
        if "error" in reply:
            raise ProcessEndedError(f"{name} could not be started: {reply['error']} ({' '.join(argv)})")
        process = Process(self, name, reply["pid"])
        self._processes.append(process)
        return process

    def tail(self, name: str, lines: int = TAIL_LINES) -> str:
        """The last lines of a process's log."""
        path = self._log(name)
        if not path.exists():
            return "(no log)"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])

    def check(self) -> None:
        """See that the run may go on; to be called every second or so.

        Raises:
            ParentLostError: the process that started this one is gone.
            GuardianLostError: the guardian is gone.
            ProcessEndedError: a process ended that nobody had asked to; the message shows its log's end.
        """
        if os.getppid() != self._parent:
            raise ParentLostError(f"process {self._parent}, which had started this one, is gone")
        if self._guardian.poll() is not None:
            raise GuardianLostError(self._how_it_ended())
        for process in self._processes:
            code = None if process.expected_to_end else process.poll()
            if code is not None:
                process.expected_to_end = True
                raise ProcessEndedError(
                    f"{process.name} (process {process.pid}) ended with code {code}; "
                    f"its log ends with:\n{self.tail(process.name)}"
                )

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request to the guardian and its answer."""
        with self._lock:
            self._count += 1
            with suppress(BrokenPipeError):
                self._requests.write(json.dumps({"n": self._count, **request}).encode() + b"\n")
                self._requests.flush()
                while line := self._replies.readline():
                    reply: dict[str, Any] = json.loads(line)
                    if reply["n"] == self._count:  # not that of a request that Ctrl-C interrupted
                        return reply
            self._guardian.wait()
            raise GuardianLostError(self._how_it_ended())

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _how_it_ended(self) -> str:
        log = self.tail("guardian") if self.directory.exists() else "(its directory is gone)"
        return (
            f"the guardian (process {self._guardian.pid}) ended with code {self._guardian.returncode}\n{log}"
        )
