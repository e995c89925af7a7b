"""What the Kafka client must be opened with, whatever a broker makes of it."""

import sys
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from tests.pem import CERTIFICATE, KEY
from worker.access import kafka_access, librdkafka_access
from worker.settings import Settings
from worker.source.consumer_settings import consumer_settings, librdkafka_settings
from worker.source.opening import open_source
from worker.source.protocol import SourceBrokenError


def test_the_client_reads_only_what_was_committed_and_leaves_offsets_to_the_store() -> None:
    settings = consumer_settings(Settings())
    assert settings["isolation_level"] == "read_committed"
    assert settings["enable_auto_commit"] is False
    assert settings["auto_offset_reset"] == "none"


def test_librdkafka_does_so_too_and_checks_what_it_reads() -> None:
    settings = librdkafka_settings(Settings())
    assert settings["isolation.level"] == "read_committed"
    assert settings["enable.auto.commit"] is False
    assert settings["enable.auto.offset.store"] is False
    assert settings["auto.offset.reset"] == "error"
    assert settings["check.crcs"] is True


def test_librdkafka_takes_every_session_timeout_that_the_settings_allow() -> None:
    for seconds in (1, 1800):
        Consumer(librdkafka_settings(Settings(session_timeout_seconds=seconds))).close()


def test_both_clients_are_given_the_same_access(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    for name, text in (("ca.pem", CERTIFICATE), ("c.pem", CERTIFICATE), ("k.pem", KEY)):
        (tmp_path / name).write_text(text)
    settings = Settings(
        kafka_security="sasl_ssl",
        kafka_user="learner",
        kafka_password_file=str(secret),
        kafka_ca_file=str(tmp_path / "ca.pem"),
        kafka_certificate_file=str(tmp_path / "c.pem"),
        kafka_key_file=str(tmp_path / "k.pem"),
    )
    one, other = kafka_access(settings), librdkafka_access(settings)
    assert [other[name] for name in ("sasl.mechanism", "sasl.username", "sasl.password")] == [
        one[name] for name in ("sasl_mechanism", "sasl_plain_username", "sasl_plain_password")
    ]
    assert [other[f"ssl.{part}.location"] for part in ("ca", "certificate", "key")] == [
        one[f"ssl_{part}file"] for part in ("ca", "cert", "key")
    ]
    assert other["security.protocol"] == "sasl_ssl"
    assert librdkafka_access(Settings()).keys() == {"bootstrap.servers", "security.protocol"}


def test_a_client_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    monkeypatch.delitem(sys.modules, "worker.source.librdkafka", raising=False)
    with pytest.raises(SourceBrokenError, match="LFM_SOURCE") as refused:
        open_source(Settings(source="librdkafka"))
    assert "pip install 'lfm-online[librdkafka]'" in str(refused.value)
