"""What is retried, how long it is waited, and with which key."""

from __future__ import annotations

import email.utils
import time

import httpx
import pytest
import sextant
from fake_server import FakeServer, answer, problem

WRITTEN = {"id": "a", "effect": "created", "version": 7, "etag": "7", "commit": "c-7"}
BUSY = problem(429, "backpressure", retry_after="2")


def keys(server: FakeServer) -> set[str]:
    return {request.headers["Idempotency-Key"] for request in server.requests}


def test_a_busy_server_is_asked_again_after_the_time_it_names() -> None:
    server = FakeServer(BUSY, problem(503, "unavailable", retry_after="5"), answer({"count": 3}))
    assert server.client().library("l").chunks.count() == 3
    assert server.slept == [2, 5]


def test_retry_after_may_be_a_date() -> None:
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    server = FakeServer(problem(503, "unavailable", retry_after=date), answer({"count": 3}))
    server.client().library("l").chunks.count()
    assert 25 < server.slept[0] <= 30


def test_a_write_is_repeated_with_its_key_when_the_reply_is_lost() -> None:
    server = FakeServer(httpx.ReadError("reset"), httpx.ConnectError("refused"), answer(WRITTEN))
    written = server.client().library("l").documents.put("a", metadata={})
    assert written.version == 7
    assert len(server.requests) == 3
    assert len(keys(server)) == 1
    assert len({request.content for request in server.requests}) == 1
    assert server.slept == sorted(server.slept)
    assert all(0 < pause <= 2 for pause in server.slept)


def test_every_write_has_a_key_of_its_own_unless_one_is_given() -> None:
    server = FakeServer(answer(WRITTEN))
    documents = server.client().library("l").documents
    documents.put("a", metadata={})
    documents.put("a", metadata={})
    assert len(keys(server)) == 2
    documents.put("a", metadata={}, idempotency_key="mine")
    assert server.requests[-1].headers["Idempotency-Key"] == "mine"


def test_a_replayed_answer_is_told() -> None:
    server = FakeServer(answer(WRITTEN), answer(WRITTEN, idempotency_replayed="true"))
    documents = server.client().library("l").documents
    assert documents.put("a", metadata={}).replayed is False
    assert documents.put("a", metadata={}).replayed is True


@pytest.mark.parametrize(
    "reply",
    [
        problem(503, "embedding_unavailable"),
        problem(500, "outcome_unknown"),
        problem(500, "internal"),
        problem(409, "transaction_conflict"),
        problem(507, "out_of_space", retry_after="5"),
    ],
)
def test_what_repeating_does_not_help_is_not_repeated(reply: httpx.Response) -> None:
    server = FakeServer(reply)
    with pytest.raises(sextant.SextantError):
        server.client().library("l").documents.put("a", metadata={})
    assert len(server.requests) == 1
    assert server.slept == []


def test_retries_end() -> None:
    server = FakeServer(BUSY)
    with pytest.raises(sextant.UnavailableError) as raised:
        server.client(retries=2).status()
    assert raised.value.code == "backpressure"
    assert len(server.requests) == 3
    broken = FakeServer(httpx.ConnectError("refused"))
    with pytest.raises(sextant.ConnectionFailedError) as failed:
        broken.client(retries=0).status()
    assert failed.value.status is None
    assert isinstance(failed.value.__cause__, httpx.ConnectError)


def test_a_pause_longer_than_the_time_left_is_not_begun() -> None:
    server = FakeServer(problem(503, "unavailable", retry_after="3600"))
    with pytest.raises(sextant.UnavailableError):
        server.client().status()
    assert server.slept == []


def test_the_server_is_told_the_time_left() -> None:
    server = FakeServer(answer({"count": 1}))
    chunks = server.client(timeout=30).library("l").chunks
    chunks.count()
    chunks.count(timeout=2)
    chunks.count(timeout=5000)
    told = [int(request.headers["X-Deadline-Ms"]) for request in server.requests]
    assert 29_000 < told[0] <= 30_000
    assert 1_000 < told[1] <= 2_000
    assert told[2] == 600_000


def test_no_answer_in_time_is_a_deadline_exceeded() -> None:
    server = FakeServer(httpx.ReadTimeout("slow"))
    with pytest.raises(sextant.DeadlineExceededError):
        server.client().status()
    assert len(server.requests) == 1
