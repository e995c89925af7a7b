"""A worker whose loop is stuck ends, and says where it was."""

from urllib.parse import urlsplit

import httpx

from tests.acceptance.workers import PATIENCE_SECONDS, Play, address_of, ratings, until
from tests.commands import StartCommand
from tests.servers.proxy import Proxy
from worker.watchdog import EXIT_CODE


def test_a_loop_that_hangs_in_the_store_ends_the_process_with_the_stacks_of_its_threads(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    with Proxy(urlsplit(store).port or 0) as proxy:
        play = Play(broker, f"redis://127.0.0.1:{proxy.port}/0", topic, process)
        play.client = play.client.__class__.from_url(store)  # the test's own goes around the proxy
        play.produce(ratings(100))
        worker = play.worker("--watchdog-seconds", "2")
        play.wait_learned(100, worker)
        until(lambda: httpx.get(f"{address_of(worker)}/livez", timeout=30).status_code == 200, worker)
        # The connection stays open and says nothing: a reply may take longer than the watchdog allows.
        proxy.lose_replies(0)
        play.produce(ratings(100, seed=2))
        assert worker.wait(PATIENCE_SECONDS) == EXIT_CODE, worker.log
        assert "the loop made no step for" in worker.log
        assert "LFM_WATCHDOG_SECONDS" in worker.log
        for frame in ("in read_response", "in step", 'File "'):
            assert frame in worker.log
        proxy.cut()
        # Nothing was lost by it.
        worker = play.worker()
        play.wait_learned(200, worker)
        play.store = store
        play.verified(200)
