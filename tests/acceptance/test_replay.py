"""A file of ratings through the topic into the model; stopped, started again, and proved."""

import csv
from pathlib import Path

from kafka import KafkaAdminClient

from tests.acceptance.workers import Play
from tests.commands import StartCommand
from tests.terminal import terminal

HEADER_EVENTS_AT = 4  # lfm_online/layout.py: byte of the row's count of events


def write_file(path: Path, first: int, end: int) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["userId", "movieId", "rating", "timestamp"])
        rows.writerows(
            [f"user {n % 71}", n * 7 % 53, 0.5 + n % 10 / 2, 1_000_000_000 + 60 * n]
            for n in range(first, end)
        )
    return path


def produce_of(play: Play, file: Path) -> tuple[str, ...]:
    return ("produce", str(file), "--kafka", play.broker, "--topic", play.topic)


def members(play: Play) -> int:
    admin = KafkaAdminClient(bootstrap_servers=play.broker)
    # The embedded broker names rights that this client does not know.
    admin._process_acl_operations = lambda described: described
    try:
        return len(admin.describe_groups([play.model])[play.model]["members"])
    finally:
        admin.close()


def test_a_replay_is_learned_once_goes_on_where_it_stood_and_is_proved(
    broker: str, store: str, topic: str, process: StartCommand, tmp_path: Path
) -> None:
    play = Play(broker, store, topic, process)
    first = process(*produce_of(play, write_file(tmp_path / "first.csv", 0, 4000)))
    assert first.wait() == 0, first.log
    assert first.output.startswith("4000 events confirmed")
    worker = play.worker()
    play.wait_learned(4000, worker)
    play.verified_by_process(4000)
    assert members(play) == 1

    # SIGTERM drains, and leaves the group: nobody waits for its session to end.
    play.wait_drained(worker)
    assert "learned 4000 ratings" in worker.log
    assert members(play) == 0

    # Started again it goes on where it stood, while the file goes on.
    worker = play.worker()
    sent = terminal(*produce_of(play, write_file(tmp_path / "second.csv", 4000, 5000)))
    assert (sent.code, sent.output.startswith("1000 events confirmed")) == (0, True), sent
    play.wait_learned(5000, worker)
    play.verified(5000)
    play.wait_drained(worker)
    assert "learned 5000 ratings" in worker.log

    # One row that counts one event more is found, by name.
    key = play.key("u:user 7")
    low_byte = play.client.getrange(key, HEADER_EVENTS_AT, HEADER_EVENTS_AT)[0]
    play.client.setrange(key, HEADER_EVENTS_AT, bytes([int(low_byte) ^ 1]))
    code, report = play.verify()
    assert (code, report["passed"], report["differing"]) == (1, False, 1)
    assert "user 'user 7'" in report["examples"][0]
