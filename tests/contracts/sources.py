"""The sources that pass one suite: each a log of four partitions, and members of a group that reads it."""

import time
import uuid
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol, get_args

from kafka import KafkaProducer

from worker.settings import Settings
from worker.source.made import MadeLog, MadeSource
from worker.source.opening import open_source
from worker.source.protocol import Source
from worker.source.records import Records

Client = Literal["kafka-python", "librdkafka"]
CLIENTS: Final[tuple[Client, ...]] = get_args(Client)
PARTITIONS = 4
SESSION_SECONDS = 2.0
# What ends a wait that would never end; nothing is measured against it.
PATIENCE_SECONDS = 60.0


class Log(Protocol):
    """A topic, and a group that reads it."""

    def append(self, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Add a record."""

    def join(self) -> Source:
        """A new member of the group."""

    def leave(self, member: Source) -> None:
        """Close a member."""

    def close(self) -> None:
        """Close every member."""


class InMemoryLog:
    """A log in this process; partitions are dealt out in turn."""

    def __init__(self) -> None:
        self.log = MadeLog([[] for _ in range(PARTITIONS)])
        self._members: list[MadeSource] = []

    def append(self, partition: int, key: bytes | None, value: bytes | None) -> None:
        self.log.append(partition, key, value, time_ms=1_700_000_000_000)

    def join(self) -> Source:
        self._members.append(MadeSource(self.log))
        self._share()
        return self._members[-1]

    def leave(self, member: Source) -> None:
        member.close()
        self._members = [other for other in self._members if other is not member]
        self._share()

    def _share(self) -> None:
        for number, member in enumerate(self._members):
            member.assign(range(number, PARTITIONS, len(self._members)))

    def close(self) -> None:
        pass


class KafkaLog:
    """A topic of a broker, read by one of the clients."""

    def __init__(self, broker: str, topic: str, client: Client) -> None:
        self.settings = Settings(
            kafka=broker,
            topic=topic,
            group=f"group-{uuid.uuid4().hex}",
            session_timeout_seconds=SESSION_SECONDS,
            source=client,
        )
        self._producer: Any = KafkaProducer(bootstrap_servers=broker, acks="all")
        self._members: list[Source] = []

    def append(self, partition: int, key: bytes | None, value: bytes | None) -> None:
        headers = [("why", b"a client that sends neither key nor value is hard to find")]
        self._producer.send(
            self.settings.topic, key=key, value=value, partition=partition, headers=headers
        ).get()

    def join(self) -> Source:
        self._members.append(open_source(self.settings))
        return self._members[-1]

    def leave(self, member: Source) -> None:
        self._members = [other for other in self._members if other is not member]
        member.close()

    def close(self) -> None:
        self._producer.close()
        for member in self._members:
            member.close()


def assigned(*members: Source, poll_seconds: float = 0.05, pause: float = 0.0) -> list[frozenset[int]]:
    """Poll until the members share all partitions; what each has. They yield nothing on the way."""
    found: dict[int, frozenset[int]] = {}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while sum(len(part) for part in found.values()) != PARTITIONS or len(found) != len(members):
        assert time.monotonic() < deadline, f"the partitions were never shared out: {found}"
        for number, member in enumerate(members):
            assert member.poll(poll_seconds, 100) == []
            time.sleep(pause)
            change = member.take_assignment()
            if change is not None:
                found[number] = change
    assert frozenset().union(*found.values()) == frozenset(range(PARTITIONS))
    return [found[number] for number in range(len(members))]


def read(member: Source, count: int, limit: int = 100) -> list[Records]:
    """Poll until that many records have come."""
    found: list[Records] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while sum(len(records.offsets) for records in found) < count:
        assert time.monotonic() < deadline, f"{count} records never came: {found}"
        polled = member.poll(0.05, limit)
        assert sum(len(records.offsets) for records in polled) <= limit
        assert [records.partition for records in polled] == sorted({records.partition for records in polled})
        found += polled
    return found


def values_of(found: Sequence[Records], partition: int) -> list[bytes | None]:
    """The values of one partition, in order."""
    return [value for records in found if records.partition == partition for _, value in pairs_of(records)]


def silent(member: Source) -> bool:
    """Whether polls yield nothing."""
    return all(member.poll(0.1, 100) == [] for _ in range(3))


def pairs_of(records: Records) -> list[tuple[bytes | None, bytes | None]]:
    """Key and value of each record."""
    return [
        (records.part(records.keys, place), records.part(records.values, place))
        for place in range(len(records.offsets))
    ]


def fill(log: Log, count: int = 3) -> None:
    """Append so many records to every partition."""
    for partition in range(PARTITIONS):
        for number in range(count):
            log.append(partition, b"key", b"%d-%d" % (partition, number))


def start(member: Source, offset: int = 0) -> None:
    """Seek every partition."""
    for partition in range(PARTITIONS):
        member.seek(partition, offset)
