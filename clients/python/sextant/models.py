"""What the server answers, as values. Times are UTC; `metadata` is what was stored, a JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from .errors import SextantError, error_from_problem

Json = Mapping[str, Any]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@dataclass(frozen=True)
class VectorField:
    """The embedding contract of a library; dimension and model are None until they are established."""

    element: str
    dimension: int | None
    model: str | None
    metric: str
    normalize: bool
    established: bool

    @staticmethod
    def from_json(body: Json) -> VectorField:
        return VectorField(
            body["element"], body["dimension"], body["model"], body["metric"], body["normalize"], body["established"]
        )


@dataclass(frozen=True)
class LibraryInfo:
    """A library as it stands. `name` is in full: "namespace.name"."""

    name: str
    kind: str
    provider: str
    vectors: Mapping[str, VectorField]
    embedding: Json | None
    index: Json
    chunking: Json
    metadata: Json
    created: datetime
    updated: datetime
    version: int
    documents: int
    chunks: int
    bytes: Mapping[str, int]
    dead_chunks: int
    index_state: Json

    @staticmethod
    def from_json(body: Json) -> LibraryInfo:
        return LibraryInfo(
            name=body["name"],
            kind=body["kind"],
            provider=body["provider"],
            vectors={name: VectorField.from_json(field) for name, field in body["vectors"].items()},
            embedding=body["embedding"],
            index=body["index"],
            chunking=body["chunking"],
            metadata=body["metadata"],
            created=_time(body["created"]),
            updated=_time(body["updated"]),
            version=body["version"],
            documents=body["documents"],
            chunks=body["chunks"],
            bytes=body["bytes"],
            dead_chunks=body["dead_chunks"],
            index_state=body["index_state"],
        )


@dataclass(frozen=True)
class LibraryPage:
    libraries: tuple[LibraryInfo, ...]
    cursor: str | None  # where to go on; None at the end


@dataclass(frozen=True)
class Chunk:
    """A chunk. `norm` is that of the vector as it was given; text, metadata and vector are None where not asked for."""

    id: str
    document_id: str
    norm: float
    text: str | None
    metadata: Json | None
    vector: tuple[float, ...] | None

    @staticmethod
    def from_json(body: Json, document_id: str | None = None) -> Chunk:
        vector = body.get("vector")
        return Chunk(
            id=body["id"],
            document_id=body["document_id"] if document_id is None else document_id,
            norm=float(body["norm"]),
            text=body.get("text"),
            metadata=body.get("metadata"),
            vector=None if vector is None else tuple(map(float, vector)),
        )


@dataclass(frozen=True)
class ChunkPage:
    chunks: tuple[Chunk, ...]
    cursor: str | None


@dataclass(frozen=True)
class DocumentSummary:
    """A document in a list; `chunks` is their number."""

    id: str
    version: int
    etag: str
    metadata: Json
    created: datetime
    updated: datetime
    chunks: int

    @staticmethod
    def from_json(body: Json) -> DocumentSummary:
        return DocumentSummary(
            body["id"],
            body["version"],
            body["etag"],
            body["metadata"],
            _time(body["created"]),
            _time(body["updated"]),
            body["chunks"],
        )


@dataclass(frozen=True)
class DocumentPage:
    documents: tuple[DocumentSummary, ...]
    cursor: str | None
    total: int | None  # of all that match, where it was asked for


@dataclass(frozen=True)
class Document:
    """A document; `chunks` is None unless they were asked for."""

    id: str
    version: int
    etag: str
    metadata: Json
    created: datetime
    updated: datetime
    chunk_ids: tuple[str, ...]
    chunks: tuple[Chunk, ...] | None

    @staticmethod
    def from_json(body: Json) -> Document:
        chunks = body.get("chunks")
        return Document(
            id=body["id"],
            version=body["version"],
            etag=body["etag"],
            metadata=body["metadata"],
            created=_time(body["created"]),
            updated=_time(body["updated"]),
            chunk_ids=tuple(body["chunk_ids"]),
            chunks=None if chunks is None else tuple(Chunk.from_json(chunk, body["id"]) for chunk in chunks),
        )


@dataclass(frozen=True)
class HitDocument:
    id: str
    version: int
    metadata: Json


@dataclass(frozen=True)
class Hit:
    """A chunk that was found.

    `score` is higher-is-better (cosine similarity, dot product, 1/(1+distance) for l2), `distance` the metric's own.
    """

    chunk_id: str
    document_id: str
    score: float
    distance: float
    text: str | None
    metadata: Json | None
    vector: tuple[float, ...] | None
    norm: float | None
    document: HitDocument | None

    @staticmethod
    def from_json(body: Json) -> Hit:
        vector = body.get("vector")
        norm = body.get("norm")
        document = body.get("document")
        return Hit(
            chunk_id=body["chunk_id"],
            document_id=body["document_id"],
            score=float(body["score"]),
            distance=float(body["distance"]),
            text=body.get("text"),
            metadata=body.get("metadata"),
            vector=None if vector is None else tuple(map(float, vector)),
            norm=None if norm is None else float(norm),
            document=None
            if document is None
            else HitDocument(document["id"], document["version"], document["metadata"]),
        )

    def __str__(self) -> str:
        return f"{self.score:.3f}  {self.chunk_id}  {self.text or ''}".rstrip()


@dataclass(frozen=True)
class SearchResult(Sequence[Hit]):
    """The hits of one query, best first; a sequence of them.

    `exact`: every chunk was compared. `commit`: token of the commit that the answer saw. `explain`: how it was found,
    where that was asked for.
    """

    hits: tuple[Hit, ...]
    exact: bool
    commit: str | None
    explain: Json | None

    @staticmethod
    def from_json(body: Json, commit: str | None) -> SearchResult:
        return SearchResult(
            tuple(Hit.from_json(hit) for hit in body["hits"]), body["exact"], commit, body.get("explain")
        )

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    @overload
    def __getitem__(self, index: int) -> Hit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, index: int | slice) -> Hit | tuple[Hit, ...]:
        return self.hits[index]


@dataclass(frozen=True)
class Written:
    """What the write of one document or chunk did.

    `effect`: created, replaced, patched, deleted or ignored. `version` and `etag` are the document's, None where it is
    gone. `commit`: for `after` of reads; None when nothing had to change. `replayed`: the server had done it for an
    earlier request with this idempotency key.
    """

    id: str
    effect: str
    version: int | None
    etag: str | None
    commit: str | None
    replayed: bool


@dataclass(frozen=True)
class DocumentOutcome:
    """What became of one document of an upsert: status "committed", "failed" (with `error`) or "not_attempted"."""

    id: str | None
    status: str
    effect: str | None
    version: int | None
    etag: str | None
    error: SextantError | None

    @staticmethod
    def from_json(body: Json) -> DocumentOutcome:
        error = body.get("error")
        return DocumentOutcome(
            id=body.get("id"),
            status=body["status"],
            effect=body.get("effect"),
            version=body.get("version"),
            etag=body.get("etag"),
            error=None if error is None else error_from_problem(error),
        )


@dataclass(frozen=True)
class Upserted:
    """An upsert of which every document was committed; `results` are in the order given."""

    results: tuple[DocumentOutcome, ...]
    commit: str | None

    @property
    def ids(self) -> tuple[str, ...]:
        """The documents' ids, also those that the server gave."""
        return tuple(result.id or "" for result in self.results)


@dataclass(frozen=True)
class OperationOutcome:
    """What one operation of a transaction did; `library` as the transaction named it."""

    library: str
    id: str
    effect: str
    version: int | None
    etag: str | None


@dataclass(frozen=True)
class Committed:
    """A transaction that happened. `replayed` as in Written."""

    results: tuple[OperationOutcome, ...]
    commit: str | None
    replayed: bool


@dataclass(frozen=True)
class Changed:
    """How many chunks a change of many had an effect on."""

    count: int
    commit: str | None
    replayed: bool
