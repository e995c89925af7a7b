"""What becomes of dead letters while some of them, or all, are refused."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.future import Future

from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_checkpoints import letter
from worker.dead_letters.forwarder import Forwarder, KafkaPublisher, Publisher
from worker.dead_letters.letter import DeadLetter
from worker.settings import Settings

TOO_LARGE = 3


class MadeReceipt:
    """Of a letter that is refused at once, or confirmed some looks later."""

    def __init__(self, looks: int, refusal: str) -> None:
        self._looks = looks
        self._refusal = refusal

    def done(self) -> bool:
        self._looks -= 1
        return self._looks < 0

    def confirmed(self) -> bool:
        return not self._refusal

    def refusal(self) -> str:
        return self._refusal


class MadePublisher:
    """Refuses the letter of one offset; what it sent it counts."""

    def __init__(self, *, room: int = 1000) -> None:
        self.sent: Counter[tuple[int, int]] = Counter()
        self._room = room  # letters after which the broker is away once

    def send(self, each: DeadLetter) -> MadeReceipt:
        self._room -= 1
        if self._room == -1:
            raise KafkaTimeoutError
        self.sent[each.partition, each.offset] += 1
        refused = each.offset == TOO_LARGE
        return MadeReceipt(0 if refused else 2, "it is too large" if refused else "")

    def close(self) -> None:
        pass


def outboxes(offsets: range) -> MemoryServer:
    return MemoryServer(
        dead={p: {offset: letter(p, offset).to_bytes() for offset in offsets} for p in (0, 1)}
    )


def forwarder(
    outbox: MemoryServer, publisher: Publisher, counted: Callable[[int, int], None] = lambda _p, _n: None
) -> Forwarder:
    times = iter(range(0, 10_000, 2))
    return Forwarder(
        MemoryStore(outbox),
        publisher,
        counted=counted,
        forwarded=lambda _: None,
        clock=lambda: float(next(times)),
    )


def test_a_letter_that_is_refused_costs_no_other_its_confirmation(caplog: pytest.LogCaptureFixture) -> None:
    outbox, publisher = outboxes(range(10)), MadePublisher()
    made = forwarder(outbox, publisher)
    for _ in range(30):
        made.step(frozenset({0, 1}))
    assert {p: list(letters) for p, letters in outbox.dead.items()} == {0: [TOO_LARGE], 1: [TOO_LARGE]}
    assert {sent for (_, offset), sent in publisher.sent.items() if offset != TOO_LARGE} == {1}
    assert publisher.sent[0, TOO_LARGE] > 2, "it is tried on"
    (line,) = caplog.messages  # not once a second
    assert "LFM_DEAD_LETTER_TOPIC" in line
    assert "it is too large" in line


def test_letters_on_their_way_are_not_forgotten_where_the_next_can_t_be_sent() -> None:
    outbox, publisher = outboxes(range(3)), MadePublisher(room=4)
    made = forwarder(outbox, publisher)
    for _ in range(10):
        made.step(frozenset({0, 1}))
    assert not any(outbox.dead.values())
    assert set(publisher.sent.values()) == {1}
    assert made.trouble == ""


def test_every_outbox_is_counted_though_no_letter_can_be_sent() -> None:
    counts: dict[int, int] = {}
    forwarder(outboxes(range(3)), MadePublisher(room=0), counts.__setitem__).step(frozenset({0, 1}))
    assert counts == {0: 3, 1: 3}


class ForbiddenProducer:
    """A producer without a right to its topic: each record is asked for anew."""

    asked = 0

    def __init__(self, **_: Any) -> None:
        pass

    def send(self, topic: str, **_: Any) -> Any:
        type(self).asked += 1
        return Future().failure(TopicAuthorizationFailedError(topic))


def test_a_topic_that_may_not_be_written_to_is_asked_for_once_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.dead_letters.forwarder.KafkaProducer", ForbiddenProducer)
    publisher = KafkaPublisher(Settings(topic="ratings"))
    with pytest.raises(KafkaError, match=r"ratings\.dead-letters"):
        publisher.send(letter(0, 0))
    ForbiddenProducer.asked = 0
    made = forwarder(outboxes(range(100)), publisher)
    made.step(frozenset({0, 1}))
    assert ForbiddenProducer.asked == 1
    assert "TopicAuthorizationFailedError" in made.trouble
