"""What the process of a worker looks at beside its loop."""

from types import SimpleNamespace
from typing import cast

from worker.pipeline import Pipeline
from worker.service import Service
from worker.settings import Settings


def test_a_partition_of_which_nothing_was_learned_yet_has_lag() -> None:
    service = Service(Settings(factors=2))
    checkpoint = SimpleNamespace(watermarks={0: 90}, beginnings={1: 10})
    ends = {0: 100, 1: 30, 2: 5}  # of the last one nothing is known yet
    source = SimpleNamespace(end_offsets=lambda: ends)
    service._look(cast(Pipeline, SimpleNamespace(checkpoint=checkpoint, source=source)))
    lag = {p: service.registry.get_sample_value("lfm_lag_events", {"partition": str(p)}) for p in ends}
    assert lag == {0: 10, 1: 20, 2: None}
    assert service._lag == 30
