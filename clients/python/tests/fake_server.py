"""A server of a few lines: answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import sextant

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def answer(body: Mapping[str, Any], status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body, headers=named)


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    retry_after = more.pop("retry_after", None)
    body = {"type": f"urn:sextant:problem:{code}", "title": code, "status": status, "detail": "why", "code": code,
            "trace_id": "0" * 31 + "1", **more}  # fmt: skip
    headers = {"Content-Type": "application/problem+json"}
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return httpx.Response(status, content=json.dumps(body), headers=headers)


class FakeServer:
    """Gives `replies` in order, the last one for ever. `slept` are the pauses its client made."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def client(self, **options: Any) -> sextant.Client:
        transport = httpx.MockTransport(self._reply)
        return sextant.Client("http://fake", http=transport, sleep=self.slept.append, **options)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else reply(request)
