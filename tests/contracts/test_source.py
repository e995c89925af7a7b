"""What every source promises (worker/source/protocol.py)."""

import contextlib
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from tests.contracts.sources import (
    CLIENTS,
    PARTITIONS,
    Client,
    InMemoryLog,
    KafkaLog,
    Log,
    assigned,
    pairs_of,
    read,
    silent,
    values_of,
)
from tests.topics import make_anew
from worker.demo.server import free_port
from worker.settings import Settings
from worker.source.opening import open_source
from worker.source.protocol import PositionLostError, Source, SourceAwayError, SourceBrokenError
from worker.source.records import Records


@pytest.fixture(params=["memory", *CLIENTS])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    made: Log
    if request.param == "memory":
        made = InMemoryLog()
    else:
        made = KafkaLog(
            request.getfixturevalue("broker"), request.getfixturevalue("topic"), client=request.param
        )
    yield made
    made.close()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    return found


@pytest.fixture
def kafka_log(broker: str, topic: str, client: Client) -> Iterator[KafkaLog]:
    made = KafkaLog(broker, topic, client)
    yield made
    made.close()


def fill(log: Log, count: int = 3) -> None:
    for partition in range(PARTITIONS):
        for number in range(count):
            log.append(partition, b"key", b"%d-%d" % (partition, number))


def start(member: Source, offset: int = 0) -> None:
    """Seek every partition."""
    for partition in range(PARTITIONS):
        member.seek(partition, offset)


def test_a_partition_is_silent_until_it_is_sought(log: Log) -> None:
    fill(log)
    member = log.join()
    assert assigned(member) == [frozenset(range(PARTITIONS))]
    assert silent(member)
    member.seek(2, 1)
    found = read(member, 2)
    assert {records.partition for records in found} == {2}
    assert values_of(found, 2) == [b"2-1", b"2-2"]
    assert silent(member)


def test_a_changed_assignment_is_told_once(log: Log) -> None:
    member = log.join()
    assigned(member)
    assert member.take_assignment() is None
    start(member)
    member.poll(0.1, 100)
    assert member.take_assignment() is None


def test_records_come_in_order_and_each_part_begins_where_the_last_ended(log: Log) -> None:
    fill(log, 10)
    member = log.join()
    assigned(member)
    start(member)
    found = read(member, 10 * PARTITIONS, limit=7)
    for partition in range(PARTITIONS):
        parts = [records for records in found if records.partition == partition]
        assert [records.first for records in parts] == [0, *(records.end for records in parts[:-1])]
        assert [offset for records in parts for offset in records.offsets] == list(range(10))
        assert values_of(found, partition) == [b"%d-%d" % (partition, number) for number in range(10)]


def test_tombstones_records_without_a_key_and_empty_values_arrive_with_their_time(log: Log) -> None:
    sent = [(b"k", b"v"), (b"k", None), (None, b"v"), (b"", b""), (None, b"")]
    for key, value in sent:
        log.append(1, key, value)
    member = log.join()
    assigned(member)
    member.seek(1, 0)
    found = read(member, len(sent))
    assert [pair for records in found for pair in pairs_of(records)] == sent
    assert all(time_ms > 1_600_000_000_000 for records in found for time_ms in records.times_ms)


def test_what_is_held_is_yielded_after_the_release(log: Log) -> None:
    fill(log, 6)
    member = log.join()
    assigned(member)
    member.seek(0, 0)
    first = read(member, 2, limit=2)
    member.hold()
    assert silent(member)
    member.seek(3, 4)  # what is sought while held is held too
    assert silent(member)
    member.release()
    rest = read(member, 6)
    assert values_of([*first, *rest], 0) == [b"0-%d" % number for number in range(6)]
    assert values_of(rest, 3) == [b"3-4", b"3-5"]
    assert silent(member)


def test_a_seek_back_yields_the_same_again(log: Log) -> None:
    fill(log)
    member = log.join()
    assigned(member)
    member.seek(0, 0)
    once = values_of(read(member, 3), 0)
    member.seek(0, 1)
    again = read(member, 2)
    assert (again[0].first, values_of(again, 0)) == (1, once[1:])


def test_a_seek_to_a_partition_of_another_member_does_nothing(log: Log) -> None:
    fill(log)
    one, other = log.join(), log.join()
    mine, theirs = assigned(one, other)
    assert mine
    assert theirs
    start(one)
    assert {records.partition for records in read(one, 3 * len(mine))} == mine
    assert silent(one)


def test_members_that_poll_briefly_and_seldom_come_together(log: Log) -> None:
    members = [log.join(), log.join()]
    assert all(assigned(*members, poll_seconds=0.01, pause=0.1))


def test_the_partitions_of_a_member_that_left_go_to_the_other(log: Log) -> None:
    fill(log)
    one, other = log.join(), log.join()
    assigned(one, other)
    start(one)
    start(other)
    log.leave(other)
    assert assigned_after_change(one) == frozenset(range(PARTITIONS))
    assert silent(one), "positions come from the store: also those that it had before"
    start(one, 1)
    found = read(one, 2 * PARTITIONS)
    assert {records.partition for records in found} == frozenset(range(PARTITIONS))


def test_partitions_that_are_added_are_shared_out(
    kafka_log: KafkaLog, real_servers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not real_servers:
        pytest.skip("the embedded broker adds no partitions")
    monkeypatch.setattr("worker.source.consumer_settings.METADATA_MS", 300)
    members = [kafka_log.join(), kafka_log.join()]
    assigned(*members)
    admin = KafkaAdminClient(bootstrap_servers=kafka_log.settings.kafka)
    admin.create_partitions({kafka_log.settings.topic: PARTITIONS + 2})
    admin.close()
    # The group's leader sees them first; its join waits for the other's, and so outlasts many polls.
    found = [frozenset[int](), frozenset[int]()]
    for turn in range(2000):
        for number, member in enumerate(members[:1] if turn < 100 else members):
            member.poll(0.02, 100)
            change = member.take_assignment()
            found[number] = found[number] if change is None else change
        if found[0] | found[1] == frozenset(range(PARTITIONS + 2)) and all(found):
            break
    assert sorted(map(len, found)) == [3, 3]


def assigned_after_change(member: Source) -> frozenset[int]:
    """Poll until it has all partitions; what it still yields of the old ones is dropped."""
    found: frozenset[int] | None = None
    for _ in range(600):
        member.poll(0.1, 100)
        change = member.take_assignment()
        found = found if change is None else change
        if found is not None and len(found) == PARTITIONS:
            return found
    raise AssertionError(f"the partitions were never handed over: {found}")


def test_ends_and_beginnings_of_the_log_are_told(log: Log) -> None:
    fill(log, 5)
    member = log.join()
    assigned(member)
    assert member.first_offsets([]) == {}
    assert member.first_offsets([0, 3]) == {0: 0, 3: 0}
    start(member)
    read(member, 5 * PARTITIONS)
    assert member.end_offsets() == dict.fromkeys(range(PARTITIONS), 5)


def test_the_groups_offsets_are_those_that_were_committed(log: Log) -> None:
    member = log.join()
    assert member.committed() == {}
    assigned(member)
    start(member)
    member.commit({0: 3, 2: 1})
    for _ in range(100):
        member.poll(0.05, 100)
        if member.committed():
            break
    assert member.committed() == {0: 3, 2: 1}


def test_offsets_that_hold_no_record_belong_to_the_part_behind_them() -> None:
    made = InMemoryLog()
    made.append(0, b"k", b"a")
    made.log.append(0, b"k", b"b", hole=2)
    member = made.join()
    member.seek(0, 0)
    (first,), (second,) = member.poll(0, 1), member.poll(0, 1)
    assert [(r.first, list(r.offsets), r.end) for r in (first, second)] == [(0, [0], 1), (1, [3], 4)]


def test_a_transaction_leaves_no_gap_and_an_aborted_one_no_record(
    kafka_log: KafkaLog, real_servers: bool
) -> None:
    if not real_servers:
        pytest.skip("the embedded broker yields aborted records too")
    s = kafka_log.settings
    kafka_log.append(0, b"k", b"before")
    producer = KafkaProducer(bootstrap_servers=s.kafka, transactional_id=s.group)
    producer.init_transactions()
    for value, end in ((b"kept", producer.commit_transaction), (b"taken back", producer.abort_transaction)):
        producer.begin_transaction()
        producer.send(s.topic, key=b"k", value=value, partition=0)
        producer.flush()
        end()
    producer.close()
    kafka_log.append(0, b"k", b"after")
    member = kafka_log.join()
    assigned(member)
    member.seek(0, 0)
    found = read(member, 3, limit=1)
    assert values_of(found, 0) == [b"before", b"kept", b"after"]
    # What holds no record for this reader, as the markers of commit and abort, belongs to what follows.
    assert [records.first for records in found] == [0, 1, 2]
    assert found[2].offsets[0] > 2


def test_an_offset_that_the_log_no_longer_holds_is_not_waited_for(
    kafka_log: KafkaLog, real_servers: bool
) -> None:
    if not real_servers:
        pytest.skip("the embedded broker deletes no records, and is silent past the end")
    fill(kafka_log)
    member = kafka_log.join()
    assigned(member)
    admin = KafkaAdminClient(bootstrap_servers=kafka_log.settings.kafka)
    admin.delete_records({TopicPartition(kafka_log.settings.topic, 2): 2})
    admin.close()
    assert member.first_offsets([1, 2]) == {1: 0, 2: 2}
    member.seek(2, 0)
    with pytest.raises(PositionLostError) as lost:
        read(member, 1)
    assert lost.value.offsets == {2: 0}
    member.seek(2, 2)  # who finds out what happened may go on
    assert values_of(read(member, 1), 2) == [b"2-2"]


def test_a_topic_that_was_made_anew_is_told_by_its_id_before_any_of_its_records_is_taken(
    kafka_log: KafkaLog, real_servers: bool
) -> None:
    if not real_servers:
        pytest.skip("the embedded broker's topics are not made anew")
    if kafka_log.settings.source == "kafka-python":
        pytest.xfail("it fetches by the topic's name, and hears of the new id up to METADATA_MS later")
    topic = kafka_log.settings.topic
    fill(kafka_log, 5)
    member = kafka_log.join()
    assigned(member)
    start(member)
    read(member, 5 * PARTITIONS)
    before = member.topic_id()
    assert member.view().topic_id == before
    admin = KafkaAdminClient(bootstrap_servers=kafka_log.settings.kafka)
    make_anew(admin, topic)
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka_log.settings.kafka)
    for number in range(20):  # more than were read: the old offsets are in the new log, too
        producer.send(topic, value=b"new %d" % number, partition=1)
    producer.close()
    found: list[Records] = []
    for _ in range(600):
        with contextlib.suppress(SourceAwayError):
            found += member.poll(0.1, 100)
        if member.view().topic_id != before:
            break
        assert not [record for record in found if len(record.offsets)]
    assert member.view().topic_id == member.topic_id() != before


def test_a_session_timeout_that_the_broker_forbids_is_told(kafka_log: KafkaLog, real_servers: bool) -> None:
    if not real_servers:
        pytest.skip("the embedded broker allows any")
    settings = kafka_log.settings.model_copy(update={"session_timeout_seconds": 0.5})
    source = open_source(settings)
    with pytest.raises(SourceBrokenError, match=r"0\.5 s.*LFM_SESSION_TIMEOUT_SECONDS"):
        read(source, 1)
    source.close()


def test_a_topic_has_an_id_that_a_topic_of_another_name_has_not(kafka_log: KafkaLog) -> None:
    first, second = kafka_log.join(), kafka_log.join()
    assert first.topic_id() == second.topic_id() != ""


def test_a_topic_that_is_not_there_is_waited_for(kafka_log: KafkaLog) -> None:
    source = open_source(kafka_log.settings.model_copy(update={"topic": "not-there"}))
    with pytest.raises(SourceAwayError, match=r"'not-there'.*LFM_TOPIC"):
        source.topic_id()
    source.close()


def test_a_broker_that_is_away_is_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.source.consumer_settings.BOOTSTRAP_MS", 300)
    with pytest.raises(SourceAwayError, match="LFM_KAFKA"):
        open_source(Settings(kafka=f"127.0.0.1:{free_port()}", source=client))
