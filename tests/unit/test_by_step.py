"""Where a worker's samples are counted."""

from tests.profile.by_step import by_step

LOOP = "run (threading.py:9);Service._loop (worker/service.py:192);Pipeline.step (worker/pipeline.py:121)"
RESOLVE = f"{LOOP};BatchRows.resolve (worker/batch_rows.py:72)"


def test_a_sample_counts_for_the_innermost_step_that_it_fell_into() -> None:
    found = by_step(
        [
            f"{RESOLVE};Table.numbers (lfm_online/rows.py:1);IdIndex.find (lfm_online/id_index.py:49) 3",
            f"{RESOLVE};unique (numpy/arrays.py:1) 2",
            f"{LOOP} 1",
        ]
    )
    assert found["loop"] == {
        "ids to row numbers": 3,
        "rows that the batch touches, digests": 2,
        "the rest of the loop": 1,
    }


def test_threads_that_neither_loop_nor_send_are_left_out() -> None:
    sender = "worker (thread.py:1);RedisStore._send (lfm_online/store/redis.py:93)"
    laid_out = f"{sender};lay_out (lfm_online/store/transaction.py:31);mset (lfm_online/store/resp.py:9)"
    found = by_step(["sleep (watchdog.py:1) 9", f"{sender};sendall (socket.py:1) 4", f"{laid_out} 5"])
    assert not found["loop"]
    assert found["sender"] == {"send": 4, "commit as bytes": 5}
