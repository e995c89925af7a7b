"""`lfm-online dead-letters` lists, shows and sends back what a worker could not learn."""

import base64
import json
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from tests.acceptance.test_bad_events import BAD, LARGE
from tests.acceptance.workers import PATIENCE_SECONDS, Play, rating_bytes, until
from tests.commands import StartCommand
from tests.terminal import terminal


def words_of(play: Play, *arguments: str) -> tuple[str, ...]:
    where = ("--kafka", play.broker, "--topic", play.topic, "--model", play.model)
    return ("dead-letters", *arguments, *where, "--json")


def asked(play: Play, *arguments: str, code: int = 0) -> Any:
    found = terminal(*words_of(play, *arguments))
    assert found.code == code, found.log
    return json.loads(found.output) if found.output else found.log


def asked_of_a_process(process: StartCommand, play: Play, *arguments: str) -> Any:
    command = process(*words_of(play, *arguments))
    assert command.wait(PATIENCE_SECONDS) == 0, command.log
    return json.loads(command.output)


def test_letters_are_counted_shown_and_sent_back_each_once(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    play = Play(broker, store, topic, process)
    assert asked(play, "list")["letters"] == 0
    records: list[tuple[bytes | None, bytes | None]] = [(key, value) for _, key, value in BAD]
    play.produce([*records, (b"good", rating_bytes("good", "i", 4))], partition=2)
    worker = play.worker()
    play.wait_learned(len(BAD) + 1, worker)
    until(lambda: play.client.hlen(play.key("dead:2")) == 0, worker)

    # Counted, and each has its place.
    found = asked_of_a_process(process, play, "list")
    reasons = [reason for reason, _, _ in BAD]
    assert found["letters"] == len(BAD)
    assert found["by_reason"] == {reason: reasons.count(reason) for reason in reasons}
    places = {letter["offset"]: letter["reason"] for letter in found["newest"]}
    assert places == dict(enumerate(reasons))

    # One with its bytes.
    number = reasons.index("range")
    letter = asked_of_a_process(process, play, "show", f"2:{number}")
    assert (letter["reason"], letter["sent_back"]) == ("range", None)
    assert base64.b64decode(letter["value"]) == BAD[number][2]
    assert f"2:{len(BAD)}" in asked(play, "show", f"2:{len(BAD)}", code=1)

    # A choice goes back: by reason, by place, the one that was cut whole again; nothing twice.
    large = reasons.index("too_large")
    choice = ("send", "--reason", "range", "--at", f"2:{large}")
    assert asked(play, *choice, "--dry-run")["would_send"] == 2
    assert asked_of_a_process(process, play, *choice)["sent"] == 2
    # By place, since what was not mended comes back as another letter of the same reason.
    places_chosen = ("--at", f"2:{number}", "--at", f"2:{large}", "--at", "3:99")
    again = asked(play, "send", *places_chosen, code=1)
    assert (again["sent"], again["sent_before"], again["missing"]) == (0, 2, ["3:99"])
    assert asked(play, "show", f"2:{large}")["sent_back"] in {"2:15", "2:16"}

    consumer = KafkaConsumer(bootstrap_servers=broker)
    place = TopicPartition(topic, 2)
    consumer.assign([place])
    consumer.seek(place, len(BAD) + 1)
    back: list[Any] = []

    def two_came() -> bool:
        back.extend(consumer.poll(timeout_ms=100).get(place, []))
        return len(back) >= 2

    until(two_came)
    consumer.close()
    assert {record.value for record in back} == {BAD[number][2], LARGE}
    headers = [dict(record.headers) for record in back]
    assert {(h["lfm-dead-partition"], h["lfm-dead-offset"]) for h in headers} == {
        (b"2", str(number).encode()),
        (b"2", str(large).encode()),
    }

    # Nothing was mended, so they are dead letters once more, of their new places; all is counted.
    play.wait_learned(len(BAD) + 3, worker)
    until(lambda: play.client.hlen(play.key("dead:2")) == 0, worker)
    found = asked(play, "list")
    assert (found["letters"], found["sent_back"]) == (len(BAD) + 2, 2)
    code, report = play.verify()
    assert (code, report["events"], report["dead_letters"]) == (0, 1, len(BAD) + 2)


def test_of_two_models_on_one_topic_each_is_shown_and_sends_its_own_letters(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    plays = narrow, wide = [Play(broker, store, topic, process) for _ in range(2)]
    narrow.produce([(b"a", rating_bytes("a", "i", 7)), (b"b", b"no JSON")], partition=1)
    workers = [narrow.worker("--range", "1,5"), wide.worker("--range", "1,10")]
    for play, worker in zip(plays, workers, strict=True):
        play.wait_learned(2, worker)
        until(lambda play=play: play.client.hlen(play.key("dead:1")) == 0, worker)  # type: ignore[misc]
    assert asked(narrow, "list")["by_reason"] == {"range": 1, "malformed": 1}
    assert asked(wide, "list")["by_reason"] == {"malformed": 1}
    assert asked(narrow, "show", "1:0")["reason"] == "range"
    assert wide.model in asked(wide, "show", "1:0", code=1)
    assert asked(wide, "send", "--reason", "range")["sent"] == 0
    assert asked(wide, "send", "--reason", "malformed")["sent"] == 1
    assert [asked(play, "show", "1:1")["sent_back"] for play in plays] == [None, "1:2"]


def test_a_choice_must_be_made_of_what_there_is(broker: str, topic: str) -> None:
    for arguments in ([], ["--reason", "ugly"], ["--at", "two"]):
        assert terminal("dead-letters", "send", "--kafka", broker, "--topic", topic, *arguments).code == 2
