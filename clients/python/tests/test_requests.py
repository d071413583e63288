"""What goes over the wire, and what comes back as which error."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import numpy
import pytest
import sextant
from fake_server import FakeServer, answer, problem

HITS = {"hits": [], "exact": True, "commit": "c-1"}


def committed(*ids: str, first: int = 1) -> httpx.Response:
    results = [
        {"id": id, "status": "committed", "effect": "created", "version": first + n, "etag": f"{first + n:x}"}
        for n, id in enumerate(ids)
    ]
    return answer({"results": results, "committed": len(ids), "commit": f"c-{first + len(ids) - 1}"})


@pytest.mark.parametrize(
    "vector",
    [
        [1, -2.5, 3],
        (1, -2.5, 3),
        numpy.array([1, -2.5, 3]),
        numpy.array([1, -2.5, 3], dtype=">f4"),
        numpy.array([[1, 0], [-2.5, 0], [3, 0]])[:, 0],
        [numpy.float32(1), numpy.float64(-2.5), numpy.int8(3)],
    ],
)
def test_any_vector_goes_as_base64_of_little_endian_float32(vector: Any) -> None:
    server = FakeServer(answer(HITS))
    server.client().library("l").search(vector=vector)
    assert struct.unpack("<3f", base64.b64decode(server.bodies[0]["vector"])) == (1, -2.5, 3)


@pytest.mark.parametrize(
    "vector", [[], [1e39], numpy.zeros((2, 2)), numpy.array([]), numpy.array([1e39]), numpy.array(1)]
)
def test_what_is_no_vector_is_refused_here(vector: Any) -> None:
    server = FakeServer(answer(HITS))
    with pytest.raises(ValueError, match="vector"):
        server.client().library("l").search(vector=vector)
    assert server.requests == []


def test_vectors_in_documents_transactions_and_queries_are_encoded() -> None:
    server = FakeServer(committed("a"), answer({"results": [], "commit": None}), answer({"results": [], "commit": "c"}))
    client = server.client()
    document: sextant.DocumentInput = {"id": "a", "chunks": [{"vector": [1.0]}, {"text": "x"}]}
    client.library("l").documents.upsert([document])
    client.transaction().upsert("l", [document]).patch_chunks("l", [{"id": "a#0", "vector": [1.0]}]).commit()
    client.library("l").search_many([{"vector": [1.0], "k": 2}])
    encoded = base64.b64encode(struct.pack("<f", 1)).decode()
    assert server.bodies[0]["documents"][0]["chunks"] == [{"vector": encoded}, {"text": "x"}]
    assert server.bodies[1]["operations"][1]["patch_chunks"][0]["vector"] == encoded
    assert server.bodies[2]["queries"] == [{"vector": encoded, "k": 2}]
    assert document["chunks"][0]["vector"] == [1.0]


def test_documents_go_in_batches_each_with_its_key() -> None:
    server = FakeServer(committed("0", "1"), committed("2", "3", first=3), committed("4", first=5))
    upserted = (
        server.client()
        .library("l")
        .documents.upsert(({"id": str(n)} for n in range(5)), batch_size=2, idempotency_key="load")
    )
    assert [[document["id"] for document in body["documents"]] for body in server.bodies] == [
        ["0", "1"],
        ["2", "3"],
        ["4"],
    ]
    assert [request.headers["Idempotency-Key"] for request in server.requests] == ["load.0", "load.1", "load.2"]
    assert upserted.ids == ("0", "1", "2", "3", "4")
    assert upserted.commit == "c-5"


def test_large_documents_make_small_batches_and_atomic_ones_one() -> None:
    large: list[sextant.DocumentInput] = [{"id": str(n), "text": "x" * 3_000_000} for n in range(3)]
    server = FakeServer(committed("0"), committed("1"), committed("2"))
    server.client().library("l").documents.upsert(large)
    assert len(server.requests) == 3
    server = FakeServer(committed("0", "1", "2"))
    server.client().library("l").documents.upsert(large, atomic=True, batch_size=1)
    assert [body["atomic"] for body in server.bodies] == [True]


def test_no_documents_are_no_request() -> None:
    server = FakeServer(committed())
    assert server.client().library("l").documents.upsert([]) == sextant.Upserted((), None)
    assert server.requests == []


def test_a_failed_document_is_named_among_all_and_what_was_committed_is_told() -> None:
    failed = {
        "results": [
            {"id": "2", "status": "committed", "effect": "created", "version": 3, "etag": "3"},
            {"id": "3", "status": "failed", "error": {"code": "invalid_vector", "status": 422, "detail": "is zero",
                                                       "field": "documents[1].chunks[0].vector"}},
        ],
        "committed": 1,
        "commit": "c-3",
    }  # fmt: skip
    server = FakeServer(committed("0", "1"), answer(failed))
    with pytest.raises(sextant.InvalidVectorError) as raised:
        server.client().library("l").documents.upsert([{"id": str(n)} for n in range(9)], batch_size=2)
    assert raised.value.field == "documents[3].chunks[0].vector"
    assert [(r.id, r.status) for r in raised.value.results] == [
        ("0", "committed"), ("1", "committed"), ("2", "committed"), ("3", "failed"),
    ]  # fmt: skip
    assert len(server.requests) == 2


def test_a_batch_of_which_nothing_was_committed_is_told_like_one_of_which_some_was() -> None:
    results = [{"id": "2", "status": "failed", "error": {"code": "document_exists", "status": 409, "detail": "is"}},
               {"id": "3", "status": "not_attempted"}]  # fmt: skip
    refused = problem(409, "document_exists", field="documents[0].id", results=results)
    server = FakeServer(committed("0", "1"), refused)
    with pytest.raises(sextant.DocumentExistsError) as raised:
        server.client().library("l").documents.upsert([{"id": str(n)} for n in range(4)], batch_size=2)
    assert raised.value.field == "documents[2].id"
    assert [r.status for r in raised.value.results] == ["committed", "committed", "failed", "not_attempted"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (problem(404, "library_not_found"), sextant.LibraryNotFoundError),
        (problem(404, "route_not_found"), sextant.NotFoundError),
        (problem(409, "chunk_id_taken"), sextant.ConflictError),
        (problem(412, "precondition_failed"), sextant.PreconditionFailedError),
        (problem(422, "embedding_contract_violation"), sextant.EmbeddingContractError),
        (problem(413, "payload_too_large"), sextant.LimitExceededError),
        (problem(401, "unauthenticated"), sextant.AuthenticationError),
        (problem(504, "deadline_exceeded"), sextant.DeadlineExceededError),
        (problem(500, "outcome_unknown"), sextant.OutcomeUnknownError),
        (problem(422, "of_a_newer_server"), sextant.InvalidArgumentError),
        (problem(418, "of_a_newer_server"), sextant.SextantError),
        (httpx.Response(502, text="<h1>Bad gateway</h1>"), sextant.ServerError),
        (httpx.Response(404, text="nginx"), sextant.NotFoundError),
        (httpx.Response(200, text="<h1>Welcome</h1>"), sextant.SextantError),
    ],
)
def test_an_answer_becomes_the_error_of_its_code(reply: httpx.Response, kind: type[sextant.SextantError]) -> None:
    server = FakeServer(reply)
    with pytest.raises(sextant.SextantError) as raised:
        server.client().status()
    assert type(raised.value) is kind
    assert raised.value.status == reply.status_code


def test_an_error_says_all_it_knows() -> None:
    server = FakeServer(problem(422, "invalid_argument", field="k"))
    with pytest.raises(sextant.InvalidArgumentError) as raised:
        server.client().library("l").search(text="x", k=0)
    error = raised.value
    assert (error.code, error.status, error.field, error.detail) == ("invalid_argument", 422, "k", "why")
    assert error.trace_id == "0" * 31 + "1"
    assert str(error) == f"why (invalid_argument, field k, trace {error.trace_id})"


def test_ids_of_any_text_go_into_the_path() -> None:
    document = {"id": "", "version": 1, "etag": "1", "metadata": {}, "created": "2026-01-02T03:04:05.678Z",
                "updated": "2026-01-02T03:04:05.678Z", "chunk_ids": []}  # fmt: skip
    server = FakeServer(answer(document))
    documents = server.client().library("ns.l").documents
    for id, raw in (("a/b", "a%2Fb"), ("..", "%2E%2E"), ("ü?#%", "%C3%BC%3F%23%25"), ("a#0", "a%230")):
        documents.get(id)
        assert server.requests[-1].url.raw_path == f"/v1/libraries/ns.l/documents/{raw}".encode()
    with pytest.raises(ValueError, match="empty"):
        documents.get("")


def test_commits_are_remembered_only_when_asked() -> None:
    for remember in (False, True):
        server = FakeServer(committed("a"), answer({"count": 1}), answer(HITS))
        client = server.client(remember_commits=remember)
        library = client.library("l")
        library.documents.upsert([{"id": "a"}])
        assert client.last_commit == ("c-1" if remember else None)
        library.chunks.count()
        library.search(text="x", after=["other"])
        assert server.bodies[1].get("after") == ("c-1" if remember else None)
        assert server.bodies[2]["after"] == ["other"]


def test_the_key_and_the_version_are_sent() -> None:
    server = FakeServer(answer({"version": "0.1.0"}))
    server.client(api_key="secret").status()
    assert server.requests[0].headers["Authorization"] == "Bearer secret"
    assert server.requests[0].headers["User-Agent"] == f"sextant-python/{sextant.__version__}"
    FakeServer(answer({})).client().status()


def test_conditions_are_headers_with_quotes() -> None:
    server = FakeServer(answer({"id": "a", "effect": "patched", "version": 2, "etag": "2", "commit": "c"}))
    documents = server.client().library("l").documents
    documents.patch("a", {}, if_match="1f")
    documents.patch("a", {}, if_match="*")
    documents.put("a", metadata={}, create_only=True)
    assert [request.headers.get("If-Match") for request in server.requests] == ['"1f"', "*", None]
    assert server.requests[2].headers["If-None-Match"] == "*"


def test_a_selection_of_everything_must_be_said() -> None:
    server = FakeServer(answer({"deleted": 0, "patched": 0, "commit": None}))
    chunks = server.client().library("l").chunks
    with pytest.raises(ValueError, match="where"):
        chunks.delete_many()
    with pytest.raises(ValueError, match="where"):
        chunks.patch_many({"a": 1})
    chunks.delete_many(where={})
    assert server.bodies == [{"where": {}}]


def test_metadata_that_json_cannot_say_is_refused_here() -> None:
    server = FakeServer(committed("a"))
    with pytest.raises(ValueError, match="JSON"):
        server.client().library("l").documents.upsert([{"id": "a", "metadata": {"x": float("nan")}}])
    assert server.requests == []
