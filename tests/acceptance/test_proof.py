"""What was learned is proved beside workers, past the topic's retention, and by a second model."""

import json
from pathlib import Path

import numpy as np
from kafka import KafkaAdminClient, TopicPartition

from lfm_online.layout import HEADER
from tests.acceptance.workers import FINE_SECONDS, PATIENCE_SECONDS, Play, ratings, until
from tests.commands import StartCommand
from tests.terminal import terminal

EVENTS = 4000
MORE = 1000


def take_from_topic(play: Play, marks: dict[int, int]) -> None:
    """What retention would do: all before these offsets is gone."""
    admin = KafkaAdminClient(bootstrap_servers=play.broker)
    admin.delete_records({TopicPartition(play.topic, p): offset for p, offset in marks.items()})
    admin.close()


def test_it_is_proved_beside_two_workers_and_a_replay_gives_the_same_bytes(
    broker: str, store: str, topic: str, process: StartCommand, tmp_path: Path
) -> None:
    play = Play(broker, store, topic, process)
    play.produce(ratings(EVENTS))
    workers = [play.worker(), play.worker()]
    until(lambda: play.learned() > 0, *workers, every_seconds=FINE_SECONDS)
    play.produce(ratings(MORE, seed=2))
    code, report = play.verify()
    assert (code, report["verdict"], report["differing"]) == (0, "proved", 0), report
    play.wait_learned(EVENTS + MORE, *workers)
    for worker in workers:
        play.wait_drained(worker)

    baseline = tmp_path / "proved.npz"
    code, report = play.verify("--save-baseline", str(baseline))
    assert (code, report["events"], report["rows"]) == (0, EVENTS + MORE, 100), report

    # Replayed by the feed: byte for byte the same, although two workers took turns.
    again = f"{play.model}-again"
    shared = ("--kafka", broker, "--store", store, "--model", play.model)
    command = process("replay", *shared, "--into", again, "--json")
    assert command.wait(PATIENCE_SECONDS) == 0, command.log
    done = json.loads(command.output)
    assert (done["events"], done["by_feed"], done["exact"]) == (EVENTS + MORE, EVENTS + MORE, True)
    code, compared = play.verify("--against", again)
    assert (code, compared["verdict"]) == (0, "proved"), compared
    assert (compared["users"], compared["items"]) == (60, 40)
    second = terminal("replay", *shared, "--into", again)
    assert second.code == 1
    assert again in second.log

    # An event that a row does not count is named, and so is a byte that differs.
    key = play.key("u:u7")
    header = np.frombuffer(play.client.get(key)[: HEADER.itemsize], HEADER)[0]
    play.client.setrange(key, 4, int(header["events"] - 1).to_bytes(4, "little"))
    code, report = play.verify()
    assert (code, report["verdict"], report["differing"]) == (1, "differs", 1)
    (row,) = report["differences"]
    assert (row["kind"], row["id"], row["found"]["events"]) == ("user", "u7", row["expected"]["events"] - 1)
    assert sum(map(len, row["offsets"].values())) > 0
    code, compared = play.verify("--against", again)
    assert (code, compared["differing"]["user rows"]) == (1, 1)


def test_from_a_baseline_it_is_proved_past_the_topic_s_retention(
    broker: str, store: str, topic: str, process: StartCommand, tmp_path: Path, real_servers: bool
) -> None:
    play = Play(broker, store, topic, process)
    play.produce(ratings(EVENTS))
    worker = play.worker()
    play.wait_learned(EVENTS, worker)
    baseline = tmp_path / "proved.npz"
    assert play.verify("--save-baseline", str(baseline))[0] == 0
    marks = play.watermarks()
    play.produce(ratings(MORE, seed=2))
    play.wait_learned(EVENTS + MORE, worker)
    if real_servers:  # the embedded broker takes no records away
        take_from_topic(play, marks)
        code, report = play.verify()
        assert (code, report["verdict"]) == (3, "cannot tell")
        assert report["gone"] == {str(p): offset for p, offset in marks.items() if offset}
    code, report = play.verify("--baseline", str(baseline), "--save-baseline", str(baseline))
    assert (code, report["verdict"], report["events"]) == (0, "proved", MORE), report
    assert play.verify("--baseline", str(baseline))[1]["events"] == 0

    other = terminal("verify", "--kafka", broker, "--store", store, "--model", "nobody's", "--json")
    assert other.code == 2
    away = terminal("verify", "--kafka", broker, "--store", store, "--model", "nobody", "--json")
    assert away.code == 4
    assert "nobody" in away.log
