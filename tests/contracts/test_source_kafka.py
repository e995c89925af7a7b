"""What every source that reads from a broker promises beside that (test_source.py)."""

import contextlib
import time
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from tests.contracts.sources import (
    CLIENTS,
    PARTITIONS,
    PATIENCE_SECONDS,
    Client,
    KafkaLog,
    assigned,
    fill,
    read,
    start,
    values_of,
)
from tests.topics import make_anew
from worker.demo.server import free_port
from worker.settings import Settings
from worker.source.opening import open_source
from worker.source.protocol import PositionLostError, SourceAwayError, SourceBrokenError
from worker.source.records import Records
from worker.source.whole_topic import WholeTopic


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    return found


@pytest.fixture
def kafka_log(broker: str, topic: str, client: Client) -> Iterator[KafkaLog]:
    made = KafkaLog(broker, topic, client)
    yield made
    made.close()


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


def test_records_of_an_open_transaction_lie_behind_the_end(kafka_log: KafkaLog, real_servers: bool) -> None:
    if not real_servers:
        pytest.skip("the embedded broker yields them at once")
    s = kafka_log.settings
    kafka_log.append(0, b"k", b"before")
    member = kafka_log.join()
    assigned(member)
    member.seek(0, 0)
    read(member, 1)
    producer = KafkaProducer(bootstrap_servers=s.kafka, transactional_id=s.group)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(s.topic, key=b"k", value=b"open", partition=0)
    producer.flush()
    for _ in range(20):  # fetches that find nothing, of which the last ones hear of the record
        assert member.poll(0.1, 100) == []
        assert member.end_offsets()[0] == 1
    with WholeTopic(s.kafka, s.topic) as topic:
        assert topic.bounds()[1][0] == 1
    producer.commit_transaction()
    producer.close()
    (found,) = read(member, 1)
    assert values_of([found], 0) == [b"open"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while member.end_offsets()[0] != 3:  # behind the mark of the transaction
        assert time.monotonic() < deadline
        member.poll(0.1, 100)


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
