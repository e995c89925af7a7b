"""`verify` proves what was learned, beside a worker that goes on, and from a baseline."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lfm_online.layout import HEADER, Kind
from lfm_online.ledger import event_digests, topic_crc
from lfm_online.meta import Meta
from lfm_online.store.memory import MemoryServer, MemoryStore
from tests.made_topic import PARTITIONS, SETTINGS, MadeTopic, fill, learn_on
from worker.checkpoint import Checkpoint
from worker.decode import Decoder
from worker.model_opening import meta_of
from worker.source.made import MadeLog
from worker.verification import verify
from worker.verification.baseline import Baseline, BaselineError, read_baseline
from worker.verification.report import Report

META: Meta = meta_of(SETTINGS, "")


class LiveStore(MemoryStore):
    """Hands out few ids at a time; something happens between."""

    def __init__(self, server: MemoryServer, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__(server)
        self._meanwhile = meanwhile

    def scan_ids(self, kind: Kind) -> Iterator[list[str]]:
        (ids,) = super().scan_ids(kind)
        for start in range(0, len(ids), 2):
            yield ids[start : start + 2]
            self._meanwhile()


class Play:
    """A log, a model that learned it, and what proves that."""

    def __init__(self, seed: int, events: int = 200) -> None:
        self.rng = random.Random(seed)
        self.log = MadeLog([[] for _ in range(PARTITIONS)])
        self.server = MemoryServer()
        self.worker = Checkpoint(
            MemoryStore(self.server),
            META.make_model(),
            SETTINGS.topic,
            feed_entries=10**6,
            new_id=lambda: self.rng.randbytes(16),
        )
        self.worker.resync()
        self.worker.beginnings = dict.fromkeys(range(PARTITIONS), 0)
        fill(self.log, self.rng, events)

    def learn(self) -> None:
        while learn_on(self.worker, self.log, self.rng):
            pass

    def verify(
        self, store: MemoryStore | None = None, *, first: dict[int, int] | None = None, **more: object
    ) -> tuple[Report, Baseline | None]:
        topic = MadeTopic(self.log, first=first)
        shown = store or MemoryStore(self.server)
        return verify(shown, topic, Decoder(SETTINGS), SETTINGS.topic, lambda *_: None, **more)  # type: ignore[arg-type]

    def change(self, kind: Kind, row_id: str, events: int, digest: int) -> None:
        """Add to what a row says of its events."""
        value = bytearray(self.server.rows[kind][row_id])
        header = np.frombuffer(value, HEADER, 1).copy()
        header["events"] += np.uint32(events % 2**32)
        header["digest"] += np.uint32(digest % 2**32)
        value[: HEADER.itemsize] = header.tobytes()
        self.server.rows[kind][row_id] = bytes(value)


def test_a_model_that_learned_all_of_a_topic_passes() -> None:
    play = Play(1)
    play.learn()
    report, baseline = play.verify()
    valid = sum(
        value is None or b": 9," not in value for log in play.log.partitions for _, _, _, value in log
    )
    assert (report.verdict, report.events, report.events + report.dead_letters) == ("proved", valid, 200)
    assert report.rows == sum(map(len, play.server.rows.values()))
    assert report.watermarks == play.server.watermarks
    assert baseline is not None


@pytest.mark.parametrize("seed", range(20))
def test_it_passes_beside_a_worker_that_goes_on(seed: int) -> None:
    play = Play(seed)
    for _ in range(8):
        learn_on(play.worker, play.log, play.rng)
    report, _ = play.verify(LiveStore(play.server, lambda: learn_on(play.worker, play.log, play.rng)))
    assert report.verdict == "proved", report.lines()
    assert report.watermarks != play.server.watermarks


@pytest.mark.parametrize("seed", range(10))
def test_beside_a_worker_a_row_that_counts_once_too_often_is_found(seed: int) -> None:
    play = Play(seed)
    for _ in range(8):
        learn_on(play.worker, play.log, play.rng)
    play.change("item", "i3", 1, 12345)
    play.worker.model.items.forget_all()
    report, baseline = play.verify(LiveStore(play.server, lambda: learn_on(play.worker, play.log, play.rng)))
    assert (report.verdict, report.differing, baseline) == ("differs", 1, None)
    assert (report.differences[0].kind, report.differences[0].id) == ("item", "i3")


def test_the_event_that_was_lost_and_the_one_that_was_doubled_are_named() -> None:
    play = Play(3)
    play.learn()
    whole, _ = play.verify()
    play.change("item", "i1", -1, 0)
    report, _ = play.verify()
    (row,) = report.differences
    places = [(p, offset) for p, offsets in row.offsets.items() for offset in offsets]
    assert (row.expected.events, row.found.events) == (len(places), len(places) - 1)
    assert (row.lost, row.doubled) == ([], [])  # no event has digest 0
    p, offset = places[len(places) // 2]
    digest = int(event_digests(topic_crc(SETTINGS.topic), np.array([p], np.int32), np.array([offset]))[0])
    play.change("item", "i1", 0, -digest)
    assert play.verify()[0].differences[0].lost == [(p, offset)]
    play.change("item", "i1", 2, 2 * digest)
    assert play.verify()[0].differences[0].doubled == [(p, offset)]
    play.change("item", "i1", -1, -digest)
    assert play.verify()[0].to_dict() == whole.to_dict()


def test_a_row_that_the_topic_does_not_know_a_row_that_is_gone_and_a_fitted_one_are_told_apart() -> None:
    play = Play(4)
    play.learn()
    rows = play.server.rows["user"]
    gone, other, *_ = sorted(rows)
    rows["stranger"] = rows[other]
    rows["fitted"] = bytes(len(rows[other]))
    del rows[gone]
    report, _ = play.verify()
    assert (report.differing, report.unknown, report.fitted) == (2, 1, 1)
    assert {row.id: row.found.events > 0 for row in report.differences} == {"stranger": True, gone: False}


def test_a_user_forgotten_in_one_partition_and_rated_in_another_is_not_proved() -> None:
    play = Play(5)
    play.log.append(0, b"x", b'{"user_id": "x", "item_id": "i", "rating": 2, "timestamp": 5}')
    play.log.append(1, b"x", None)
    play.learn()
    report, _ = play.verify()
    assert (report.verdict, report.unproven) == ("proved", 1)


def test_from_a_baseline_it_still_proves_what_the_topic_no_longer_holds(tmp_path: Path) -> None:
    play = Play(6)
    play.learn()
    _, baseline = play.verify()
    assert baseline is not None
    baseline.save(tmp_path / "proved.npz", META)
    kept = read_baseline(tmp_path / "proved.npz", META)
    fill(play.log, play.rng, 100)
    play.learn()
    taken = dict(kept.watermarks)

    # Without the baseline nothing can be told; with it only what came since is read.
    report, _ = play.verify(first=taken)
    assert (report.verdict, report.gone) == ("cannot tell", taken)
    report, later = play.verify(first=taken, baseline=kept)
    assert (report.verdict, report.events + report.dead_letters) == ("proved", 100)
    assert later is not None

    # The baseline that this one leaves is that of the whole topic.
    _, whole = play.verify()
    assert whole is not None
    assert later.watermarks == whole.watermarks
    for kind, rows in whole.rows.items():
        columns = {name: column.tolist() for name, column in rows.columns.items()}
        other = later.rows[kind]
        ours = sorted(zip(rows.ids, *columns.values(), strict=True))
        assert sorted(zip(other.ids, *(other.columns[n].tolist() for n in columns), strict=True)) == ours

    # Retention went past the baseline: it can't be told. A row changed before it is found all the same.
    past = {p: offset + 1 for p, offset in taken.items()}
    assert play.verify(first=past, baseline=kept)[0].verdict == "cannot tell"
    play.change("user", min(play.server.rows["user"]), 0, 1)
    assert play.verify(first=taken, baseline=kept)[0].verdict == "differs"


def test_a_store_older_than_the_baseline_can_not_be_told_of(tmp_path: Path) -> None:
    play, older = Play(7), Play(7)
    for _ in range(10):
        learn_on(older.worker, older.log, older.rng)
    play.learn()
    _, baseline = play.verify()
    report, _ = older.verify(baseline=baseline)
    assert (report.verdict, bool(report.behind)) == ("cannot tell", True)


def test_of_a_compacted_topic_what_differs_can_not_be_told() -> None:
    play = Play(8)
    play.learn()
    assert play.verify(compacted=True)[0].verdict == "proved"
    del play.log.partitions[1][::2]
    assert play.verify()[0].verdict == "differs"
    assert play.verify(compacted=True)[0].verdict == "cannot tell"


def test_a_file_that_is_no_baseline_or_of_another_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "b"
    for content in (b"", b"no archive", b"PK\x03\x04 torn"):
        file.write_bytes(content)
        with pytest.raises(BaselineError, match="no baseline"):
            read_baseline(file, META)
    Baseline({}, Play(9).verify()[1].rows).save(file, META)  # type: ignore[union-attr]
    with pytest.raises(BaselineError, match="topic_id was '', is 'made anew'"):
        read_baseline(file, msgspec.structs.replace(META, topic_id="made anew"))
