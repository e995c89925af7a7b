"""A poll of kafka-python 3.0.12 that waits for nothing that is there already.

Each poll has the client's IO thread see whether the group's coordinator is known, and waits for the answer:
two changes of thread, a third of what a poll costs. Here the polling thread looks itself.

A fetch that ends after a poll has looked at what there is, and before it asks for more, is forgotten: the
poll takes the client for idle and sleeps, for 100 ms, with records there. Here it looks once more.

The next fetch is asked for once of the last one only the partition is left that is being read. A partition's
share that is empty, since another's filled the fetch, waits behind it, and the broker is asked only when all
is read. Here empty shares come first.

A poll that found records waits until the next fetch is asked for, 1 ms of changing threads. Here it does not.
"""

from __future__ import annotations

from typing import Any


def make_prompt(consumer: Any) -> None:
    """Change the consumer's polls."""
    coordinator, fetcher = consumer._coordinator, consumer._fetcher
    ask, fetch = coordinator.ensure_coordinator_ready, fetcher.fetch_records
    take_in, drain, send = fetcher._handle_fetch_response, fetcher.fetched_records, fetcher.send_fetches
    has_found = False

    def ensure_coordinator_ready(timeout_ms: float | None = None) -> bool:
        node = coordinator.coordinator_id
        if node is not None and coordinator._client.connected(node):
            return True
        return bool(ask(timeout_ms))

    def fetch_records(
        max_records: int | None = None, update_offsets: bool = True, timeout_ms: float | None = None
    ) -> tuple[Any, bool]:
        records, idle = fetch(max_records, update_offsets, timeout_ms)
        if not records and idle:
            records, _ = fetcher.fetched_records(max_records, update_offsets)
        return records, idle

    def fetched_records(max_records: int | None = None, update_offsets: bool = True) -> tuple[Any, bool]:
        nonlocal has_found
        records, partial = drain(max_records, update_offsets)
        has_found = bool(records)
        return records, partial

    def send_fetches() -> Any:
        return fetcher._manager.call_soon(fetcher._send_fetches_async) if has_found else send()

    def handle_fetch_response(node: Any, offsets: Any, sent: float, response: Any) -> None:
        for topic in response.responses:
            topic.partitions.sort(key=lambda partition: bool(partition.records))
        take_in(node, offsets, sent, response)

    coordinator.ensure_coordinator_ready = ensure_coordinator_ready
    fetcher.fetch_records = fetch_records
    fetcher.fetched_records = fetched_records
    fetcher.send_fetches = send_fetches
    fetcher._handle_fetch_response = handle_fetch_response
