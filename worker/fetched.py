"""What was fetched and not yet learned: batches of up to a commit's worth."""

from __future__ import annotations

from typing import Final

from worker.batch_size import BatchSize
from worker.decode import Decoder
from worker.events import Events, join
from worker.observer import Observer
from worker.source.protocol import Source

POLL_RECORDS: Final = 4000
"""Of one poll: each waits for the client's IO thread once or twice."""


class Fetched:
    """Batches in the order in which they are to be learned; the last one grows until it is full."""

    def __init__(self, source: Source, decoder: Decoder, observer: Observer, batch_size: BatchSize) -> None:
        """Nothing fetched yet."""
        self._source = source
        self._decoder = decoder
        self._observer = observer
        self._batch_size = batch_size
        self._again: list[Events] = []  # batches that were put back
        self._parts: list[Events] = []  # of the batch that grows, each of one partition

    @property
    def first(self) -> Events | None:
        """The batch to be learned next."""
        if self._again:
            return self._again[0]
        return join(self._parts) if self._parts else None

    def is_full(self, events: Events) -> bool:
        """Whether a batch is about as large as a commit should be, so that there is probably more."""
        return 2 * len(events) >= self._batch_size.events

    def fetch(self, seconds: float) -> None:
        """Fetch in polls, of which each is decoded at once, until there is a full batch.

        Args:
            seconds: How long to wait for the first event, if there is no batch yet.
        """
        left = 0 if self._again else self._batch_size.events - sum(map(len, self._parts))
        wait = 0.0 if self._parts else seconds
        while left > 0:
            with self._observer.step("fetch"):
                records = self._source.poll(wait, min(left, POLL_RECORDS))
            if not records:
                break
            with self._observer.step("decode"):
                self._parts += [self._decoder.decode(r) for r in records]
            left -= sum(len(r.offsets) for r in records)
            wait = 0.0

    def drop_first(self) -> None:
        """It is learned."""
        if self._again:
            del self._again[0]
        else:
            self._parts = []

    def put_back(self, *batches: Events) -> None:
        """These are to be learned before all others."""
        self._again[:0] = batches

    def clear(self) -> None:
        """Nothing that was fetched is to be learned."""
        self._again, self._parts = [], []
