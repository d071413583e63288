"""The documents of a library."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from ._transport import Answer, Transport, path_of
from .errors import SextantError
from .inputs import ChunkInput, DocumentInput, encode_document, given, with_encoded_vector
from .models import Document, DocumentOutcome, DocumentPage, DocumentSummary, Upserted, Written

OnConflict: TypeAlias = Literal["replace", "error", "ignore"]
Durability: TypeAlias = Literal["fsync", "flushed"]
Filter: TypeAlias = Mapping[str, Any]

_BATCH_BYTES = 4 << 20  # of one request's documents, about


class Documents:
    """Reads and writes documents. Thread-safe; errors are `SextantError`."""

    def __init__(self, transport: Transport, library: str) -> None:
        self._transport = transport
        self._library = library

    def upsert(
        self,
        documents: Iterable[DocumentInput],
        *,
        atomic: bool = False,
        on_conflict: OnConflict = "replace",
        model: str | None = None,
        durability: Durability | None = None,
        batch_size: int = 100,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Upserted:
        """Writes documents in order, each all or nothing; `documents` may be a generator without end in memory.

        They go in requests of up to `batch_size`, each of which may take `timeout`. With `atomic` they go in one
        request and are committed all or not at all. `model` names what made the vectors given. With an
        `idempotency_key` of your own, a repeat of the same call has no second effect even after this process ended.

        Raises the error of the first document that failed, whose `field` begins with "documents[i]", i counted over all
        of them; its `results` tell what was committed before and that the rest of its batch was not attempted.
        """
        settings = given(
            atomic=True if atomic else None,
            on_conflict=None if on_conflict == "replace" else on_conflict,
            model=model,
            durability=durability,
        )
        results: list[DocumentOutcome] = []
        commit: str | None = None
        for number, batch in enumerate(_batches(documents, None if atomic else batch_size)):
            key = None if idempotency_key is None else f"{idempotency_key}.{number}"
            body = {"documents": batch, **settings}
            try:
                answer = self._transport.write("POST", self._path(), body=body, key=key, timeout=timeout).body
            except SextantError as error:
                raise _located(error, results) from None
            outcomes = [DocumentOutcome.from_json(result) for result in answer["results"]]
            for outcome in outcomes:
                if outcome.error is not None:
                    outcome.error.results = tuple(outcomes)
                    raise _located(outcome.error, results)
            results += outcomes
            commit = answer["commit"] or commit
        return Upserted(tuple(results), commit)

    def put(
        self,
        id: str,
        *,
        text: str | None = None,
        chunks: Sequence[ChunkInput] | None = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        if_match: str | None = None,
        create_only: bool = False,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Written:
        """Writes one document whole, from its `text` or its `chunks`.

        `if_match`: the etag that it must have, "*" that it must exist; `create_only`: it must not exist; else
        PreconditionFailedError.
        """
        body = given(
            text=text,
            chunks=None if chunks is None else [with_encoded_vector(chunk) for chunk in chunks],
            metadata=metadata,
            model=model,
        )
        headers = match_headers(if_match)
        if create_only:
            headers["If-None-Match"] = "*"
        answer = self._transport.write(
            "PUT", self._path(id), body=body, headers=headers, key=idempotency_key, timeout=timeout
        )
        return written(answer)

    def patch(
        self,
        id: str,
        metadata: Mapping[str, Any],
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Written:
        """Merges into a document's metadata (RFC 7396: None removes a key); its chunks stay."""
        answer = self._transport.write(
            "PATCH",
            self._path(id),
            body={"metadata": metadata},
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
        """Deletes a document with its chunks; DocumentNotFoundError where there is none."""
        answer = self._transport.write(
            "DELETE", self._path(id), headers=match_headers(if_match), key=idempotency_key, timeout=timeout
        )
        return written(answer)

    def get(
        self,
        id: str,
        *,
        chunks: bool = False,
        vectors: bool = False,
        after: str | None = None,
        timeout: float | None = None,
    ) -> Document:
        """One document; with its chunks, and with their vectors of shape (d,), where asked for."""
        parts = ["chunks"] * chunks + ["vector"] * vectors
        params = given(include=",".join(parts) or None, after=self._transport.after(after))
        return Document.from_json(self._transport.read("GET", self._path(id), params=params, timeout=timeout))

    def list(
        self,
        *,
        where: Filter | None = None,
        limit: int = 100,
        cursor: str | None = None,
        count: bool = False,
        after: str | None = None,
        timeout: float | None = None,
    ) -> DocumentPage:
        """A page of documents in order of their ids; with `count`, also how many match in all."""
        params = given(limit=str(limit), cursor=cursor, after=self._transport.after(after))
        if where is not None:
            params["where"] = json.dumps(where, allow_nan=False)
        if count:
            params["count"] = "true"
        body = self._transport.read("GET", self._path(), params=params, timeout=timeout)
        documents = tuple(DocumentSummary.from_json(document) for document in body["documents"])
        return DocumentPage(documents, body["cursor"], body.get("total"))

    def iterate(self, *, where: Filter | None = None, page_size: int = 1000) -> Iterator[DocumentSummary]:
        """All documents in order of their ids, fetched page by page; each page sees the data of its moment."""
        cursor: str | None = None
        while True:
            page = self.list(where=where, limit=page_size, cursor=cursor)
            yield from page.documents
            cursor = page.cursor
            if cursor is None:
                return

    def _path(self, *id: str) -> str:
        return path_of("libraries", self._library, "documents", *id)


def match_headers(if_match: str | None) -> dict[str, str]:
    if if_match is None:
        return {}
    return {"If-Match": if_match if if_match == "*" else f'"{if_match}"'}


def written(answer: Answer) -> Written:
    body = answer.body
    return Written(
        id=body["id"],
        effect=body.get("effect", "deleted"),
        version=body.get("version") or None,
        etag=body.get("etag") if body.get("version") else None,
        commit=body["commit"],
        replayed=answer.replayed,
    )


def _batches(documents: Iterable[DocumentInput], size: int | None) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    batch_bytes = 0
    for document in documents:
        encoded = encode_document(document)
        bytes_ = 0 if size is None else len(json.dumps(encoded, ensure_ascii=False))
        if batch and size is not None and (len(batch) >= size or batch_bytes + bytes_ > _BATCH_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(encoded)
        batch_bytes += bytes_
    if batch:
        yield batch


def _located(error: SextantError, before: list[DocumentOutcome]) -> SextantError:
    """The error of a batch in the words of the whole: places and results count the documents of earlier batches too."""
    place = re.match(r"documents\[(\d+)\]", error.field or "")
    if place is not None and error.field is not None:
        error.field = f"documents[{len(before) + int(place[1])}]{error.field[place.end() :]}"
    error.results = (*before, *error.results)
    return error
