"""What librdkafka logs, on its way to Python's logging.

One of its lines is more than a message. When a topic was made anew, librdkafka takes its new id over without
telling and reads on at the old offset. It only logs that, and the line comes through the same queue as the
records, ahead of the first one of the new topic.
"""

from __future__ import annotations

import base64
import logging
import re
import uuid
from typing import Final

log = logging.getLogger(__name__)

NEEDS_DEBUG: Final = "metadata"
"""The ``debug`` that has it log the topic's id: about a line a second, and none goes further than here."""
CONNECTION: Final = "FAIL"
"""How librdkafka names lines of a connection that failed. While all brokers are away there are dozens a
second; the source tells that by its own error."""


class ClientLog:
    """The ``logger`` of a client for one topic; called where the client is polled."""

    def __init__(self, topic: str) -> None:
        self.topic_id = ""
        """That of the topic whose records come from here on; empty where the broker gives none."""
        self._changed = re.compile(rf"Topic {re.escape(topic)} changed id from \S* to (\S*)$")

    def log(self, level: int, text: str, *args: str) -> None:
        """Take a line, of which ``args`` are a word for what it is about, the client, and what happened."""
        if level > logging.DEBUG:
            log.log(logging.DEBUG if args[0] == CONNECTION else level, text, *args)
        elif changed := self._changed.search(args[-1]):
            number = int.from_bytes(base64.b64decode(changed[1] + "=="), "big")
            self.topic_id = topic_id(number)


def topic_id(number: int) -> str:
    """An id of 128 bits as kafka-python writes it; 0 is none."""
    return str(uuid.UUID(int=number)) if number else ""
