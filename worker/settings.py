"""Every setting, once: its name, default, unit, what is allowed, and what it means.

``settings_loading`` builds them from flags, environment and file; ``settings_catalogue`` lists them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.access_files import PARTS, check_access_files
from worker.setting_types import (
    TOPIC_MAX_LENGTH,
    BootstrapServers,
    FieldName,
    FileName,
    GroupName,
    HostName,
    Login,
    ModelName,
    OnTrouble,
    OptionalTopicName,
    Port,
    RatingLimits,
    RatingRange,
    Secret,
    Step,
    StoreUrl,
    TopicName,
    redacted,
    setting,
)

ENVIRONMENT_PREFIX = "LFM_"


class Settings(BaseSettings):
    """The settings of every command, checked and immutable.

    ``Settings(...)`` takes values by name and the rest from the environment. Commands use
    ``settings_loading.load_settings``, which also reads a file, refuses unknown ``LFM_…`` variables, and
    words its errors for people.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        hide_input_in_errors=True,  # the store's URL may hold a password
    )

    # Kafka
    kafka: BootstrapServers = setting("127.0.0.1:9092", "bootstrap servers")
    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = setting(
        "plaintext", "how Kafka's clients connect: with TLS (ssl), with a login (sasl)"
    )
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = setting(
        "SCRAM-SHA-512", "how the login to Kafka is made"
    )
    kafka_user: Login = setting("", "user of the login to Kafka")
    kafka_password: Secret = setting(SecretStr(""), "its password")
    kafka_password_file: FileName = setting("", "a file that holds it instead")
    kafka_ca_file: FileName = setting("", "certificates (PEM) that vouch for brokers; empty: the system's")
    kafka_certificate_file: FileName = setting("", "certificate (PEM) shown to the brokers")
    kafka_key_file: FileName = setting("", "its key (PEM)")
    topic: TopicName = setting("ratings", "topic that the rating events are read from")
    group: GroupName = setting("lfm-online", "consumer group of the model's workers")
    session_timeout_seconds: float = setting(
        10, "silence after which Kafka gives a worker's partitions to another", unit="seconds", ge=1, le=1800
    )

    source: Literal["kafka-python", "librdkafka"] = setting(
        "kafka-python", "client that a worker reads the topic with; librdkafka is an extra"
    )

    # Trouble with the topic
    topic_replaced: OnTrouble = setting(
        "stop", "when the topic was made anew or its log cut: stop, or learn the new log from its beginning"
    )
    events_gone: OnTrouble = setting(
        "stop", "when the topic's retention took events not yet learned: stop, or learn what is left"
    )
    undecodable: OnTrouble = setting(
        "stop", "when a batch of the log can't be decoded: stop, or make it one dead letter"
    )

    # The store and the model
    store: StoreUrl = setting("redis://127.0.0.1:6379/0", "Redis or Valkey primary that holds the model")
    store_user: Login = setting("", "user of the login to the store; empty: the URL's")
    store_password: Secret = setting(SecretStr(""), "its password")
    store_password_file: FileName = setting("", "a file that holds it instead")
    store_ca_file: FileName = setting("", "certificates (PEM) that vouch for the store; empty: the system's")
    store_certificate_file: FileName = setting("", "certificate (PEM) shown to the store")
    store_key_file: FileName = setting("", "its key (PEM)")
    model: ModelName = setting("default", "name of the model, part of every key")
    new_model: bool = setting(
        False, "start a model that the store does not know although the group has committed offsets"
    )
    rule: Literal["adaptive", "sgd"] = setting("adaptive", "learning rule")
    factors: int = setting(32, "latent factors of a row", unit="numbers", ge=1, le=512)
    rating_range: RatingLimits = setting(
        "0.5,5", "lowest and highest rating that is learned", unit="rating", flag="--range"
    )
    seed: int = setting(1, "where initial rows come from, with the id", ge=0, le=2**63 - 1)
    history: int = setting(
        1000, "latest ratings remembered of each user; 0 turns it off", unit="ratings", ge=0, le=1_000_000
    )

    ranking: bool = setting(True, "learn beside the rule what users take next, and recommend by it")

    # The textbook rule
    sgd_link: Literal["clip", "sigmoid_range"] = setting(
        "clip", "how rule sgd keeps a prediction in the range"
    )
    sgd_margin: float = setting(
        0.0,
        "how far the link sigmoid_range of rule sgd reaches past both ends of the range",
        unit="rating",
        ge=0,
        le=10**9,
    )
    sgd_biases: bool = setting(True, "whether rule sgd has biases of users and items")
    sgd_step_bias: Step = setting(0.01, "step of rule sgd for biases")
    sgd_step_factors: Step = setting(0.01, "step of rule sgd for factors")
    sgd_regularisation_bias: Step = setting(0.02, "regularisation of rule sgd for biases")
    sgd_regularisation_factors: Step = setting(0.02, "regularisation of rule sgd for factors")

    # What an event looks like
    user_field: FieldName = setting("user_id", "name of an event's user field")
    item_field: FieldName = setting("item_id", "name of an event's item field")
    rating_field: FieldName = setting("rating", "name of an event's rating field")
    time_field: FieldName = setting("timestamp", "name of an event's time field")
    time_unit: Literal["milliseconds", "seconds"] = setting("milliseconds", "unit of an event's time")
    record_max_bytes: int = setting(
        65_536, "a larger record becomes a dead letter, undecoded", unit="bytes", ge=64, le=2**30
    )
    future_tolerance_seconds: float = setting(
        86_400, "how far an event's time may lie past its record's own", unit="seconds", ge=0, le=10**12
    )

    # Dead letters
    dead_letter_topic: OptionalTopicName = setting(
        "", "topic that dead letters are forwarded to; empty: the topic's name and .dead-letters"
    )
    dead_letter_outbox: int = setting(
        10_000,
        "most dead letters held for a partition; full, the stream waits",
        unit="dead letters",
        ge=1,
        le=10_000_000,
    )
    dead_letter_max_bytes: int = setting(
        16_384, "a longer value is cut, with its SHA-256", unit="bytes", ge=0, le=2**20
    )

    # Commits, and those who follow them
    commit_events: int = setting(
        32_000, "most events that one commit takes", unit="events", ge=1, le=1_000_000
    )
    commit_seconds: float = setting(
        0.1,
        "time in the store that one commit aims at, receiving it included",
        unit="seconds",
        ge=0.0001,
        le=1,
    )
    cache_mib: int = setting(
        1024,
        "memory for users' rows in a worker; those not used for longest go, and are read again when needed",
        unit="MiB",
        ge=1,
        le=2**20,
    )
    feed_entries: int = setting(
        5000,
        "commits kept in the feed; a replica further behind reloads",
        unit="commits",
        ge=100,
        le=10_000_000,
    )
    replica_users: int = setting(
        100_000, "user rows that a lookup server keeps in memory", unit="users", ge=1, le=1_000_000_000
    )

    # Processes
    worker_host: HostName = setting("127.0.0.1", "address of the worker's metrics and health")
    worker_port: Port = setting(9101, "port of the worker's metrics and health")
    serve_host: HostName = setting("127.0.0.1", "address of the lookups")
    serve_port: Port = setting(8080, "port of the lookups")
    watchdog_seconds: float = setting(
        300,
        "a worker whose loop makes no step, or learns nothing of what there is, for so long ends itself",
        unit="seconds",
        ge=2,
        le=86_400,
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "least severe message that is logged"
    )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        names = (self.user_field, self.item_field, self.rating_field, self.time_field)
        if len(set(names)) < len(names):
            raise ValueError(
                f"user_field, item_field, rating_field and time_field are {', '.join(names)}; "
                "allowed: four different names"
            )
        if self.dead_letters_to == self.topic:
            raise ValueError(
                f"dead_letter_topic is {self.topic!r}, the topic itself; allowed: another name, or empty"
            )
        if len(self.dead_letters_to) > TOPIC_MAX_LENGTH:
            raise ValueError(
                f"dead_letter_topic is empty, and {self.dead_letters_to!r} longer than {TOPIC_MAX_LENGTH} "
                "characters; allowed: a name of its own (LFM_DEAD_LETTER_TOPIC), or a shorter topic"
            )
        if self.sgd_margin > 0 and self.sgd_link != "sigmoid_range":
            raise ValueError(
                f"sgd_margin is {self.sgd_margin:g} and sgd_link {self.sgd_link}; "
                "allowed: a margin with sgd_link sigmoid_range only"
            )
        self._agree_on_access()
        return self

    def _agree_on_access(self) -> None:
        if self.kafka_security.startswith("sasl") and not self.kafka_user:
            raise ValueError(
                f"kafka_security is {self.kafka_security} and kafka_user empty (LFM_KAFKA_USER); "
                "allowed: sasl with a user"
            )
        tls_files = (self.store_ca_file, self.store_certificate_file, self.store_key_file)
        if any(tls_files) and not self.store.startswith("rediss:"):
            raise ValueError(
                f"store is {redacted(self.store)}, without TLS, and a certificate's file is given; "
                "allowed: rediss:// with store_ca_file, store_certificate_file and store_key_file"
            )
        for whose in ("kafka", "store"):
            files = {part: getattr(self, f"{whose}_{part}_file") for part in PARTS}
            check_access_files(whose, files, ENVIRONMENT_PREFIX)

    @property
    def dead_letters_to(self) -> str:
        """The topic that dead letters are forwarded to."""
        return self.dead_letter_topic or f"{self.topic}.dead-letters"

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, redacted(value) if name == "store" else value


__all__ = ["ENVIRONMENT_PREFIX", "RatingRange", "Settings", "redacted"]
