"""The chunks of a library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from ._transport import After, Transport, path_of
from ._vectors import Vector, encode_vector
from .documents import Filter, match_headers, written
from .inputs import given
from .models import Changed, Chunk, ChunkPage, Written

Include = Sequence[Literal["text", "metadata", "vector"]]


class Chunks:
    """Reads and writes chunks. Thread-safe; errors are `SextantError`."""

    def __init__(self, transport: Transport, library: str) -> None:
        self._transport = transport
        self._library = library

    def get(self, id: str, *, vector: bool = False, after: str | None = None, timeout: float | None = None) -> Chunk:
        """One chunk; with its vector of shape (d,), as it is stored, where asked for."""
        params = given(include="vector" if vector else None, after=self._transport.after(after))
        return Chunk.from_json(self._transport.read("GET", self._path(id), params=params, timeout=timeout))

    def get_many(
        self,
        ids: Sequence[str],
        *,
        include: Include = ("text", "metadata"),
        after: After = None,
        timeout: float | None = None,
    ) -> tuple[Chunk, ...]:
        """The chunks of these ids, in the order given; those that do not exist are left out."""
        body = {"ids": list(ids), "include": list(include), **given(after=self._transport.after(after))}
        return self._page(body, timeout).chunks

    def list(
        self,
        *,
        where: Filter | None = None,
        where_document: Filter | None = None,
        limit: int = 100,
        cursor: str | None = None,
        include: Include = ("text", "metadata"),
        after: After = None,
        timeout: float | None = None,
    ) -> ChunkPage:
        """A page of the chunks that the filters select, in order of their ids."""
        body = given(
            where=where,
            where_document=where_document,
            limit=limit,
            cursor=cursor,
            include=list(include),
            after=self._transport.after(after),
        )
        return self._page(body, timeout)

    def iterate(
        self,
        *,
        where: Filter | None = None,
        where_document: Filter | None = None,
        include: Include = ("text", "metadata"),
        page_size: int = 1000,
    ) -> Iterator[Chunk]:
        """All chunks that the filters select, in order of their ids, fetched page by page."""
        cursor: str | None = None
        while True:
            page = self.list(
                where=where, where_document=where_document, limit=page_size, cursor=cursor, include=include
            )
            yield from page.chunks
            cursor = page.cursor
            if cursor is None:
                return

    def count(
        self,
        *,
        where: Filter | None = None,
        where_document: Filter | None = None,
        after: After = None,
        timeout: float | None = None,
    ) -> int:
        """How many chunks the filters select; all without one."""
        body = given(where=where, where_document=where_document, after=self._transport.after(after))
        answer = self._transport.read("POST", self._path() + ":count", body=body, timeout=timeout)
        return int(answer["count"])

    def put(
        self,
        id: str,
        *,
        document_id: str | None = None,
        text: str | None = None,
        vector: Vector | None = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Written:
        """Writes one chunk whole. A new one needs the `document_id` of a document that exists.

        `if_match` is about the document; "*": the chunk must exist.
        """
        body = given(document_id=document_id, **_content(text, vector, metadata, model))
        answer = self._transport.write(
            "PUT", self._path(id), body=body, headers=match_headers(if_match), key=idempotency_key, timeout=timeout
        )
        return written(answer)

    def patch(
        self,
        id: str,
        *,
        text: str | None = None,
        vector: Vector | None = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Written:
        """Changes what is given of one chunk; `metadata` is a merge patch. A new text without a vector is embedded."""
        answer = self._transport.write(
            "PATCH",
            self._path(id),
            body=_content(text, vector, metadata, model),
            headers=match_headers(if_match),
            key=idempotency_key,
            timeout=timeout,
        )
        return written(answer)

    def delete(
        self,
        id: str,
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Written:
        """Deletes one chunk; ChunkNotFoundError where there is none."""
        answer = self._transport.write(
            "DELETE", self._path(id), headers=match_headers(if_match), key=idempotency_key, timeout=timeout
        )
        return written(answer)

    def patch_many(
        self,
        metadata: Mapping[str, Any],
        *,
        ids: Sequence[str] | None = None,
        where: Filter | None = None,
        where_document: Filter | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Changed:
        """Merges into the metadata of the chunks of these ids, or of those the filters select; all or none.

        ValueError when neither ids nor a filter is given; `where={}` selects every chunk.
        """
        body = {"metadata": metadata, **_selection(ids, where, where_document)}
        answer = self._transport.write("POST", self._path() + ":patch", body=body, key=idempotency_key, timeout=timeout)
        return Changed(answer.body["patched"], answer.body["commit"], answer.replayed)

    def delete_many(
        self,
        *,
        ids: Sequence[str] | None = None,
        where: Filter | None = None,
        where_document: Filter | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Changed:
        """Deletes the chunks of these ids, or those the filters select; all or none. Absent ids are no error.

        ValueError when neither ids nor a filter is given; `where={}` selects every chunk.
        """
        answer = self._transport.write(
            "POST",
            self._path() + ":delete",
            body=_selection(ids, where, where_document),
            key=idempotency_key,
            timeout=timeout,
        )
        return Changed(answer.body["deleted"], answer.body["commit"], answer.replayed)

    def _page(self, body: Mapping[str, Any], timeout: float | None) -> ChunkPage:
        answer = self._transport.read("POST", self._path() + ":get", body=body, timeout=timeout)
        return ChunkPage(tuple(Chunk.from_json(chunk) for chunk in answer["chunks"]), answer["cursor"])

    def _path(self, *id: str) -> str:
        return path_of("libraries", self._library, "chunks", *id)


def _content(
    text: str | None, vector: Vector | None, metadata: Mapping[str, Any] | None, model: str | None
) -> dict[str, Any]:
    encoded = None if vector is None else encode_vector(vector)
    return given(text=text, vector=encoded, metadata=metadata, model=model)


def _selection(ids: Sequence[str] | None, where: Filter | None, where_document: Filter | None) -> dict[str, Any]:
    if ids is None and where is None and where_document is None:
        raise ValueError("name the chunks by ids or by a filter; where={} selects every chunk")
    return given(ids=None if ids is None else list(ids), where=where, where_document=where_document)
