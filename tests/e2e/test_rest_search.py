"""Searches over REST: by vector and text, one and many, filters, options, and neighbours of a stored chunk."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from support.rest import Rest, assert_problem, base64_vector


def fill(rest: Rest, metric: str = "cosine", count: int = 50, dimension: int = 8) -> tuple[str, list[list[float]]]:
    """A library with `count` documents of one chunk; chunk n has the vector n, metadata {"n", "parity"} and a text."""
    numbers = random.Random(7)
    vectors = [[numbers.gauss(0, 1) for _ in range(dimension)] for _ in range(count)]
    library = rest.library(vectors={"embedding": {"metric": metric, "normalize": metric == "cosine"}})
    documents = [
        {
            "id": f"d{n:03}",
            "metadata": {"n": n},
            "chunks": [{"vector": vector, "text": f"number {n}", "metadata": {"parity": n % 2}}],
        }
        for n, vector in enumerate(vectors)
    ]
    rest.ok("POST", f"{library}/documents", {"documents": documents, "atomic": True})
    return library, vectors


def distance(metric: str, a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    if metric == "dot":
        return -dot
    if metric == "cosine":
        return 1 - dot / math.hypot(*a) / math.hypot(*b)
    return math.dist(a, b)


def score(metric: str, distance_: float) -> float:
    return {"cosine": 1 - distance_, "dot": -distance_, "l2": 1 / (1 + distance_)}[metric]


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_hits_are_the_nearest_of_all_with_distance_and_score_of_the_metric(rest: Rest, metric: str) -> None:
    library, vectors = fill(rest, metric)
    query = [0.3, -1, 2, 0.1, 0, 1, -0.5, 0.25]
    answer = rest.ok("POST", f"{library}/search", {"vector": query, "k": 7})
    assert answer["exact"] is True
    assert answer["commit"]
    expected = sorted(range(len(vectors)), key=lambda n: distance(metric, query, vectors[n]))[:7]
    assert [hit["document_id"] for hit in answer["hits"]] == [f"d{n:03}" for n in expected]
    for hit, n in zip(answer["hits"], expected, strict=True):
        assert hit["chunk_id"] == f"d{n:03}#0"
        assert hit["text"] == f"number {n}"
        assert hit["metadata"] == {"parity": n % 2}
        assert "vector" not in hit and "document" not in hit
        assert hit["distance"] == pytest.approx(distance(metric, query, vectors[n]), abs=1e-5)
        assert hit["score"] == pytest.approx(score(metric, hit["distance"]), abs=1e-6)


def test_vectors_as_numbers_base64_or_by_field_find_the_same(rest: Rest) -> None:
    library, vectors = fill(rest)
    as_float32 = [float(number) for number in vectors[3]]
    bodies: list[dict[str, Any]] = [
        {"vector": as_float32},
        {"vector": base64_vector(as_float32)},
        {"vectors": {"embedding": base64_vector(as_float32)}, "field": "embedding"},
    ]
    answers = [rest.ok("POST", f"{library}/search", body) for body in bodies]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["hits"][0]["document_id"] == "d003"


def test_k_hits_come_whenever_k_match(rest: Rest) -> None:
    library, vectors = fill(rest)
    for where, matching in (({"parity": 1}, 25), ({"n": {"$in": [3, 4, 49]}}, 3), ({"n": -1}, 0)):
        for k in (1, 10, 100):
            hits = rest.ok("POST", f"{library}/search", {"vector": vectors[0], "k": k, "where": where})["hits"]
            assert len(hits) == min(k, matching)
    document = {"vector": vectors[0], "k": 100, "where_document": {"$contains": "number 1"}}
    assert len(rest.ok("POST", f"{library}/search", document)["hits"]) == 11


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"n": 5}, {5}),
        ({"n": {"$ne": 5}}, set(range(10)) - {5}),
        ({"n": {"$gt": 2, "$lte": 4}}, {3, 4}),
        ({"$or": [{"n": {"$lt": 1}}, {"tags": {"$contains": "b"}}]}, {0, 1, 2}),
        ({"$and": [{"n": {"$gte": 1}}, {"$not": {"n": {"$gte": 3}}}]}, {1, 2}),
        ({"deep.name": {"$regex": "^x[12]$"}}, {1, 2}),
        ({"deep.missing": {"$exists": True}}, set()),
        ({"tags": {"$exists": False}}, set(range(3, 10))),
        ({"tags": {"$nin": ["a"]}}, set(range(10))),
        ({"tags": {"$not_contains": "a"}}, set(range(3, 10))),
        ({"n": {"$in": [1, "2", 3.0]}}, {1, 3}),
        ({"n": {"$gt": "1"}}, set()),
        ({}, set(range(10))),
    ],
)
def test_filters_select_as_specified(rest: Rest, where: dict[str, Any], expected: set[int]) -> None:
    library = rest.library()
    documents = [
        {
            "id": str(n),
            "metadata": {"n": n, "deep": {"name": f"x{n}"}, **({"tags": ["a", "b"]} if n < 3 else {})},
            "chunks": [{"vector": [1, n]}],
        }
        for n in range(10)
    ]
    rest.ok("POST", f"{library}/documents", {"documents": documents})
    hits = rest.ok("POST", f"{library}/search", {"vector": [1, 1], "k": 20, "where": where})["hits"]
    assert {int(hit["document_id"]) for hit in hits} == expected


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"where": {"a": {"$like": 1}}}, "where.a.$like"),
        ({"where": {"$xor": []}}, "where.$xor"),
        ({"where": {"a": {"$regex": "("}}}, "where.a.$regex"),
        ({"where": []}, "where"),
        ({"where_document": {"a": 1}}, "where_document.a"),
        ({"where_document": {"$contains": 1}}, "where_document.$contains"),
    ],
)
def test_a_malformed_filter_is_refused_by_its_path(rest: Rest, filters: dict[str, Any], field: str) -> None:
    library, vectors = fill(rest, count=1)
    response = rest.post(f"{library}/search", {"vector": vectors[0], **filters})
    assert_problem(response, 422, "invalid_argument", field)


def test_a_filter_nested_too_deeply_is_refused(rest: Rest) -> None:
    library, vectors = fill(rest, count=1)
    where: dict[str, Any] = {"a": 1}
    for _ in range(40):
        where = {"$not": where}
    assert_problem(rest.post(f"{library}/search", {"vector": vectors[0], "where": where}), 422, "limit_exceeded")


def test_a_hit_shows_what_is_included(rest: Rest) -> None:
    library, vectors = fill(rest)
    body = {"vector": vectors[0], "k": 1, "include": ["vector", "document"]}
    hit = rest.ok("POST", f"{library}/search", body)["hits"][0]
    assert set(hit) == {"chunk_id", "document_id", "score", "distance", "vector", "norm", "document"}
    assert hit["norm"] == pytest.approx(math.hypot(*vectors[0]))
    assert [x * hit["norm"] for x in hit["vector"]] == pytest.approx(vectors[0], abs=1e-5)
    document = rest.ok("GET", f"{library}/documents/d000")
    assert hit["document"] == {"id": "d000", "version": document["version"], "metadata": {"n": 0}}
    assert_problem(rest.post(f"{library}/search", {**body, "include": ["colour"]}), 422, "invalid_argument")


def test_options_narrow_and_explain_a_search(rest: Rest) -> None:
    library, vectors = fill(rest)
    all_hits = rest.ok("POST", f"{library}/search", {"vector": vectors[0], "k": 50})["hits"]
    least = all_hits[4]["score"]
    body = {"vector": vectors[0], "k": 50, "min_score": least, "exact": True, "explain": True, "timeout_ms": 60_000}
    answer = rest.ok("POST", f"{library}/search", body)
    assert answer["hits"] == all_hits[:5]
    explain = answer["explain"]
    assert (explain["plan"], explain["rows"], explain["matches"]) == ("exact_scan", 50, 50)
    assert explain["distances"] == 50
    assert rest.ok("POST", f"{library}/search", {"vector": vectors[0], "target_recall": 0.5})["exact"] is True
    for recall in (0, 1.5):
        response = rest.post(f"{library}/search", {"vector": vectors[0], "target_recall": recall})
        assert_problem(response, 422, "invalid_argument", "target_recall")
    stale = {"vector": vectors[0], "consistency": "stale_ok"}
    assert len(rest.ok("POST", f"{library}/search", stale)["hits"]) == 10


def test_several_queries_answer_like_each_alone(rest: Rest) -> None:
    library, vectors = fill(rest)
    queries = [{"vector": vectors[1], "k": 2}, {"vector": vectors[2], "k": 3, "where": {"parity": 1}, "explain": True}]
    answer = rest.ok("POST", f"{library}/search", {"queries": queries})
    assert answer["commit"]
    for result, query in zip(answer["results"], queries, strict=True):
        alone = rest.ok("POST", f"{library}/search", query)
        assert result["hits"] == alone["hits"]
        assert ("explain" in result) == ("explain" in query)
    mixed = {"queries": queries, "k": 3}
    assert_problem(rest.post(f"{library}/search", mixed), 422, "invalid_argument", "queries")
    second = {"queries": [queries[0], {"vector": [1.0]}]}
    assert_problem(rest.post(f"{library}/search", second), 422, "embedding_contract_violation", "queries[1].vector")
    assert_problem(rest.post(f"{library}/search", {"queries": []}), 422, "invalid_argument", "queries")
    many = {"queries": [{"vector": vectors[0]}] * 1001}
    assert_problem(rest.post(f"{library}/search", many), 422, "limit_exceeded", "queries")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "invalid_argument", "vector"),
        ({"vector": [1.0] * 8, "text": "x"}, "invalid_argument", "text"),
        ({"vector": []}, "invalid_argument", "vector"),
        ({"vector": "no base64!"}, "invalid_argument", "vector"),
        ({"vector": "AAA="}, "invalid_argument", "vector"),
        ({"vector": [1, "2"]}, "invalid_argument", "vector[1]"),
        ({"vector": [0.0] * 8}, "invalid_vector", "vector"),
        ({"vector": base64_vector([float("nan")] * 8)}, "invalid_vector", None),
        ({"vector": [1.0] * 7}, "embedding_contract_violation", "vector"),
        ({"vector": [1.0] * 8193}, "limit_exceeded", "vector"),
        ({"vector": [1.0] * 8, "k": 0}, "invalid_argument", "k"),
        ({"vector": [1.0] * 8, "k": 10_001}, "limit_exceeded", "k"),
        ({"vector": [1.0] * 8, "k": 1.5}, "invalid_argument", "k"),
        ({"vector": [1.0] * 8, "field": "title"}, "not_supported_yet", "field"),
        ({"vector": [1.0] * 8, "timeout_ms": 600_001}, "invalid_argument", "timeout_ms"),
        ({"vector": [1.0] * 8, "ef": 10}, "invalid_argument", "ef"),
        ({"vector": [1.0] * 8, "priority": 1}, "not_supported_yet", "priority"),
        ({"vector": [1.0] * 8, "consistency": "weak"}, "invalid_argument", "consistency"),
    ],
)
def test_a_wrong_search_is_refused_by_its_field(rest: Rest, body: dict[str, Any], code: str, field: str | None) -> None:
    library, _ = fill(rest, count=2)
    assert_problem(rest.post(f"{library}/search", body), 422, code, field)


def test_an_empty_library_finds_nothing(rest: Rest, library: str) -> None:
    assert rest.ok("POST", f"{library}/search", {"vector": [1, 2]})["hits"] == []
    assert rest.ok("POST", f"{library}/search", {"text": "anything"})["hits"] == []


def test_similar_answers_the_neighbours_without_the_chunk_itself(rest: Rest) -> None:
    library, vectors = fill(rest)
    answer = rest.ok("POST", f"{library}/similar", {"chunk_id": "d010#0", "k": 3, "explain": True})
    by_vector = rest.ok("POST", f"{library}/search", {"vector": vectors[10], "k": 4})["hits"]
    assert by_vector[0]["chunk_id"] == "d010#0"
    assert [hit["chunk_id"] for hit in answer["hits"]] == [hit["chunk_id"] for hit in by_vector[1:]]
    assert answer["exact"] is True
    assert "explain" in answer
    filtered = {"chunk_id": "d010#0", "where": {"parity": 1}, "include": [], "min_score": -1}
    hits = rest.ok("POST", f"{library}/similar", filtered)["hits"]
    assert len(hits) == 10
    assert all(int(hit["document_id"][1:]) % 2 == 1 and "text" not in hit for hit in hits)
    assert_problem(rest.post(f"{library}/similar", {"chunk_id": "none"}), 404, "chunk_not_found")
    assert_problem(rest.post(f"{library}/similar", {}), 422, "invalid_argument", "chunk_id")
    both = {"chunk_id": "d010#0", "vector": vectors[0]}
    assert_problem(rest.post(f"{library}/similar", both), 422, "invalid_argument", "vector")
    assert_problem(rest.post(f"{library}/similar", {"chunk_id": "d010#0", "k": 10_001}), 422, "limit_exceeded", "k")


def test_after_takes_commit_tokens_and_refuses_what_is_none(rest: Rest, library: str) -> None:
    first = rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"vector": [1, 2]}]}, status=201)["commit"]
    second = rest.ok("PUT", f"{library}/documents/b", {"chunks": [{"vector": [2, 1]}]}, status=201)["commit"]
    for after in (first, [first, second], []):
        body = {"vector": [1, 1], "after": after}
        assert len(rest.ok("POST", f"{library}/search", body)["hits"]) == 2
    assert rest.ok("GET", f"{library}/documents/b", params={"after": second})["id"] == "b"
    assert rest.ok("GET", f"{library}/chunks/b%230", params={"after": second})["id"] == "b#0"
    assert rest.ok("POST", f"{library}/chunks:count", {"after": [second]})["count"] == 2
    assert_problem(rest.post(f"{library}/search", {"vector": [1, 1], "after": "x"}), 422, "invalid_argument", "after")
    prefix, sequence = second.rsplit("-", 1)
    future = f"{prefix}-{int(sequence, 16) + 1_000_000:x}"
    assert_problem(
        rest.post(f"{library}/search", {"vector": [1, 1], "after": future}), 409, "commit_not_visible", "after"
    )
