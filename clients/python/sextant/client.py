"""The client: a server, its libraries, transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal

import httpx

from ._transport import Transport, TransportOptions, path_of
from .inputs import given
from .library import Library
from .models import LibraryInfo, LibraryPage
from .transaction import Transaction

Metric = Literal["cosine", "dot", "l2"]


class Client:
    """Talks to one server. Thread-safe; keeps connections open until `close`, or the end of a `with` block.

    Requests are retried up to `retries` times when the connection breaks or the server says 429 or 503 with
    Retry-After; `timeout` (seconds, of a call with all its retries) bounds that, and the server is told of it. Writes
    carry an idempotency key, made afresh unless you give one, so that a retry has no second effect.

    With `remember_commits` every read sees at least what this client wrote last; on a single server that is so anyway.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:7878",
        api_key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 3,
        remember_commits: bool = False,
        http: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`http` and `sleep` replace the network and the waiting, in tests."""
        options = TransportOptions(
            api_key=api_key,
            timeout=timeout,
            retries=retries,
            remember_commits=remember_commits,
            http=http,
            sleep=sleep,
        )
        self._transport = Transport(url, options)

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._transport.url!r})"

    @property
    def last_commit(self) -> str | None:
        """Token of the last write, with `remember_commits`; None without, and before the first."""
        return self._transport.last_commit

    def library(self, name: str) -> Library:
        """A handle of the library "name" or "namespace.name"; no request is made."""
        return Library(self._transport, name)

    def create_library(
        self,
        name: str,
        *,
        dimension: int | None = None,
        metric: Metric | None = None,
        model: str | None = None,
        normalize: bool | None = None,
        embedding: Mapping[str, Any] | None = None,
        index: Mapping[str, Any] | None = None,
        chunking: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Library:
        """Creates a library; LibraryExistsError where there is one of this name.

        `dimension` and `model` of its vectors are settled by the first chunk where they are not given here. `embedding`
        is what turns texts into vectors ({"provider": "local"}); by default the server's embedder.
        """
        field = given(dimension=dimension, metric=metric, model=model, normalize=normalize)
        body = given(
            name=name,
            vectors={"embedding": field} if field else None,
            embedding=embedding,
            index=index,
            chunking=chunking,
            metadata=metadata,
        )
        self._transport.write("POST", path_of("libraries"), body=body, key=idempotency_key, timeout=timeout)
        return self.library(name)

    def list_libraries(
        self, *, limit: int = 100, cursor: str | None = None, timeout: float | None = None
    ) -> LibraryPage:
        """A page of libraries in order of their full names."""
        params = given(limit=str(limit), cursor=cursor)
        body = self._transport.read("GET", path_of("libraries"), params=params, timeout=timeout)
        return LibraryPage(tuple(LibraryInfo.from_json(library) for library in body["libraries"]), body["cursor"])

    def iterate_libraries(self, *, page_size: int = 1000) -> Iterator[LibraryInfo]:
        """All libraries in order of their full names, fetched page by page."""
        cursor: str | None = None
        while True:
            page = self.list_libraries(limit=page_size, cursor=cursor)
            yield from page.libraries
            cursor = page.cursor
            if cursor is None:
                return

    def transaction(self) -> Transaction:
        """An empty transaction, to be filled and committed."""
        return Transaction(self._transport)

    def status(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Version, last commit, sizes in bytes and embedder of the server, as it answers them."""
        return self._transport.read("GET", path_of("status"), timeout=timeout)
