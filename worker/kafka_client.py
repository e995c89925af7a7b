"""Opens clients of kafka-python so that one that finds no broker leaves nothing behind.

`KafkaConsumer` and `KafkaAdminClient` of 3.0.12 begin a thread before they look for a broker, and where none
answers raise without ending it: each try of a worker that waits for its broker would keep a thread and four
files, which ask for the broker on and on.
"""

from __future__ import annotations

from typing import Any, Final

REQUEST_BYTES: Final = 100 * 2**20
"""Of one request to a broker, which by default takes no larger one (`socket.request.max.bytes`). Records that
are too large their topic refuses, by a limit that can be raised; the client's own 1 MiB can't."""


def open_client(kind: Any, **options: Any) -> Any:
    """A client of this class; raises what the class does.

    Args:
        kind: `KafkaConsumer` or `KafkaAdminClient`.
        options: What it is opened with.
    """
    connections: list[Any] = []

    def connect(**given: Any) -> Any:
        connections.append(kind.DEFAULT_CONFIG["kafka_client"](**given))
        return connections[-1]

    try:
        return kind(**options, kafka_client=connect)
    except BaseException:
        for each in connections:
            each.close()
        raise
