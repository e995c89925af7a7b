"""What the Kafka client must be opened with, whatever a broker makes of it."""

from worker.settings import Settings
from worker.source.consumer_settings import consumer_settings


def test_the_client_reads_only_what_was_committed_and_leaves_offsets_to_the_store() -> None:
    settings = consumer_settings(Settings())
    assert settings["isolation_level"] == "read_committed"
    assert settings["enable_auto_commit"] is False
    assert settings["auto_offset_reset"] == "none"
