"""Fixtures of all suites: servers, topics and commands.

The same tests run on the embedded servers and, with `--servers=real`, on Apache Kafka and redis-server.
"""

import itertools
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.commands import Command, StartCommand
from tests.servers.kafka import RealKafka
from tests.servers.redis import RealRedis
from tests.topics import create_topic
from worker.demo.embedded import EmbeddedBroker, EmbeddedStore
from worker.demo.run import Run

TOPIC_PARTITIONS = 4
SHOWN_LINES = 60
_names = itertools.count(1)
_failed = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--servers",
        choices=["embedded", "real"],
        default="embedded",
        help="what the tests run on: the embedded broker and store, or Apache Kafka and redis-server",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Settings of whoever runs the tests are not the tests'.
    for name in [name for name in os.environ if name.startswith("LFM_")]:
        del os.environ[name]
    # Nor is what their shell has its children ignore (under nohup SIGHUP, in the background SIGINT):
    # the processes of the tests would inherit it, and are sent both.
    for number, handler in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/real alone unless the servers are real."""
    real = collection_path.is_relative_to(Path(__file__).parent / "real")
    return True if real and config.getoption("--servers") != "real" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest.fixture(scope="session")
def run() -> Iterator[Run]:
    """The run that all processes of the tests belong to: none outlives pytest, even if that is killed."""
    with Run() as run:
        yield run


@pytest.fixture(scope="session")
def real_servers(request: pytest.FixtureRequest) -> bool:
    """Whether the tests run on Apache Kafka and redis-server."""
    return bool(request.config.getoption("--servers") == "real")


@pytest.fixture(scope="session")
def broker(run: Run, real_servers: bool) -> str:
    """Bootstrap servers of a Kafka broker that stays up; tests use topics of their own."""
    kafka: RealKafka | EmbeddedBroker = RealKafka(run) if real_servers else EmbeddedBroker(run)
    return kafka.start().bootstrap


@pytest.fixture(scope="session")
def store(run: Run, real_servers: bool) -> str:
    """The Redis URL of a store that stays up; tests use models of their own."""
    return _new_store(run, real_servers, "store").start().url


@pytest.fixture
def fresh_store(run: Run, real_servers: bool) -> Iterator[EmbeddedStore]:
    """An empty store of the test's own: `.url`, `.kill()` (SIGKILL), `.start()` again on its data."""
    store = _new_store(run, real_servers, f"store-{next(_names)}").start()
    yield store
    store.kill()


@pytest.fixture
def topic(broker: str) -> str:
    """A new topic of four partitions on `broker`."""
    return create_topic(broker, TOPIC_PARTITIONS)


@pytest.fixture
def process(run: Run, request: pytest.FixtureRequest) -> Iterator[StartCommand]:
    """Starts commands, `process("worker", "--model", "m")`, and kills them after the test.

    After a test that failed, the end of what each of them wrote is shown.
    """
    commands: list[Command] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> Command:
        command = Command(run, f"{arguments[0]}-{next(_names)}", arguments, env)
        commands.append(command)
        return command

    yield start
    for command in commands:
        command.kill()
        code = command.wait()
        if request.node.stash.get(_failed, False):
            _show(command, code)


def _new_store(run: Run, real: bool, name: str) -> EmbeddedStore:
    return RealRedis(run, name) if real else EmbeddedStore(run, name)


def _show(command: Command, code: int) -> None:
    arguments = " ".join(command.arguments)
    # pytest shows what is printed here beside the test that failed.
    print(f"\n--- lfm-online {arguments} (process {command.pid}, code {code})")  # noqa: T201 - see above
    for what, text in (("standard output", command.output), ("standard error", command.log)):
        lines = text.splitlines()[-SHOWN_LINES:]
        print(f"--- the end of its {what}:", *lines, sep="\n")  # noqa: T201 - the same
