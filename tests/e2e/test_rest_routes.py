"""Every route of the OpenAPI document is there, names what it lacks, and refuses fields it does not know."""

from __future__ import annotations

from typing import Any

import pytest
from support.rest import Rest, assert_problem

# The least body of each route that takes one, by operation id.
BODIES: dict[str, dict[str, Any]] = {
    "create_library": {"name": "routes.new"},
    "update_library": {},
    "write_documents": {"documents": []},
    "put_document": {},
    "patch_document": {"metadata": {}},
    "put_chunk": {"vector": [1, 2]},
    "patch_chunk": {"metadata": {}},
    "get_chunks": {},
    "count_chunks": {},
    "patch_chunks": {"where": {}, "metadata": {}},
    "delete_chunks": {"where": {}},
    "search": {"vector": [1, 2]},
    "similar": {"chunk_id": "none"},
    "transact": {"operations": []},
}
NO_LIBRARY = "routes.absent"


@pytest.fixture(scope="module")
def operations(rest: Rest) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of every route, as the server describes them."""
    document = rest.ok("GET", "/openapi.json")
    assert document["openapi"].startswith("3.1")
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def is_built(operation: dict[str, Any]) -> bool:
    return "not supported yet" not in operation["tags"]


def concrete(path: str) -> str:
    return path.replace("{library}", NO_LIBRARY).replace("{id}", "none")


def test_the_routes_are_those_of_the_design(operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    library, backups = "/v1/libraries/{library}", "/v1/backups"
    expected = {
        *((method, "/v1/libraries") for method in ("POST", "GET")),
        *((method, library) for method in ("GET", "PATCH", "DELETE")),
        *((method, f"{library}/documents") for method in ("POST", "GET")),
        *((method, f"{library}/documents/{{id}}") for method in ("GET", "PUT", "PATCH", "DELETE")),
        *((method, f"{library}/chunks/{{id}}") for method in ("GET", "PUT", "PATCH", "DELETE")),
        *(("POST", f"{library}/chunks:{verb}") for verb in ("get", "count", "patch", "delete")),
        *(("POST", f"{library}/{verb}") for verb in ("search", "similar", "index:rebuild")),
        *((method, f"{library}/index") for method in ("GET", "PUT")),
        ("POST", "/v1/transactions"),
        ("GET", "/v1/status"),
        *(("GET", f"/{path}") for path in ("health/live", "health/ready", "health", "metrics", "openapi.json", "docs")),
        *((method, backups) for method in ("POST", "GET")),
        *((method, f"{backups}/{{id}}") for method in ("GET", "DELETE")),
        *(("POST", f"{backups}/{{id}}:{verb}") for verb in ("verify", "restore")),
        ("GET", "/v1/migrations"),
        *(("POST", f"/v1/migrations:{verb}") for verb in ("apply", "rollback")),
        *((method, f"/v1/{what}") for what in ("users", "keys") for method in ("POST", "GET", "DELETE")),
        ("GET", "/v1/audit"),
        ("GET", "/v1/jobs"),
        *((method, "/v1/jobs/{id}") for method in ("GET", "DELETE")),
    }
    assert {(method, path) for method, path, _ in operations} == expected


def test_every_route_of_a_library_says_when_there_is_none(
    rest: Rest, operations: list[tuple[str, str, dict[str, Any]]]
) -> None:
    tried = 0
    for method, path, operation in operations:
        if "{library}" not in path or not is_built(operation):
            continue
        body = BODIES[operation["operationId"]] if "requestBody" in operation else None
        if operation["operationId"] == "write_documents":
            body = {"documents": [{}]}
        arguments = {} if body is None else {"json": body}
        problem = assert_problem(rest.request(method, concrete(path), **arguments), 404, "library_not_found")
        assert NO_LIBRARY in problem["detail"]
        tried += 1
    assert tried == 19


def test_every_body_refuses_a_field_it_does_not_know(
    rest: Rest, operations: list[tuple[str, str, dict[str, Any]]], library: str
) -> None:
    taking_bodies = [(m, p, o) for m, p, o in operations if "requestBody" in o]
    assert {operation["operationId"] for _, _, operation in taking_bodies} == set(BODIES)
    for method, path, operation in taking_bodies:
        body = {**BODIES[operation["operationId"]], "surprise": 1}
        target = path.replace("/v1/libraries/{library}", library).replace("{id}", "none")
        problem = assert_problem(rest.request(method, target, json=body), 422, "invalid_argument", "surprise")
        assert "unknown" in problem["detail"]


def test_every_route_refuses_a_query_parameter_it_does_not_know(
    rest: Rest, operations: list[tuple[str, str, dict[str, Any]]], library: str
) -> None:
    for method, path, operation in operations:
        if not is_built(operation) or "requestBody" in operation:
            continue
        target = path.replace("/v1/libraries/{library}", library).replace("{id}", "none")
        response = rest.request(method, f"{target}?surprise=1")
        assert_problem(response, 422, "invalid_argument", "surprise")


def test_a_route_that_is_not_built_says_so(rest: Rest, operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    unbuilt = [(method, path) for method, path, operation in operations if not is_built(operation)]
    assert len(unbuilt) == 22
    for method, path in unbuilt:
        assert_problem(rest.request(method, concrete(path)), 422, "not_supported_yet", detail=path)
        assert_problem(rest.request(method, concrete(path), json={"any": 1}), 422, "not_supported_yet")


def test_every_answer_and_problem_is_described(operations: list[tuple[str, str, dict[str, Any]]]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))
    for method, path, operation in operations:
        assert operation["summary"], path
        assert {"4XX", "5XX"} <= set(operation["responses"]), path
        parameters = {(p["name"], p["in"]) for p in operation.get("parameters", [])}
        writes = method != "GET" and operation["operationId"] not in (
            "search", "similar", "get_chunks", "count_chunks",
        )  # fmt: skip
        if is_built(operation) and path.startswith("/v1/"):
            assert (("Idempotency-Key", "header") in parameters) == writes, path
            assert ("X-Deadline-Ms", "header") in parameters, path
