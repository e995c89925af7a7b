"""Whose turn it is to commit: a hint that every store gives, and that no commit asks for."""

import time
from dataclasses import replace

from lfm_online.store.protocol import NO_HEAD, Claim
from tests.contracts.commits import commit_on, row
from tests.contracts.stores import ModelServer, applied, grow

LONG = 60.0


def test_a_turn_is_one_workers_until_it_is_given_back(any_server: ModelServer) -> None:
    one, other = any_server.connect(), any_server.connect()
    assert one.claim_turn(b"one", LONG).mine
    assert not other.claim_turn(b"other", LONG).mine
    assert one.claim_turn(b"one", LONG).mine, "who has it keeps it"
    one.end_turn()
    assert other.claim_turn(b"other", LONG).mine
    assert not one.claim_turn(b"one", LONG).mine


def test_a_commit_ends_the_turn_only_if_it_says_so_and_gets_through(any_server: ModelServer) -> None:
    one, other = any_server.connect(), any_server.connect()
    assert one.claim_turn(b"one", LONG).mine
    head = grow(one, NO_HEAD)
    refused = replace(commit_on(NO_HEAD), ends_turn=True)
    assert not applied(other, refused)
    assert not other.claim_turn(b"other", LONG).mine
    assert applied(one, replace(commit_on(head), ends_turn=True))
    assert other.claim_turn(b"other", LONG).mine


def test_a_commit_tells_whose_turn_it_was(any_server: ModelServer) -> None:
    one, other = any_server.connect(), any_server.connect()
    told = []
    head = NO_HEAD
    for ends_turn in (False, True, False):
        commit = replace(commit_on(head), ends_turn=ends_turn)
        one.send_commit(commit)
        told.append(one.receive_commit().turn)
        head = commit.head
        if len(told) == 1:
            assert other.claim_turn(b"other", LONG).mine
    assert told == [b"", b"other", b""]


def test_a_turn_that_is_not_given_back_is_over_after_its_time(any_server: ModelServer) -> None:
    one, other = any_server.connect(), any_server.connect()
    assert one.claim_turn(b"one", 0.02).mine
    for _ in range(1000):
        if other.claim_turn(b"other", LONG).mine:
            break
        time.sleep(0.01)
    assert not one.claim_turn(b"one", LONG).mine


def test_a_claim_tells_the_head(any_server: ModelServer) -> None:
    one, other = any_server.connect(), any_server.connect()
    assert one.claim_turn(b"one", LONG) == Claim(mine=True, head=NO_HEAD)
    head = grow(one, NO_HEAD)
    assert other.claim_turn(b"other", LONG) == Claim(mine=False, head=head)


def test_whose_turn_it_is_keeps_nobody_from_committing(any_server: ModelServer) -> None:
    one, other = any_server.connect(), any_server.connect()
    assert one.claim_turn(b"one", LONG).mine
    head = grow(other, NO_HEAD, users={"u": row(1)})
    assert not applied(one, commit_on(NO_HEAD, users={"u": row(2)}))
    assert one.read_rows(["u"], [])[:2] == (head, [row(1)])


def test_who_claims_and_waits_between_two_commits_still_rests_on_the_first(any_server: ModelServer) -> None:
    one, other = any_server.connect(), any_server.connect()
    head = grow(one, NO_HEAD)
    assert one.claim_turn(b"one", LONG).mine
    one.wait_feed(head, 0.01)
    head = grow(one, head)
    grow(other, head)
    assert one.claim_turn(b"one", LONG).mine
    one.wait_feed(head, 0.01)
    assert not applied(one, commit_on(head)), "the other has committed meanwhile"
