"""A worker with room for a part of its users' rows."""

from tests.acceptance.workers import Play, metric, ratings
from tests.commands import StartCommand

EVENTS, USERS = 12_000, 6000


def test_users_beyond_the_budget_are_read_again_and_each_event_counts_once(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    play = Play(broker, store, topic, process)
    play.produce(ratings(EVENTS, users=USERS))
    worker = play.worker("--cache-mib", "1", "--commit-events", "200")
    play.wait_learned(EVENTS, worker)
    users = sum(1 for _ in play.client.scan_iter(play.key("u:*"), count=1000))
    held = metric(worker, 'lfm_rows{kind="user"}')
    assert 0 < held < users / 2, "1 MiB is room for some 2,000 rows of 8 factors"
    play.verified(EVENTS)
    play.wait_drained(worker)
