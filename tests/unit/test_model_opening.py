"""Opening a model while others open the same."""

from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_records import settings
from worker.model_opening import open_model
from worker.source.made import MadeLog, MadeSource


class Source(MadeSource):
    """Another worker enters the model, learns and tells its offsets while this one asks for them."""

    def __init__(self, log: MadeLog, server: MemoryServer) -> None:
        super().__init__(log)
        self._server = server

    def committed(self) -> dict[int, int]:
        if self._server.meta is None:
            open_model(MemoryStore(self._server), MadeSource(MadeLog([[], []])), settings())
            self._log.group_offsets = {0: 137}
        return super().committed()


def test_a_model_that_another_worker_enters_and_reads_on_meanwhile_is_opened_and_not_called_lost() -> None:
    server = MemoryServer()
    source = Source(MadeLog([[], []]), server)
    opened = open_model(MemoryStore(server), source, settings())
    assert opened.to_bytes() == server.meta
