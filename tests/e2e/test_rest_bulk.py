"""Bulk upload: documents as lines of application/x-ndjson."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

from support.rest import Rest, assert_problem
from support.server_process import ServerProcess

LINES = {"Content-Type": "application/x-ndjson"}


def upload(rest: Rest, library: str, documents: list[Any], query: str = "", **headers: str) -> Any:
    body = "".join(json.dumps(document) + "\n" for document in documents)
    return rest.request("POST", f"{library}/documents{query}", content=body, headers={**LINES, **headers})


def document(n: int) -> dict[str, Any]:
    return {"id": f"d{n:05}", "metadata": {"n": n}, "chunks": [{"vector": [1, n], "text": f"number {n}"}]}


def test_documents_of_several_batches_arrive(rest: Rest, library: str) -> None:
    response = upload(rest, library, [document(n) for n in range(2500)], "?durability=flushed")
    answer = response.json()
    assert response.status_code == 200, answer
    assert set(answer) == {"committed", "commit"}
    assert answer["committed"] == 2500
    counts = rest.ok("GET", library)
    assert (counts["documents"], counts["chunks"]) == (2500, 2500)
    body = {"vector": [1, 2499], "k": 1, "after": answer["commit"]}
    assert rest.ok("POST", f"{library}/search", body)["hits"][0]["score"] > 0.99


def test_lines_may_be_blank_end_anyhow_and_come_in_pieces(rest: Rest, library: str) -> None:
    def pieces() -> Iterator[bytes]:
        text = b'\n{"id": "a"}\r\n   \n\n{"id": "b",\t"metadata": {"text": "\xc3\xbc"}}\n{"id": "c"}'
        for at in range(len(text)):
            yield text[at : at + 1]

    response = rest.request("POST", f"{library}/documents", content=pieces(), headers=LINES)
    assert response.json()["committed"] == 3
    assert rest.ok("GET", f"{library}/documents/b")["metadata"] == {"text": "ü"}


def test_the_first_bad_line_ends_an_upload_and_is_named(rest: Rest, library: str) -> None:
    documents: list[Any] = [document(n) for n in range(1500)]
    documents.insert(1200, {"id": "bad", "chunks": [{"vector": [1, 2, 3]}]})
    response = upload(rest, library, documents)
    answer = response.json()
    assert response.status_code == 200
    assert answer["committed"] == 1200
    assert answer["failed"]["line"] == 1201
    error = answer["failed"]["error"]
    assert (error["code"], error["field"]) == ("embedding_contract_violation", "chunks[0].vector")
    assert rest.ok("GET", library)["documents"] == 1200


def test_a_line_that_is_no_document_is_named(rest: Rest, library: str) -> None:
    for line, code, field in (
        ("{", "invalid_argument", None),
        ("[]", "invalid_argument", None),
        ('{"id": "a", "colour": "red"}', "invalid_argument", "colour"),
        ('{"id": "' + "x" * 513 + '"}', "limit_exceeded", "id"),
    ):
        response = rest.request("POST", f"{library}/documents", content=f"\n{line}\n", headers=LINES)
        assert response.status_code in (400, 422)
        problem = response.json()
        assert (problem["code"], problem["committed"], problem["commit"]) == (code, 0, None)
        assert problem["failed"]["line"] == 2
        assert problem["failed"]["error"].get("field") == field
    assert rest.ok("GET", library)["documents"] == 0


def test_settings_are_query_parameters(rest: Rest, library: str) -> None:
    first = upload(rest, library, [document(1)], "?model=mine&on_conflict=error")
    assert first.json()["committed"] == 1
    assert rest.ok("GET", library)["vectors"]["embedding"]["model"] == "mine"
    again = upload(rest, library, [document(1)], "?model=mine&on_conflict=error")
    assert_problem(again, 409, "document_exists")
    ignored = upload(rest, library, [document(1), document(2)], "?model=mine&on_conflict=ignore")
    assert ignored.json()["committed"] == 2
    assert_problem(upload(rest, library, [document(3)], "?colour=red"), 422, "invalid_argument", "colour")
    assert_problem(upload(rest, library, [document(3)], "?on_conflict=maybe"), 422, "invalid_argument", "on_conflict")
    query_of_json = rest.post(f"{library}/documents?durability=fsync", {"documents": []})
    assert_problem(query_of_json, 422, "invalid_argument", "durability")


def test_a_repeated_upload_has_no_second_effect(rest: Rest, library: str) -> None:
    documents = [{"chunks": [{"vector": [1, n]}]} for n in range(1100)]
    key = {"Idempotency-Key": library}
    first = upload(rest, library, documents, **key)
    repeat = upload(rest, library, documents, **key)
    assert first.json() == repeat.json()
    assert "Idempotency-Replayed" not in first.headers
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert rest.ok("GET", library)["documents"] == 1100
    other = upload(rest, library, documents[1:], **key)
    assert_problem(other, 422, "idempotency_key_reused")


def test_an_upload_that_breaks_off_leaves_whole_batches_and_tells_them(
    server: ServerProcess, rest: Rest, library: str
) -> None:
    padding = "x" * 500
    lines = "".join(json.dumps({**document(n), "metadata": {"padding": padding}}) + "\n" for n in range(3000)).encode()
    head = (
        f"POST {library}/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        f"Content-Length: {len(lines) + 1000}\r\n\r\n"
    )
    host, port = server.address.split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode() + lines)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65536):
            answer += piece
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert told["committed"] in (1000, 2000, 3000)
    assert "failed" in told
    assert rest.ok("GET", library)["documents"] == told["committed"]


def test_an_empty_upload_commits_nothing(rest: Rest, library: str) -> None:
    response = rest.request("POST", f"{library}/documents", content=b"\n", headers=LINES)
    assert response.json() == {"committed": 0, "commit": None}
