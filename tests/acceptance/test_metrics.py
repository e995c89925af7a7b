"""What a worker's metrics say of a model that it did not learn itself."""

import httpx

from tests.acceptance.workers import Play, address_of, ratings, until
from tests.commands import Command, StartCommand


def model_gauges(worker: Command) -> list[str]:
    """The samples that are the model's, not the process's."""
    lines = httpx.get(f"{address_of(worker)}/metrics", timeout=30).text.splitlines()
    return [line for line in lines if line.startswith(("lfm_rmse{", "lfm_ranking_recent_share "))]


def test_the_rmse_is_the_models_after_a_restart_and_where_another_worker_learns(
    broker: str, store: str, topic: str, process: StartCommand
) -> None:
    play = Play(broker, store, topic, process)
    play.produce(ratings(300))
    first = play.worker()
    play.wait_learned(300, first)
    until(lambda: len(model_gauges(first)) > 1, first)
    said = model_gauges(first)
    play.wait_drained(first)

    workers = [play.worker(), play.worker()]
    until(lambda: all(model_gauges(worker) == said for worker in workers), *workers)

    # One partition: only one of them learns.
    play.produce(ratings(300, seed=2), partition=0)
    play.wait_learned(600, *workers)
    one, other = workers
    until(lambda: said != model_gauges(one) == model_gauges(other), *workers)
