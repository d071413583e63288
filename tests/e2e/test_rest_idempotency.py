"""Idempotency keys: a repeat gets the first answer and has no second effect, on every route that writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from support.rest import Rest, assert_problem
from support.server_process import ServerProcess

REPLAYED = "Idempotency-Replayed"

DOCUMENT = {"chunks": [{"vector": [1, 2]}, {"vector": [2, 1]}]}
ANY_VERSION = {"If-Match": "*"}

# name -> method, path behind the library, body, further headers; the library holds document "old" of two chunks.
WRITES: dict[str, tuple[str, str, Any, dict[str, str]]] = {
    "write_documents": ("POST", "/documents", {"documents": [{"id": "new", **DOCUMENT}, DOCUMENT]}, {}),
    "write_documents_atomic": ("POST", "/documents", {"documents": [{"id": "new", **DOCUMENT}], "atomic": True}, {}),
    "put_document": ("PUT", "/documents/new", DOCUMENT, {}),
    "create_document": ("PUT", "/documents/new", DOCUMENT, {"If-None-Match": "*"}),
    "replace_document": ("PUT", "/documents/old", DOCUMENT, ANY_VERSION),
    "patch_document": ("PATCH", "/documents/old", {"metadata": {"a": 1}}, {}),
    "delete_document": ("DELETE", "/documents/old", None, {}),
    "delete_document_any_version": ("DELETE", "/documents/old", None, ANY_VERSION),
    "put_chunk": ("PUT", "/chunks/new", {"document_id": "old", "vector": [3, 4]}, {}),
    "patch_chunk": ("PATCH", "/chunks/old%230", {"metadata": {"a": 1}}, {}),
    "delete_chunk": ("DELETE", "/chunks/old%230", None, {}),
    "delete_chunk_any_version": ("DELETE", "/chunks/old%230", None, ANY_VERSION),
    "patch_chunks": ("POST", "/chunks:patch", {"where": {}, "metadata": {"a": 1}}, {}),
    "delete_chunks": ("POST", "/chunks:delete", {"where": {}}, {}),
    "update_library": ("PATCH", "", {"metadata": {"a": 1}}, {}),
    "drop_library": ("DELETE", "", None, {}),
}


def send(rest: Rest, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
    arguments = {} if body is None else {"json": body}
    return rest.request(method, path, headers=headers, **arguments)


@pytest.mark.parametrize("write", WRITES)
def test_a_repeat_gets_the_first_answer_and_has_no_second_effect(rest: Rest, library: str, write: str) -> None:
    method, path, body, more = WRITES[write]
    rest.ok("PUT", f"{library}/documents/old", DOCUMENT, status=201)
    headers = {"Idempotency-Key": f"key-{write}-{library}", **more}
    first = send(rest, method, library + path, body, headers)
    assert first.is_success, first.text
    assert REPLAYED not in first.headers
    sequence = rest.ok("GET", "/v1/status")["sequence"]
    repeat = send(rest, method, library + path, body, headers)
    assert (repeat.status_code, repeat.json()) == (first.status_code, first.json())
    assert repeat.headers[REPLAYED] == "true"
    assert repeat.headers.get("etag") == first.headers.get("etag")
    assert rest.ok("GET", "/v1/status")["sequence"] == sequence


def test_a_repeat_of_a_creation_and_of_a_transaction(rest: Rest, name: str) -> None:
    operations = [
        {"library": name, "upsert_documents": [{"id": "a"}, {}]},
        {"library": name, "delete_documents": ["a"]},
    ]
    for path, body in (("/v1/libraries", {"name": name + "-2"}), ("/v1/transactions", {"operations": operations})):
        headers = {"Idempotency-Key": f"{name}-{path}"}
        first, repeat = (rest.post(path, body, headers=headers) for _ in range(2))
        assert first.is_success, first.text
        assert (repeat.status_code, repeat.json()) == (first.status_code, first.json())
        assert repeat.headers[REPLAYED] == "true"


TEXT = {"text": "# Trees\n\nAn oak stands in the park.\n\n# Birds\n\nA jay sits in the oak."}

# name -> method, path behind the library (or whole), body or lines; {name} is the library's.
TEXT_WRITES: dict[str, tuple[str, str, Any]] = {
    "write_documents": ("POST", "/documents", {"documents": [{"id": "a", **TEXT}, {"id": "b", **TEXT}]}),
    "put_document": ("PUT", "/documents/a", TEXT),
    "transact": (
        "POST",
        "/v1/transactions",
        {
            "operations": [
                {"library": "{name}", "upsert_documents": [{"id": "a", **TEXT}, {"id": "b", **TEXT}]},
                {"library": "{name}", "delete_documents": ["a"]},
            ]
        },
    ),
    "bulk_upload": ("POST", "/documents", [{"id": "a", **TEXT}, {"id": "b"}, {"id": "c", **TEXT}]),
}


@pytest.mark.parametrize("write", TEXT_WRITES)
def test_a_repeat_gets_the_first_answer_when_its_text_can_no_longer_be_cut(
    rest: Rest, library: str, name: str, write: str
) -> None:
    method, place, body = TEXT_WRITES[write]
    path = place if place.startswith("/v1") else library + place
    headers = {"Idempotency-Key": f"key-text-{write}-{name}"}
    if write == "bulk_upload":
        headers["Content-Type"] = "application/x-ndjson"
        content = "".join(json.dumps(document) + "\n" for document in body)
    else:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).replace("{name}", name)
    first = rest.request(method, path, content=content, headers=headers)
    assert first.is_success, first.text
    rest.ok("DELETE", library)
    repeat = rest.request(method, path, content=content, headers=headers)
    assert (repeat.status_code, repeat.json()) == (first.status_code, first.json())
    assert repeat.headers[REPLAYED] == "true"
    headers["Idempotency-Key"] += "-other"
    assert_problem(rest.request(method, path, content=content, headers=headers), 404, "library_not_found")


def test_a_blank_text_is_refused_in_its_place_with_and_without_a_key(rest: Rest, library: str, name: str) -> None:
    for headers in ({}, {"Idempotency-Key": f"{name}-blank"}):
        blank = rest.put(f"{library}/documents/a", {"text": "  "}, headers=headers)
        assert_problem(blank, 422, "invalid_argument", "text")
        operations = [
            {"library": name, "delete_documents": []},
            {"library": name, "upsert_documents": [{"id": "a", **TEXT}, {"id": "b", "text": " "}]},
        ]
        refused = rest.post("/v1/transactions", {"operations": operations}, headers=headers)
        assert_problem(refused, 422, "invalid_argument", "operations[1].upsert_documents[1].text")
        lines = "".join(json.dumps(line) + "\n" for line in ({"id": "x", **TEXT}, {"text": " "}, {"id": "y", **TEXT}))
        bulk = rest.request(
            "POST", f"{library}/documents", content=lines, headers={**headers, "Content-Type": "application/x-ndjson"}
        )
        assert bulk.status_code == 200
        answer = bulk.json()
        assert (answer["committed"], answer["failed"]["line"]) == (1, 2)
        assert answer["failed"]["error"]["field"] == "text"
    assert rest.ok("GET", library)["documents"] == 1


def test_the_same_key_with_another_request_is_refused(rest: Rest, library: str) -> None:
    headers = {"Idempotency-Key": f"{library}-reused"}
    rest.ok("PUT", f"{library}/documents/a", {"metadata": {"n": 1}}, status=201, headers=headers)
    other = rest.put(f"{library}/documents/a", {"metadata": {"n": 2}}, headers=headers)
    assert_problem(other, 422, "idempotency_key_reused")
    other = rest.put(f"{library}/documents/b", {"metadata": {"n": 1}}, headers=headers)
    assert_problem(other, 422, "idempotency_key_reused")
    assert rest.ok("GET", f"{library}/documents/a")["metadata"] == {"n": 1}


def test_keys_of_other_libraries_and_methods_are_other_keys(rest: Rest) -> None:
    first, second = rest.library(), rest.library()
    headers = {"Idempotency-Key": f"shared-{first.rsplit('-', 1)[1]}"}
    rest.ok("PUT", f"{first}/documents/a", {}, status=201, headers=headers)
    rest.ok("PUT", f"{second}/documents/a", {}, status=201, headers=headers)
    rest.ok("DELETE", f"{first}/documents/a", headers=headers)
    assert_problem(rest.get(f"{first}/documents/a"), 404, "document_not_found")


def test_a_refused_request_uses_no_key_up(rest: Rest, library: str) -> None:
    headers = {"Idempotency-Key": f"{library}-refused"}
    assert_problem(rest.delete(f"{library}/documents/a", headers=headers), 404, "document_not_found")
    rest.ok("PUT", f"{library}/documents/a", {}, status=201)
    rest.ok("DELETE", f"{library}/documents/a", headers=headers)


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "tab\there"])
def test_a_key_is_1_to_255_visible_characters(rest: Rest, library: str, key: str) -> None:
    response = rest.put(f"{library}/documents/a", {}, headers={"Idempotency-Key": key})
    assert_problem(response, 422, "invalid_argument", "Idempotency-Key")
    longest = {"Idempotency-Key": "~" * 255}
    rest.ok("PUT", f"{library}/documents/a", {}, status=201, headers=longest)


def test_the_same_key_sent_at_once_by_many_has_one_effect(server: ServerProcess, rest: Rest, library: str) -> None:
    answers: list[httpx.Response] = []
    together = threading.Barrier(8)

    def write() -> None:
        own = Rest(server.url)
        together.wait()
        answers.append(own.post(f"{library}/documents", {"documents": [{}, {}]}, headers={"Idempotency-Key": library}))
        own.close()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(answer.json() == answers[0].json() for answer in answers), [answer.text for answer in answers]
    assert sum(REPLAYED not in answer.headers for answer in answers) == 1
    assert rest.ok("GET", library)["documents"] == 2


def test_a_key_is_remembered_across_a_restart(start_server: Callable[..., ServerProcess]) -> None:
    body = {"documents": [{"chunks": [{"vector": [1, 2]}]}]}
    headers = {"Idempotency-Key": "before-the-restart"}
    answers: list[dict[str, Any]] = []
    for end in ("kill", "stop", "stop"):
        server = start_server()
        rest = Rest(server.url)
        if not answers:
            rest.ok("POST", "/v1/libraries", {"name": "notes"}, status=201)
        answers.append(rest.ok("POST", "/v1/libraries/notes/documents", body, headers=headers))
        assert rest.ok("GET", "/v1/libraries/notes")["documents"] == 1
        rest.close()
        server.kill() if end == "kill" else server.stop()
    assert answers[0] == answers[1] == answers[2]
