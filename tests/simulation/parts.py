"""What the worlds of one configuration share."""

from functools import cache

from tests.simulation.members import Parts
from worker.decode import Decoder
from worker.settings import Settings


@cache
def shared_parts(
    rule: str, ranking: bool, history: int, commit_events: int, feed_entries: int, user_rows: int | None
) -> Parts:
    """Settings of one configuration, and what is made of them once."""
    settings = Settings(
        rule=rule,
        ranking=ranking,
        factors=4,
        rating_range="1,5",
        history=history,
        dead_letter_outbox=3,
        commit_events=commit_events,
    )
    return Parts(settings, Decoder(settings), feed_entries, user_rows)
