"""Requests and answers: deadlines, retries, idempotency keys, problems, commit tokens.

A request is retried when the connection broke, and when the server answered 429 or 503 with Retry-After. That is safe
for every request here: reads have no effect, and each write carries an idempotency key, with which the server answers
a repeat like the first time instead of doing it again. No other layer retries.
"""

from __future__ import annotations

import email.utils
import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from ._version import __version__
from .errors import ConnectionFailedError, DeadlineExceededError, SextantError, error_from_problem

Json: TypeAlias = Mapping[str, Any]
After: TypeAlias = str | Sequence[str] | None

_FIRST_BACKOFF_S = 0.1
_LONGEST_BACKOFF_S = 2.0
_LONGEST_DEADLINE_MS = 600_000  # the server takes no longer one


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    body: dict[str, Any]
    replayed: bool  # the answer to an earlier request with the same idempotency key


@dataclass(frozen=True)
class TransportOptions:
    api_key: str | None
    timeout: float
    retries: int
    remember_commits: bool
    http: httpx.BaseTransport | None
    sleep: Callable[[float], None]


class Transport:
    """Sends requests to one server. Thread-safe."""

    def __init__(self, url: str, options: TransportOptions) -> None:
        headers = {"User-Agent": f"sextant-python/{__version__}", "Accept": "application/json"}
        if options.api_key is not None:
            headers["Authorization"] = f"Bearer {options.api_key}"
        self._options = options
        self._url = url.rstrip("/")
        self._http = httpx.Client(headers=headers, transport=options.http)
        self._lock = threading.Lock()
        self._last_commit: str | None = None

    def close(self) -> None:
        self._http.close()

    @property
    def url(self) -> str:
        return self._url

    @property
    def last_commit(self) -> str | None:
        with self._lock:
            return self._last_commit

    def after(self, given: After) -> After:
        """What a read must have seen: the tokens given, else the one remembered."""
        return self.last_commit if given is None else given

    def read(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        params: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        return self._send(method, path, body, params, {}, timeout).body

    def write(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
        timeout: float | None = None,
    ) -> Answer:
        keyed = {**(headers or {}), "Idempotency-Key": key or str(uuid.uuid4())}
        answer = self._send(method, path, body, None, keyed, timeout)
        commit = answer.body.get("commit")
        if self._options.remember_commits and commit is not None:
            with self._lock:
                self._last_commit = commit
        return answer

    def _send(
        self,
        method: str,
        path: str,
        body: Json | None,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
        timeout: float | None,
    ) -> Answer:
        content = None
        if body is not None:
            content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
            headers = {**headers, "Content-Type": "application/json"}
        end = time.monotonic() + (self._options.timeout if timeout is None else timeout)
        attempt = 0
        while True:
            left = max(end - time.monotonic(), 0.001)
            deadline_ms = min(max(int(left * 1000), 1), _LONGEST_DEADLINE_MS)
            error: SextantError
            wait: float | None
            try:
                response = self._http.request(
                    method,
                    self._url + path,
                    content=content,
                    params=params,
                    headers={**headers, "X-Deadline-Ms": str(deadline_ms)},
                    timeout=left,
                )
            except httpx.TimeoutException as timed_out:
                raise DeadlineExceededError(
                    f"no answer from {self._url} in time", code="deadline_exceeded"
                ) from timed_out
            except httpx.TransportError as broken:
                error = ConnectionFailedError(f"no answer from {self._url}: {broken}", code="connection_failed")
                error.__cause__ = broken
                wait = _backoff(attempt)
            else:
                if response.is_success:
                    return _answer(response)
                error = _problem(response)
                wait = _retry_after(response) if response.status_code in (429, 503) else None
            if wait is None or attempt >= self._options.retries or time.monotonic() + wait >= end:
                raise error
            attempt += 1
            self._options.sleep(wait)


def path_of(*segments: str) -> str:
    """A path of the API; ids and names may hold any character."""
    return "/v1/" + "/".join(_segment(segment) for segment in segments)


def _segment(text: str) -> str:
    if not text:
        raise ValueError("an id or a name is empty")
    # "." and ".." would be taken for steps in the path.
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe=":")


def _answer(response: httpx.Response) -> Answer:
    body = _json_object(response)
    if body is None:
        raise SextantError(
            "the answer is not of a Sextant server: no JSON object",
            code="unexpected_answer",
            status=response.status_code,
        )
    return Answer(body, response.headers.get("Idempotency-Replayed") == "true")


def _problem(response: httpx.Response) -> SextantError:
    from .models import DocumentOutcome

    body = _json_object(response)
    if body is None or "code" not in body:
        return error_from_problem(
            {"detail": f"HTTP {response.status_code}: {response.text[:200]}"}, response.status_code
        )
    error = error_from_problem(body, response.status_code)
    error.results = tuple(DocumentOutcome.from_json(result) for result in body.get("results", ()))
    return error


def _json_object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        date = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (date - datetime.now(timezone.utc)).total_seconds())


def _backoff(attempt: int) -> float:
    longest = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * float(2**attempt))
    return random.uniform(longest / 2, longest)
