"""Polls of kafka-python that wait for nothing that is there already."""

from types import SimpleNamespace

import pytest

from worker.source.prompt_poll import make_prompt


class Client:
    """What a poll asks of kafka-python's parts."""

    def __init__(
        self, *, node: int | None, connected: bool, fetched: dict[str, list[int]], late: bool
    ) -> None:
        self.asked = self.drained = 0
        self._fetched, self._late = fetched, late
        self._coordinator = SimpleNamespace(
            coordinator_id=node,
            _client=SimpleNamespace(connected=lambda node: connected),
            ensure_coordinator_ready=self._ask,
        )
        self._fetcher = SimpleNamespace(
            fetch_records=self._fetch,
            fetched_records=self._drain,
            _handle_fetch_response=lambda *given: self.taken_in.append(given),
            send_fetches=lambda: self.sent.append("waited for"),
            _send_fetches_async=None,
            _manager=SimpleNamespace(call_soon=lambda _: self.sent.append("left to the IO thread")),
        )
        self.sent: list[str] = []
        self.taken_in: list[tuple[object, ...]] = []
        make_prompt(self)

    def _ask(self, timeout_ms: float | None) -> bool:
        self.asked += 1
        return False

    def _fetch(self, *_: object) -> tuple[dict[str, list[int]], bool]:
        return ({}, True) if self._late else (self._fetched, False)

    def _drain(self, *_: object) -> tuple[dict[str, list[int]], bool]:
        self.drained += 1
        return self._fetched, False


@pytest.mark.parametrize(("node", "connected", "asked"), [(1, True, 0), (1, False, 1), (None, False, 1)])
def test_the_coordinator_is_asked_for_only_without_a_connection_to_it(
    node: int | None, connected: bool, asked: int
) -> None:
    client = Client(node=node, connected=connected, fetched={}, late=False)
    assert client._coordinator.ensure_coordinator_ready(0) is (asked == 0)
    assert client.asked == asked


@pytest.mark.parametrize("fetched", [{}, {"tp": [1, 2]}])
def test_records_that_came_after_the_poll_has_looked_are_taken(fetched: dict[str, list[int]]) -> None:
    late = Client(node=1, connected=True, fetched=fetched, late=True)
    assert late._fetcher.fetch_records(10, timeout_ms=200) == (fetched, True)
    assert late.drained == 1


def test_records_that_were_there_are_looked_for_once() -> None:
    client = Client(node=1, connected=True, fetched={"tp": [1]}, late=False)
    assert client._fetcher.fetch_records(10, timeout_ms=0) == ({"tp": [1]}, False)
    assert client.drained == 0


def test_of_a_fetch_the_shares_that_are_empty_come_first() -> None:
    client = Client(node=1, connected=True, fetched={}, late=False)
    shares = [SimpleNamespace(partition_index=p, records=r) for p, r in enumerate([b"abc", None, b"d", b""])]
    response = SimpleNamespace(responses=[SimpleNamespace(topic="ratings", partitions=shares)])
    client._fetcher._handle_fetch_response(1, {}, 0.0, response)
    assert client.taken_in == [(1, {}, 0.0, response)]
    assert [share.partition_index for share in response.responses[0].partitions] == [1, 3, 0, 2]


@pytest.mark.parametrize(("fetched", "how"), [({}, "waited for"), ({"tp": [1, 2]}, "left to the IO thread")])
def test_the_next_fetch_is_waited_for_only_where_nothing_was_found(
    fetched: dict[str, list[int]], how: str
) -> None:
    client = Client(node=1, connected=True, fetched=fetched, late=False)
    assert client._fetcher.fetched_records(10) == (fetched, False)
    client._fetcher.send_fetches()
    assert client.sent == [how]
