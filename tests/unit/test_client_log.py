"""What librdkafka logs becomes Python's logging, and tells of a topic that was made anew."""

import logging
import uuid

import pytest

from worker.source.client_log import ClientLog

TEXT = "%s [%s] %s"
OLD, NEW = "ljZIy/r/Qri98H8Ctw8/ug", "Xei58/4FQmCEdU+MHe6VZg"


def changed(topic: str, was: str, now: str) -> tuple[str, str, str]:
    return "METADATA", "rdkafka#consumer-1", f"[thrd:main]: Topic {topic} changed id from {was} to {now}"


def test_the_topics_id_is_the_last_one_that_was_logged_and_no_other_topics() -> None:
    log = ClientLog("ratings.a")
    log.log(logging.DEBUG, TEXT, *changed("ratings.a", "A" * 22, OLD))
    assert uuid.UUID(log.topic_id).hex == "963648cbfaff42b8bdf07f02b70f3fba"
    log.log(logging.DEBUG, TEXT, *changed("ratings-a", OLD, NEW))
    assert uuid.UUID(log.topic_id).hex == "963648cbfaff42b8bdf07f02b70f3fba"
    log.log(logging.DEBUG, TEXT, *changed("ratings.a", OLD, NEW))
    assert uuid.UUID(log.topic_id).hex == "5de8b9f3fe05426084754f8c1dee9566"
    log.log(logging.DEBUG, TEXT, *changed("ratings.a", NEW, "A" * 22))
    assert log.topic_id == ""


def test_lines_are_logged_at_their_level_but_those_of_connections_and_those_asked_for_by_debug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "worker.source.client_log")
    log = ClientLog("ratings")
    log.log(logging.WARNING, TEXT, "SESSTMOUT", "client", "the session timed out")
    log.log(logging.ERROR, TEXT, "FAIL", "client", "connection refused")
    log.log(logging.DEBUG, TEXT, "METADATA", "client", "1 brokers, 1 topics")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "SESSTMOUT [client] the session timed out"),
        ("DEBUG", "FAIL [client] connection refused"),
    ]
