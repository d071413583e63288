"""Transactions over REST: all or nothing, across libraries."""

from __future__ import annotations

from typing import Any

import pytest
from support.rest import Rest, assert_problem


@pytest.fixture
def two(rest: Rest) -> tuple[str, str]:
    """Names of two libraries: the first holds documents a and b of one chunk each, the second nothing."""
    first, second = rest.library(), rest.library()
    documents = [{"id": id, "chunks": [{"vector": [1, 2], "metadata": {"x": 1}}]} for id in "ab"]
    rest.ok("POST", f"{first}/documents", {"documents": documents})
    return first.removeprefix("/v1/libraries/"), second.removeprefix("/v1/libraries/")


def counts(rest: Rest, *names: str) -> list[int]:
    return [rest.ok("GET", f"/v1/libraries/{name}")["documents"] for name in names]


def test_operations_on_several_libraries_happen_together(rest: Rest, two: tuple[str, str]) -> None:
    first, second = two
    operations: list[dict[str, Any]] = [
        {"library": first, "delete_documents": ["a"]},
        {"library": second, "upsert_documents": [{"id": "a", "chunks": [{"vector": [5, 6, 7]}]}, {"id": "c"}]},
        {"library": first, "patch_chunks": [{"id": "b#0", "metadata": {"x": 2}}]},
    ]
    answer = rest.ok("POST", "/v1/transactions", {"operations": operations, "durability": "fsync"})
    told = [(result["library"], result["id"], result["effect"]) for result in answer["results"]]
    assert told == [
        (first, "a", "deleted"),
        (second, "a", "created"),
        (second, "c", "created"),
        (first, "b#0", "patched"),
    ]
    versions = {result["version"] for result in answer["results"] if "version" in result}
    assert len(versions) == 1
    assert answer["commit"].endswith(f"-{versions.pop():x}")
    assert counts(rest, first, second) == [1, 2]
    assert rest.ok("GET", f"/v1/libraries/{first}/chunks/b%230")["metadata"] == {"x": 2}
    assert_problem(rest.get(f"/v1/libraries/{first}/documents/a"), 404, "document_not_found")


@pytest.mark.parametrize(
    ("last", "status", "code"),
    [
        ({"delete_documents": ["none"]}, 404, "document_not_found"),
        ({"delete_documents": [{"id": "a", "if_match": "ffffff"}]}, 412, "precondition_failed"),
        ({"upsert_documents": [{"id": "a", "if_match": "ffffff"}]}, 412, "precondition_failed"),
        ({"upsert_documents": [{"id": "a"}], "on_conflict": "error"}, 409, "document_exists"),
        ({"upsert_documents": [{"id": "z", "chunks": [{"id": "b#0", "vector": [1, 1]}]}]}, 409, "chunk_id_taken"),
        ({"upsert_documents": [{"id": "z", "chunks": [{"vector": [1]}]}]}, 422, "embedding_contract_violation"),
        ({"patch_chunks": [{"id": "none", "metadata": {}}]}, 404, "chunk_not_found"),
    ],
)
def test_one_failure_undoes_all_and_is_named(
    rest: Rest, two: tuple[str, str], last: dict[str, Any], status: int, code: str
) -> None:
    first, second = two
    operations = [
        {"library": second, "upsert_documents": [{"id": "new", "chunks": [{"vector": [1, 2]}]}]},
        {"library": first, "upsert_documents": [{"id": "other", "chunks": [{"vector": [2, 1]}]}]},
        {"library": first, **last},
    ]
    problem = assert_problem(rest.post("/v1/transactions", {"operations": operations}), status, code)
    assert problem["field"].startswith("operations[2]."), problem
    assert counts(rest, first, second) == [2, 0]
    assert rest.ok("GET", f"/v1/libraries/{second}")["vectors"]["embedding"]["established"] is False


def test_operations_see_those_before_them(rest: Rest, two: tuple[str, str]) -> None:
    first, _ = two
    operations = [
        {"library": first, "upsert_documents": [{"id": "n", "chunks": [{"id": "n1", "vector": [1, 1]}]}]},
        {"library": first, "patch_chunks": [{"id": "n1", "metadata": {"late": True}}]},
        {"library": first, "delete_documents": ["a"]},
        {"library": first, "upsert_documents": [{"id": "a", "chunks": [{"id": "a#0", "vector": [9, 9]}]}]},
    ]
    rest.ok("POST", "/v1/transactions", {"operations": operations})
    assert rest.ok("GET", f"/v1/libraries/{first}/chunks/n1")["metadata"] == {"late": True}
    assert rest.ok("GET", f"/v1/libraries/{first}/chunks/a%230")["metadata"] == {}


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ({}, "operations[0]"),
        ({"upsert_documents": [], "delete_documents": []}, "operations[0]"),
        ({"delete_documents": [], "on_conflict": "ignore"}, "operations[0]"),
        ({"drop": True}, "operations[0].drop"),
        ({"delete_documents": [7]}, "operations[0].delete_documents[0]"),
        ({"delete_documents": [{"if_match": "*"}]}, "operations[0].delete_documents[0].id"),
        ({"patch_chunks": [{"metadata": {}}]}, "operations[0].patch_chunks[0].id"),
        ({"upsert_documents": [{"id": ""}]}, None),
    ],
)
def test_a_wrong_operation_is_refused_by_its_field(
    rest: Rest, name: str, operation: dict[str, Any], field: str | None
) -> None:
    body = {"operations": [{"library": name, **operation}]}
    response = rest.post("/v1/transactions", body)
    if field is None:
        assert response.status_code in (200, 422)  # an empty id is one that is not given
    else:
        assert_problem(response, 422, "invalid_argument", field)


def test_a_library_must_be_named_and_exist(rest: Rest) -> None:
    unnamed = {"operations": [{"delete_documents": ["a"]}]}
    assert_problem(rest.post("/v1/transactions", unnamed), 422, "invalid_argument", "operations[0].library")
    absent = {"operations": [{"library": "no.library", "delete_documents": ["a"]}]}
    assert_problem(rest.post("/v1/transactions", absent), 404, "library_not_found")


def test_nothing_to_do_commits_nothing(rest: Rest) -> None:
    before = rest.ok("GET", "/v1/status")["sequence"]
    assert rest.ok("POST", "/v1/transactions", {"operations": []})["results"] == []
    assert rest.ok("GET", "/v1/status")["sequence"] == before
