"""Two workers of one group share a topic and its items; one is killed, and the other takes over."""

import pytest

from tests.acceptance.workers import FINE_SECONDS, Play, metric, partitions_of, ratings, until, wait_shared
from tests.commands import StartCommand
from tests.feed_replay import check_rows_follow_the_feed

FIRST, THEN, LAST = 500, 3000, 1500
SLICE = 250


@pytest.mark.parametrize(
    "sources",
    [("kafka-python", "kafka-python"), ("librdkafka", "librdkafka"), ("kafka-python", "librdkafka")],
    ids=" then ".join,
)
def test_two_workers_learn_each_event_once_and_one_takes_over_from_the_other(
    broker: str, store: str, topic: str, process: StartCommand, sources: tuple[str, str]
) -> None:
    play = Play(broker, store, topic, process)
    events: list[tuple[bytes, bytes | None]] = [*ratings(FIRST + THEN + LAST, users=150)]
    # Some take back, some are forgotten: their place in the order counts, whoever learns it.
    for place in range(40, len(events), 97):
        user, value = events[place]
        taken_back = (value or b"").replace(b'"rating": ', b'"rating": null, "was": ')
        events[place] = (user, None if place % 2 else taken_back)
    play.produce(events[:FIRST])
    workers = [play.worker("--commit-events", "40", "--source", source) for source in sources]
    wait_shared(*workers)

    # Both learn at once, and meet at the items that they share.
    for start in range(FIRST, FIRST + THEN, SLICE):
        play.produce(events[start : start + SLICE])
    until(lambda: play.learned() >= FIRST + THEN // 2, *workers, every_seconds=FINE_SECONDS)
    # One may have had a turn for all of its share before the other had its first.
    until(
        lambda: all(metric(w, "lfm_events_total") > 0 for w in workers), *workers, every_seconds=FINE_SECONDS
    )
    killed, survivor = workers
    killed.kill()
    killed.wait()
    play.produce(events[FIRST + THEN :])
    play.wait_learned(len(events), survivor)
    assert partitions_of(survivor) == "[0, 1, 2, 3]"

    play.verified(len(events))
    assert check_rows_follow_the_feed(broker, store, play.model) > 2
    play.wait_drained(survivor)
