"""What is written: documents and chunks as plain dictionaries, and how they go on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from ._vectors import Vector, encode_vector


class ChunkInput(TypedDict, total=False):
    """A chunk. Without `vector` it is embedded from its `text` by the library's embedder."""

    id: str
    """By default "{document}#{n}"."""
    text: str
    vector: Vector
    """Shape (d,)."""
    metadata: Mapping[str, Any]


class DocumentInput(TypedDict, total=False):
    """A document with either its `text`, which the server cuts into chunks, or its `chunks`."""

    id: str
    """By default a UUIDv7, which the answer tells."""
    metadata: Mapping[str, Any]
    text: str
    chunks: Sequence[ChunkInput]
    if_match: str
    """The etag that the document must have; "*": it must exist."""


class DocumentDelete(TypedDict, total=False):
    """A document to be deleted by a transaction."""

    id: str
    if_match: str


class ChunkPatch(TypedDict, total=False):
    """A change of the chunk `id`; `metadata` is a merge patch (RFC 7396), what is absent stays."""

    id: str
    text: str
    vector: Vector
    metadata: Mapping[str, Any]
    model: str


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def with_encoded_vector(item: Mapping[str, Any]) -> dict[str, Any]:
    encoded = dict(item)
    if encoded.get("vector") is not None:
        encoded["vector"] = encode_vector(encoded["vector"])
    return encoded


def encode_document(document: DocumentInput) -> dict[str, Any]:
    encoded: dict[str, Any] = dict(document)
    if "chunks" in document:
        encoded["chunks"] = [with_encoded_vector(chunk) for chunk in document["chunks"]]
    return encoded
