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
AHEAD_BATCHES: Final = 4
"""Fetched while another has its turn: what a turn of ``turns.TURN_SECONDS`` takes at 32,000 events each."""


class Fetched:
    """Batches in the order in which they are to be learned; the last one grows until it is full."""

    def __init__(self, source: Source, decoder: Decoder, observer: Observer, batch_size: BatchSize) -> None:
        """Nothing fetched yet."""
        self._source = source
        self._decoder = decoder
        self._observer = observer
        self._batch_size = batch_size
        self._whole: list[Events] = []
        self._parts: list[Events] = []  # of the batch that grows, each of one partition
        self._records = 0  # that it stands for
        self._grown: Events | None = None  # those parts as one

    @property
    def first(self) -> Events | None:
        """The batch to be learned next."""
        if self._whole:
            return self._whole[0]
        if self._grown is None and self._parts:
            self._grown = join(self._parts)
        return self._grown

    def is_full(self, events: Events) -> bool:
        """Whether a batch is about as large as a commit should be, so that there is probably more."""
        return 2 * len(events) >= self._batch_size.events

    def fetch(self, seconds: float, *, ahead: bool) -> None:
        """Fetch in polls, of which each is decoded at once, until there is a full batch.

        Args:
            seconds: How long to wait for the first event, if there is no batch yet.
            ahead: Go on to as many as may be learned in the next turn.
        """
        batches = AHEAD_BATCHES if ahead else 1
        wait = 0.0 if self._whole or self._parts else seconds
        while len(self._whole) < batches:
            left = self._batch_size.events - self._records
            if left <= 0:
                self._whole.append(join(self._parts))
                self._start_growing()
                continue
            limit = min(left, POLL_RECORDS)
            with self._observer.step("fetch"):
                records = self._source.poll(wait, limit)
            if not records:
                break
            with self._observer.step("decode"):
                self._parts += [self._decoder.decode(r) for r in records]
            fetched = sum(len(r.offsets) for r in records)
            self._records += fetched
            self._grown = None
            if fetched < limit:  # there is no more; a poll that finds none costs as much as one that does
                break
            wait = 0.0

    def close_first(self) -> Events | None:
        """The batch to be learned next, which grows no more."""
        first = self.first
        if first is not None and not self._whole:
            self._whole.append(first)
            self._start_growing()
        return first

    def drop_first(self) -> None:
        """It is learned."""
        if self._whole:
            del self._whole[0]
        else:
            self._start_growing()

    def put_back(self, *batches: Events) -> None:
        """These are to be learned before all others."""
        self._whole[:0] = batches

    def clear(self) -> None:
        """Nothing that was fetched is to be learned."""
        self._whole = []
        self._start_growing()

    def _start_growing(self) -> None:
        self._parts, self._records, self._grown = [], 0, None
