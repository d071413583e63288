"""Bare HTTP for tests of the API: no retries, no keys made up, nothing hidden."""

from __future__ import annotations

import base64
import itertools
import re
import struct
from collections.abc import Sequence
from typing import Any

import httpx

_NUMBERS = itertools.count(1)


class Rest:
    """Sends what it is told to one server."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self.url = url
        self.http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def close(self) -> None:
        self.http.close()

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self.http.request(method, path, **arguments)

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", path, **arguments)

    def post(self, path: str, body: Any = None, **arguments: Any) -> httpx.Response:
        return self.request("POST", path, json=body, **arguments)

    def put(self, path: str, body: Any = None, **arguments: Any) -> httpx.Response:
        return self.request("PUT", path, json=body, **arguments)

    def patch(self, path: str, body: Any = None, **arguments: Any) -> httpx.Response:
        return self.request("PATCH", path, json=body, **arguments)

    def delete(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("DELETE", path, **arguments)

    def ok(self, method: str, path: str, body: Any = None, status: int = 200, **arguments: Any) -> dict[str, Any]:
        """The body of an answer that must have this status."""
        if body is not None:
            arguments["json"] = body
        response = self.request(method, path, **arguments)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        answer = response.json()
        assert isinstance(answer, dict)
        return answer

    def library(self, **definition: Any) -> str:
        """A new library's path, /v1/libraries/NAME."""
        name = f"e2e.library-{next(_NUMBERS)}"
        self.ok("POST", "/v1/libraries", {"name": name, **definition}, status=201)
        return f"/v1/libraries/{name}"


def assert_problem(
    response: httpx.Response, status: int, code: str, field: str | None = None, detail: str = ""
) -> dict[str, Any]:
    """The answer is this problem, in the form that RFC 9457 and our API ask for; `detail` is a part of its sentence."""
    assert response.status_code == status, f"{response.status_code} {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["code"] == code, problem
    assert problem["type"] == f"urn:sextant:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert re.fullmatch("[0-9a-f]{32}", problem["trace_id"])
    if field is not None:
        assert problem.get("field") == field, problem
    assert detail in problem["detail"], problem
    assert isinstance(problem, dict)
    return problem


def base64_vector(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
