"""What holds for every request: bodies, headers, methods, deadlines, traces, limits."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.rest import Rest, assert_problem
from support.server_process import ServerProcess

JSON = {"Content-Type": "application/json"}
TRACE = "0af7651916cd43dd8448eb211c80319c"


def raw(server: ServerProcess, request: bytes) -> bytes:
    """Everything the server answers until it closes the connection."""
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b'{"name": "x"} x', b"\xff", b'{"name": "\xc3"}'])
def test_a_body_that_is_no_json_is_400(rest: Rest, body: bytes) -> None:
    assert_problem(rest.request("POST", "/v1/libraries", content=body, headers=JSON), 400, "invalid_argument")


def test_a_member_given_twice_is_refused(rest: Rest) -> None:
    response = rest.request("POST", "/v1/libraries", content=b'{"name": "once", "name": "twice"}', headers=JSON)
    assert response.status_code in (400, 422)
    assert response.json()["code"] == "invalid_argument"


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "1"])
def test_a_body_that_is_no_object_is_refused(rest: Rest, body: str) -> None:
    response = rest.request("POST", "/v1/libraries", content=body, headers=JSON)
    assert response.status_code in (400, 422)
    assert response.json()["code"] == "invalid_argument"


def test_a_deeply_nested_body_is_refused_and_does_no_harm(rest: Rest, library: str) -> None:
    depth = 200_000
    body = '{"metadata":' + '{"a":' * depth + "1" + "}" * depth + "}"
    response = rest.request("PUT", f"{library}/documents/a", content=body, headers=JSON)
    assert response.status_code in (400, 422)
    assert response.json()["code"] in ("invalid_argument", "limit_exceeded")


def test_the_content_type_must_be_named(rest: Rest) -> None:
    for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-ndjson"}):
        response = rest.request("POST", "/v1/libraries", content=b'{"name":"typed"}', headers=headers)
        assert_problem(response, 415, "unsupported_media_type")
    packed = {**JSON, "Content-Encoding": "gzip"}
    response = rest.request("POST", "/v1/libraries", content=b'{"name":"typed"}', headers=packed)
    assert_problem(response, 415, "unsupported_media_type")
    with_charset = {"Content-Type": "Application/JSON; charset=utf-8"}
    response = rest.request("POST", "/v1/libraries", content=b'{"name":"typed"}', headers=with_charset)
    assert response.status_code == 201


def test_unknown_paths_and_methods(rest: Rest, library: str) -> None:
    for path in ("/", "/v1", "/v2/libraries", "/v1/libraries/", f"{library}/nothing", f"{library}/chunks:fly"):
        assert_problem(rest.get(path), 404, "route_not_found")
    response = rest.delete("/v1/libraries")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"
    response = rest.request("OPTIONS", library)
    assert (response.status_code, response.content) == (204, b"")
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}
    response = rest.request("HEAD", library)
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) == len(rest.get(library).content)
    assert_problem(rest.request("BREW", library), 405, "method_not_allowed")


def test_paths_are_decoded_once_and_must_be_text(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/100%2525", {}, status=201)
    assert [d["id"] for d in rest.ok("GET", f"{library}/documents")["documents"]] == ["100%25"]
    for bad in ("%", "%zz", "%ff", "%00"):
        answer = rest.http.send(rest.http.build_request("GET", f"{rest.url}{library}/documents/{bad}"))
        assert answer.status_code in (400, 404)


def test_an_id_may_be_any_text(rest: Rest, library: str) -> None:
    ids = ["a/b", "..", ".", "#", "?", "a b", "ü", "日本", "\u202e", "%2F", "'\"", "x" * 512]
    rest.ok("POST", f"{library}/documents", {"documents": [{"id": id} for id in ids]})
    listed = rest.ok("GET", f"{library}/documents?limit=100")["documents"]
    assert sorted(document["id"] for document in listed) == sorted(ids)


def test_a_request_without_or_with_two_hosts_is_refused(server: ServerProcess) -> None:
    for hosts in (b"", b"Host: a\r\nHost: b\r\n"):
        answer = raw(server, b"GET /health/live HTTP/1.1\r\n" + hosts + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")


def test_without_a_key_a_foreign_host_is_refused(
    server: ServerProcess, start_server: Callable[..., ServerProcess]
) -> None:
    port = server.address.split(":")[1]
    for host in ("localhost", f"localhost:{port}", server.address, "127.9.9.9", f"[::1]:{port}"):
        request = f"GET /v1/libraries HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert raw(server, request.encode()).startswith(b"HTTP/1.1 200 "), host
    for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", "192.0.2.1"):
        for path in ("/v1/libraries", "/openapi.json", "/no/such/path"):
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            answer = raw(server, request.encode())
            assert answer.startswith(b"HTTP/1.1 403 "), (host, path)
            assert b'"code":"permission_denied"' in answer
            assert host.encode() in answer.partition(b"\r\n\r\n")[2]
    with_key = start_server(environment={"SEXTANT_API_KEY": "key"})
    head = b"GET /v1/libraries HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n"
    assert raw(with_key, head + b"Authorization: Bearer key\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_a_body_where_none_is_taken_is_refused(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/a", {}, status=201)
    for method, path in (("DELETE", f"{library}/documents/a"), ("GET", library), ("GET", "/health/live")):
        assert_problem(rest.request(method, path, json={"if_match": "9"}), 400, "invalid_argument", detail="no body")
    assert_problem(rest.request("DELETE", library, content=b"x" * 200_000), 400, "invalid_argument", detail="no body")
    assert rest.ok("GET", f"{library}/documents/a")["id"] == "a"


def test_malformed_http_is_answered_and_the_connection_closed(server: ServerProcess) -> None:
    for request in (b"nonsense\r\n\r\n", b"GET /health/live HTTP/1.1\r\nno colon\r\n\r\n"):
        answer = raw(server, request)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in answer
    huge = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"
    assert raw(server, huge).startswith(b"HTTP/1.1 431 ")


def test_requests_may_be_pipelined_and_bodies_chunked(server: ServerProcess) -> None:
    chunked = (
        b"POST /v1/libraries HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
        b'9\r\n{"name": \r\n13\r\n"pipelined.chunked"\r\n1\r\n}\r\n0\r\n\r\n'
    )
    last = b"GET /v1/libraries/pipelined.chunked HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw(server, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" + chunked + last)
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    assert statuses == [200, 201, 200]


def test_a_traceparent_is_continued_and_logged(server: ServerProcess, rest: Rest, library: str) -> None:
    response = rest.get(library, headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    version, trace, span, flags = response.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != "b7ad6b7169203331"
    logged = server.wait_for(lambda event: event.get("trace_id") == TRACE, 30)
    assert logged is not None
    assert (logged["event"], logged["method"], logged["status"]) == ("request", "GET", 200)
    assert logged["route"] == "/v1/libraries/{library}"


def test_a_problem_carries_the_trace_and_a_new_one_is_made_where_none_is_given(rest: Rest) -> None:
    given = rest.get("/v1/libraries/none", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"})
    assert given.json()["trace_id"] == TRACE
    for header in ({}, {"traceparent": "garbage"}, {"traceparent": f"00-{'0' * 32}-b7ad6b7169203331-00"}):
        response = rest.get("/v1/libraries/none", headers=header)
        made = re.fullmatch("00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", response.headers["traceparent"])
        assert made is not None
        assert made[1] == response.json()["trace_id"]
        assert made[1] not in (TRACE, "0" * 32)


def test_a_deadline_that_is_over_is_504_and_nothing_is_written(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"text": "words"}]}, status=201)
    hurry = {"X-Deadline-Ms": "1"}
    long_text = "many words that are slow to read " * 1000
    queries = {"queries": [{"text": long_text}] * 250}
    assert_problem(rest.post(f"{library}/search", queries, headers=hurry), 504, "deadline_exceeded")
    in_body = {"queries": queries["queries"], "timeout_ms": 1}
    assert_problem(rest.post(f"{library}/search", in_body), 504, "deadline_exceeded")
    documents = {"documents": [{"chunks": [{"text": long_text}] * 50}] * 5}
    assert_problem(rest.post(f"{library}/documents", documents, headers=hurry), 504, "deadline_exceeded")
    assert rest.ok("GET", library)["documents"] == 1


@pytest.mark.parametrize("deadline", ["0", "-1", "600001", "1.5", "soon", ""])
def test_a_deadline_is_1_to_600000_ms(rest: Rest, library: str, deadline: str) -> None:
    assert_problem(rest.get(library, headers={"X-Deadline-Ms": deadline}), 422, "invalid_argument", "X-Deadline-Ms")
    assert rest.get(library, headers={"X-Deadline-Ms": "600000"}).status_code == 200


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """A server with small limits, and a library "l" on it."""
    limits = {
        "max_request_bytes": 4000,
        "max_text_bytes": 1200,
        "max_metadata_bytes": 60,
        "max_documents_per_request": 3,
        "max_chunks_per_document": 2,
        "max_dimension": 4,
        "max_k": 5,
        "max_queries_per_request": 2,
        "max_page": 7,
        "max_selected_chunks": 2,
        "max_filter_depth": 2,
        "max_filter_conditions": 3,
    }
    data = tmp_path_factory.mktemp("limited") / "db"
    with ServerProcess(data, embedder="none", config={"limits": limits}) as process:
        rest = Rest(process.url)
        rest.ok("POST", "/v1/libraries", {"name": "l"}, status=201)
        chunks = [{"id": "c1", "vector": [1, 2]}, {"id": "c2", "vector": [2, 1]}]
        rest.ok("PUT", "/v1/libraries/l/documents/full", {"chunks": chunks}, status=201)
        rest.ok("PUT", "/v1/libraries/l/documents/more", {"chunks": [{"id": "c3", "vector": [1, 1]}]}, status=201)
        yield rest
        rest.close()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/documents/d", {"chunks": [{"text": "x" * 1201, "vector": [1, 2]}]}),
        ("PUT", "/documents/d", {"metadata": {"a": "x" * 60}}),
        ("PUT", "/documents/d", {"chunks": [{"vector": [1, 2]}] * 3}),
        ("PUT", "/documents/d", {"chunks": [{"vector": [1, 2, 3, 4, 5]}]}),
        ("POST", "/documents", {"documents": [{}] * 4}),
        ("GET", "/documents?limit=8", None),
        ("POST", "/search", {"vector": [1, 2], "k": 6}),
        ("POST", "/search", {"queries": [{"vector": [1, 2]}] * 3}),
        ("POST", "/search", {"vector": [1, 2], "where": {"$not": {"$not": {"$not": {"a": 1}}}}}),
        ("POST", "/search", {"vector": [1, 2], "where": {"a": 1, "b": 2, "c": 3, "d": 4}}),
        ("POST", "/chunks:get", {"limit": 8}),
        ("POST", "/chunks:get", {"ids": ["c"] * 8}),
        ("POST", "/chunks:delete", {"ids": ["c1", "c2", "c3"]}),
        ("POST", "/chunks:delete", {"where": {}}),
        ("POST", "/chunks:patch", {"where": {}, "metadata": {}}),
    ],
)
def test_what_exceeds_a_limit_names_it(limited: Rest, method: str, path: str, body: Any) -> None:
    arguments = {} if body is None else {"json": body}
    response = limited.request(method, f"/v1/libraries/l{path}", **arguments)
    problem = assert_problem(response, 422, "limit_exceeded")
    assert re.search(r"\d", problem["detail"])
    assert limited.ok("GET", "/v1/libraries/l")["chunks"] == 3


def test_what_a_request_leaves_open_is_within_the_limits(limited: Rest) -> None:
    assert len(limited.ok("POST", "/v1/libraries/l/search", {"vector": [1, 2]})["hits"]) == 3
    assert len(limited.ok("POST", "/v1/libraries/l/similar", {"chunk_id": "c1"})["hits"]) == 2
    assert len(limited.ok("GET", "/v1/libraries/l/documents")["documents"]) == 2
    assert len(limited.ok("GET", "/v1/libraries")["libraries"]) == 1
    assert len(limited.ok("POST", "/v1/libraries/l/chunks:get", {})["chunks"]) == 3


def test_a_body_beyond_the_limit_is_413(limited: Rest) -> None:
    response = limited.put("/v1/libraries/l/documents/d", {"chunks": [{"text": "x" * 5000}]})
    problem = assert_problem(response, 413, "payload_too_large")
    assert "4000" in problem["detail"]


def test_text_without_an_embedder_is_refused_as_unavailable(limited: Rest) -> None:
    assert_problem(limited.post("/v1/libraries/l/search", {"text": "x", "k": 1}), 503, "embedding_unavailable")
    text = {"chunks": [{"text": "x"}]}
    assert_problem(limited.put("/v1/libraries/l/documents/d", text), 503, "embedding_unavailable")


def test_more_requests_than_allowed_are_turned_away_with_retry_after(
    start_server: Callable[..., ServerProcess],
) -> None:
    server = start_server(config={"limits": {"max_in_flight": 1}})
    rest = Rest(server.url)
    rest.ok("POST", "/v1/libraries", {"name": "l"}, status=201)
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as upload:
        upload.sendall(
            b"POST /v1/libraries/l/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
            b"Content-Length: 11\r\nExpect: 100-continue\r\n\r\n"
        )
        assert upload.recv(1024).startswith(b"HTTP/1.1 100 ")
        response = rest.get("/v1/libraries/l")
        assert_problem(response, 429, "backpressure")
        assert int(response.headers["retry-after"]) >= 1
        for always in ("/health/live", "/health/ready", "/health", "/metrics"):
            assert rest.get(always).status_code == 200, always
        upload.sendall(b'{"id": "a"}')
        assert upload.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert rest.ok("GET", "/v1/libraries/l")["documents"] == 1
    rest.close()
