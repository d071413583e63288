"""What a document holds after operation n: made from its name and n alone, so that anything found can be told apart."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy

from support.rest import base64_vector

DIMENSION = 16
MOST_CHUNKS = 5


def _digest(*words: object) -> int:
    return int.from_bytes(hashlib.sha256(" ".join(map(str, words)).encode()).digest()[:8], "little")


def chunk_count(document: str, operation: int) -> int:
    return 1 + _digest("count", document, operation) % MOST_CHUNKS


def vector(document: str, operation: int, chunk: int) -> numpy.ndarray[Any, numpy.dtype[numpy.float32]]:
    """Shape (DIMENSION,), of another direction for every version of every chunk."""
    numbers = numpy.random.default_rng(_digest("vector", document, operation, chunk))
    return numbers.normal(size=DIMENSION).astype(numpy.float32)


def chunks(document: str, operation: int) -> list[dict[str, Any]]:
    count = chunk_count(document, operation)
    return [
        {
            "id": f"{document}#{chunk}",
            "text": f"{document} as of operation {operation}, chunk {chunk} of {count}",
            "metadata": {"operation": operation, "chunk": chunk},
        }
        for chunk in range(count)
    ]


def document_body(document: str, operation: int) -> dict[str, Any]:
    """For an upsert."""
    parts = [
        {**part, "vector": base64_vector(vector(document, operation, chunk).tolist())}
        for chunk, part in enumerate(chunks(document, operation))
    ]
    return {"metadata": {"operation": operation}, "chunks": parts}


def operation_of(found: dict[str, Any]) -> int:
    """The operation that wrote a document, which must be there whole: every chunk, text, metadata and vector of it.

    `found` is as GET answers it with its vectors.
    """
    name = found["id"]
    operation = found["metadata"].get("operation")
    assert isinstance(operation, int), f"document {name} has the metadata {found['metadata']}"
    expected = chunks(name, operation)
    told = [{key: part[key] for key in ("id", "text", "metadata")} for part in found["chunks"]]
    assert told == expected, f"document {name} is there in part: {told} instead of {expected}"
    assert found["chunk_ids"] == [part["id"] for part in expected]
    for chunk, part in enumerate(found["chunks"]):
        given = numpy.array(part["vector"]) * part["norm"]
        wanted = vector(name, operation, chunk)
        assert numpy.allclose(given, wanted, rtol=1e-5, atol=1e-6), f"the vector of {part['id']} is another one"
    return operation
