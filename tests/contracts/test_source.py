"""What every source promises (worker/source/protocol.py)."""

from collections.abc import Iterator

import pytest

from tests.contracts.sources import (
    CLIENTS,
    PARTITIONS,
    InMemoryLog,
    KafkaLog,
    Log,
    assigned,
    fill,
    pairs_of,
    read,
    silent,
    start,
    values_of,
)
from worker.source.protocol import Source


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
