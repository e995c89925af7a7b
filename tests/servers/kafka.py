"""Apache Kafka itself, one node, with its log in the run's directory; and its console clients.

`make setup-real` puts Kafka's jars into `.real/kafka`.
"""

import subprocess
from pathlib import Path

from tests.servers.redis import installed
from worker.demo.embedded import cluster_id, kafka_answers
from worker.demo.run import Run
from worker.demo.server import Server, free_port

JARS = Path(__file__).parents[2] / ".real" / "kafka"
FORMAT_SECONDS = 60
LOG_LEVEL = "-Dorg.apache.logging.log4j.level=WARN"


class RealKafka(Server):
    """A broker and controller in one process. Killed and started again, it has the log that it had."""

    def __init__(self, run: Run, name: str = "kafka") -> None:
        super().__init__(run, name)
        self._controller_port = free_port()
        self._cluster = cluster_id()

    @property
    def bootstrap(self) -> str:
        """`host:port` for a Kafka client's bootstrap servers."""
        return f"127.0.0.1:{self.port}"

    @property
    def directory(self) -> Path:
        """Where its log lies."""
        return self.run.directory / f"{self.name}.data"

    def prepare(self) -> list[str]:
        """Write the configuration, and format the log's directory if it is new."""
        self.directory.mkdir(exist_ok=True)
        config = self.run.directory / f"{self.name}.properties"
        config.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        if not (self.directory / "meta.properties").exists():
            self._format(config)
        return java("kafka.Kafka", str(config), options=("-Xmx512m", LOG_LEVEL))

    def answers(self) -> bool:
        """Whether it tells a Kafka client about its cluster."""
        return kafka_answers(self.bootstrap, self._cluster)

    def _properties(self) -> dict[str, str]:
        broker, controller = f"127.0.0.1:{self.port}", f"127.0.0.1:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{broker}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.directory),
            # One node: nothing can be replicated, and few partitions of Kafka's own topics start sooner.
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            # A group's first member need not wait three seconds for others.
            "group.initial.rebalance.delay.ms": "0",
            # As the embedded broker allows: tests wait for the session of a worker that was killed.
            "group.min.session.timeout.ms": "1000",
            # Started again after a kill, it registers once the session of its former self has ended.
            "broker.session.timeout.ms": "4000",
            "broker.heartbeat.interval.ms": "1000",
        }

    def _format(self, config: Path) -> None:
        argv = java("kafka.tools.StorageTool", "format", "-t", self._cluster, "-c", str(config))
        done = subprocess.run(argv, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"Kafka's log directory could not be formatted:\n{done.stdout}{done.stderr}")


def console_producer(bootstrap: str, topic: str, *arguments: str) -> list[str]:
    """The command line of Kafka's own producer: a record a line of its standard input."""
    return java(
        "org.apache.kafka.tools.ConsoleProducer",
        "--bootstrap-server",
        bootstrap,
        "--topic",
        topic,
        *arguments,
    )


def console_consumer(bootstrap: str, topic: str, *arguments: str) -> list[str]:
    """The command line of Kafka's own consumer: a record a line on its standard output."""
    return java(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", bootstrap, "--topic", topic),
        *arguments,
    )


# A tool that runs for a moment: the C1 compiler alone halves its start.
TOOL = ("-Xmx256m", "-XX:TieredStopAtLevel=1")


def java(main: str, *arguments: str, options: tuple[str, ...] = TOOL) -> list[str]:
    """The command line of a class of Kafka's."""
    if not any(JARS.glob("kafka_2.13-*.jar")):
        raise FileNotFoundError(f"Apache Kafka is not in {JARS}: make setup-real")
    return [installed("java"), *options, "-cp", f"{JARS}/*", main, *arguments]
