"""How Kafka and the store are reached: addresses, certificates, who one is.

Every client of either is opened with what is here. Secrets are read when a connection is made, from their
files where the settings name some, and go nowhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from lfm_online.store.redis import RedisStore
from worker.settings import Settings


def kafka_access(settings: Settings) -> dict[str, Any]:
    """The keyword arguments of a Kafka client's connection."""
    s = settings
    access: dict[str, Any] = {
        "bootstrap_servers": s.kafka.split(","),
        "security_protocol": s.kafka_security.upper(),
    }
    if s.kafka_security.startswith("sasl"):
        access["sasl_mechanism"] = s.kafka_mechanism
        access["sasl_plain_username"] = s.kafka_user
        access["sasl_plain_password"] = _secret(s.kafka_password, s.kafka_password_file)
    if s.kafka_security.endswith("ssl"):
        access["ssl_cafile"] = s.kafka_ca_file or None
        access["ssl_certfile"] = s.kafka_certificate_file or None
        access["ssl_keyfile"] = s.kafka_key_file or None
    return access


def librdkafka_access(settings: Settings) -> dict[str, Any]:
    """The same as librdkafka names it. What is not said here is its default: brokers' names are checked."""
    s = settings
    access: dict[str, Any] = {"bootstrap.servers": s.kafka, "security.protocol": s.kafka_security}
    if s.kafka_security.startswith("sasl"):
        access["sasl.mechanism"] = s.kafka_mechanism
        access["sasl.username"] = s.kafka_user
        access["sasl.password"] = _secret(s.kafka_password, s.kafka_password_file)
    if s.kafka_security.endswith("ssl"):
        files = {
            "ssl.ca.location": s.kafka_ca_file,
            "ssl.certificate.location": s.kafka_certificate_file,
            "ssl.key.location": s.kafka_key_file,
        }
        access |= {name: file for name, file in files.items() if file}
    return access


def store_access(settings: Settings) -> dict[str, Any]:
    """The keyword arguments of a connection to the store, beside its URL."""
    s = settings
    access: dict[str, Any] = {}
    if s.store_user:
        access["username"] = s.store_user
    if password := _secret(s.store_password, s.store_password_file):
        access["password"] = password
    if s.store.startswith("rediss:"):
        access["ssl_ca_certs"] = s.store_ca_file or None
        access["ssl_certfile"] = s.store_certificate_file or None
        access["ssl_keyfile"] = s.store_key_file or None
    return access


def open_store(settings: Settings, model: str = "") -> RedisStore:
    """A connection to the settings' model, or to another of their store."""
    return RedisStore(settings.store, model or settings.model, **store_access(settings))


def _secret(given: SecretStr, file: str) -> str:
    return Path(file).read_text(encoding="utf-8").rstrip("\r\n") if file else given.get_secret_value()
