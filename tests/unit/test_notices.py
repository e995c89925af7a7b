"""What a worker says of itself where nothing is wrong that an exception would tell."""

import logging

import msgspec
import pytest

from tests import made_checkpoints
from worker.dead_letters.letter import DeadLetter, Reason
from worker.dead_letters.notice import LetterNotice
from worker.membership import Membership
from worker.settings import Settings


class Clock:
    """Shows what it is set to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def letter(reason: Reason, offset: int) -> DeadLetter:
    made = made_checkpoints.letter(3, offset)
    return msgspec.structs.replace(made, reason=reason, detail=f"because {offset}")


def test_dead_letters_are_told_at_once_and_then_at_most_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    notice = LetterNotice(clock)
    notice.count([])
    assert not caplog.messages
    notice.count([letter("schema", 1), letter("schema", 2), letter("range", 3)])
    (line,) = caplog.messages
    assert "2 schema, 1 range; the last one is ratings 3:3: because 3" in line
    clock.now = 59.0
    notice.count([letter("type", 4)])
    assert len(caplog.messages) == 1
    clock.now = 61.0
    notice.count([])
    notice.count([letter("type", 5)])
    assert "2 type; the last one is ratings 3:5" in caplog.messages[1]


def test_a_worker_that_gets_no_partitions_says_so_after_the_usual_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    membership = Membership(Settings(topic="t", group="g", session_timeout_seconds=10), clock)
    clock.now = 19.0
    assert membership.trouble(joined=False) == ""
    for clock.now in (21.0, 30.0, 79.0):
        assert "no partitions of 't' from group 'g'" in membership.trouble(joined=False)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    clock.now = 82.0
    assert "for 82 s" in membership.trouble(joined=False)
    assert len(caplog.records) == 2
    assert membership.trouble(joined=True) == ""
