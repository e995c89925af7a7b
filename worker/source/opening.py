"""The source that the settings name."""

from __future__ import annotations

from worker.settings import Settings
from worker.source.kafka_python import KafkaPythonSource
from worker.source.protocol import Source, SourceBrokenError


def open_source(settings: Settings) -> Source:
    """A consumer of ``settings.topic`` by the client ``settings.source``.

    Raises:
        SourceAwayError: no broker answers.
        SourceBrokenError: the client is not installed.
    """
    if settings.source == "kafka-python":
        return KafkaPythonSource(settings)
    try:
        from worker.source.librdkafka import LibrdkafkaSource  # noqa: PLC0415 - its package is an extra
    except ModuleNotFoundError as error:
        raise SourceBrokenError(
            "source is librdkafka (LFM_SOURCE), whose package is not installed: "
            "pip install 'lfm-online[librdkafka]', or LFM_SOURCE=kafka-python"
        ) from error
    return LibrdkafkaSource(settings)
