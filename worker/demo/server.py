"""A server of a run on a loopback port: started, waited for until it answers, killed, started again."""

import random
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Self

from worker.demo.run import Process, Run

# Below the ports that Linux and macOS give to outgoing connections, so that a server that was killed finds
# its port free when it is started again.
FIRST_PORT, LAST_PORT = 20_000, 32_000
# An embedded server answers within 0.1 s, Apache Kafka within 10 s on a busy machine.
START_SECONDS = 60.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.03
PORT_ATTEMPTS = 3


class ServerStartError(RuntimeError):
    """A server ended before it answered, or never answered; the message ends with its log's last lines."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.randint(FIRST_PORT, LAST_PORT)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Server(ABC):
    """One server process of a run. `start`, `kill` and `stop` may follow each other any number of times."""

    env: ClassVar[Mapping[str, str]] = {}
    """Added to the server's environment."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self.port = free_port()
        self._process: Process | None = None
        self._port_is_known = False

    @abstractmethod
    def prepare(self) -> list[str]:
        """Write what the server needs for `self.port`, and return its argv."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether a client gets an answer, and from this server, not from one that already had the port."""

    @property
    def process(self) -> Process:
        """The process as last started."""
        if self._process is None:
            raise ServerStartError(f"{self.name} was never started")
        return self._process

    def start(self) -> Self:
        """Start it, and wait until it answers. Started again, it keeps its port.

        Raises:
            ServerStartError: see there.
        """
        attempts = 1 if self._port_is_known else PORT_ATTEMPTS
        for attempt in range(1, attempts + 1):
            process = self._process = self.run.start(self.name, self.prepare(), env=dict(self.env))
            if self._wait(process):
                self._port_is_known = True
                return self
            if attempt < attempts:
                self.port = (
                    free_port()
                )  # another process may have taken the first between the look and the start
        raise ServerStartError(
            f"{self.name} ended with code {process.wait()} before it answered on port {self.port}; "
            f"its log ends with:\n{self.run.tail(self.name)}"
        )

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """End it by SIGTERM."""
        self.process.terminate()
        self.process.wait(STOP_SECONDS)

    def _wait(self, process: Process) -> bool:
        """Whether it came to answer; False if it ended before."""
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            if self.answers():
                return True
            if time.monotonic() > deadline:
                process.kill()
                raise ServerStartError(
                    f"{self.name} did not answer on port {self.port} within {START_SECONDS:.0f} s; "
                    f"its log ends with:\n{self.run.tail(self.name)}"
                )
            time.sleep(POLL_SECONDS)
        process.wait()
        return False
