"""One library: its definition, its documents and chunks, and searches in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from ._transport import After, Transport, path_of
from ._vectors import Vector
from .chunks import Chunks
from .documents import Documents, Filter
from .inputs import given, with_encoded_vector
from .models import LibraryInfo, SearchResult

Include = Sequence[Literal["text", "metadata", "vector", "document"]]


class Query(TypedDict, total=False):
    """One of several queries: what `Library.search` takes for one. Exactly one of `text` and `vector`."""

    text: str
    vector: Vector
    k: int
    where: Filter
    where_document: Filter
    min_score: float
    include: Include
    model: str
    explain: bool


class Library:
    """A handle of a library, which need not exist yet; making one costs no request. Thread-safe.

    `documents` and `chunks` read and write what is in it. Errors are `SextantError`: LibraryNotFoundError from every
    method when there is no such library.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport = transport
        self.name = name
        self.documents = Documents(transport, name)
        self.chunks = Chunks(transport, name)

    def __repr__(self) -> str:
        return f"Library({self.name!r})"

    def info(self, *, timeout: float | None = None) -> LibraryInfo:
        """Definition, embedding contract, counts and index state."""
        return LibraryInfo.from_json(self._transport.read("GET", self._path(), timeout=timeout))

    def update(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        index: Mapping[str, Any] | None = None,
        chunking: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> LibraryInfo:
        """Merges into what may change (RFC 7396); the embedding contract may not."""
        body = given(metadata=metadata, index=index, chunking=chunking)
        answer = self._transport.write("PATCH", self._path(), body=body, key=idempotency_key, timeout=timeout)
        return LibraryInfo.from_json(answer.body["library"])

    def drop(self, *, idempotency_key: str | None = None, timeout: float | None = None) -> None:
        """Drops the library with everything in it."""
        self._transport.write("DELETE", self._path(), key=idempotency_key, timeout=timeout)

    def search(
        self,
        *,
        text: str | None = None,
        vector: Vector | None = None,
        k: int = 10,
        where: Filter | None = None,
        where_document: Filter | None = None,
        min_score: float | None = None,
        include: Include = ("text", "metadata"),
        model: str | None = None,
        explain: bool = False,
        after: After = None,
        timeout: float | None = None,
    ) -> SearchResult:
        """The k chunks nearest to a text or to a vector of shape (d,), best first; fewer only where fewer match.

        `where` filters by metadata ({"year": {"$gte": 2024}}), `where_document` by text ({"$contains": "roof"}); hits
        below `min_score` are left out. `model` names what made the vector. `after`: commit tokens that the answer must
        have seen. Raises EmbeddingContractError for a vector of another dimension or model.
        """
        body = given(
            text=text,
            vector=vector,
            k=k,
            where=where,
            where_document=where_document,
            min_score=min_score,
            include=list(include),
            model=model,
            explain=True if explain else None,
            after=self._transport.after(after),
        )
        answer = self._read("search", with_encoded_vector(body), timeout)
        return SearchResult.from_json(answer, answer["commit"])

    def search_many(
        self, queries: Sequence[Query], *, after: After = None, timeout: float | None = None
    ) -> tuple[SearchResult, ...]:
        """Several queries in one request, which all see the same data; the results are in their order."""
        body = {
            "queries": [with_encoded_vector(query) for query in queries],
            **given(after=self._transport.after(after)),
        }
        answer = self._read("search", body, timeout)
        return tuple(SearchResult.from_json(result, answer["commit"]) for result in answer["results"])

    def similar(
        self,
        chunk_id: str,
        *,
        k: int = 10,
        where: Filter | None = None,
        where_document: Filter | None = None,
        min_score: float | None = None,
        include: Include = ("text", "metadata"),
        explain: bool = False,
        after: After = None,
        timeout: float | None = None,
    ) -> SearchResult:
        """The k neighbours of a stored chunk, itself left out; ChunkNotFoundError where there is none."""
        body = given(
            chunk_id=chunk_id,
            k=k,
            where=where,
            where_document=where_document,
            min_score=min_score,
            include=list(include),
            explain=True if explain else None,
            after=self._transport.after(after),
        )
        answer = self._read("similar", body, timeout)
        return SearchResult.from_json(answer, answer["commit"])

    def _read(self, verb: str, body: Mapping[str, Any], timeout: float | None) -> dict[str, Any]:
        return self._transport.read("POST", f"{self._path()}/{verb}", body=body, timeout=timeout)

    def _path(self) -> str:
        return path_of("libraries", self.name)
