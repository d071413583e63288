"""Transactions: changes of documents and chunks in any libraries, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._transport import Transport
from .documents import Durability, OnConflict
from .inputs import ChunkPatch, DocumentDelete, DocumentInput, encode_document, given, with_encoded_vector
from .models import Committed, OperationOutcome


class Transaction:
    """Collects operations; `commit` performs them in order, all or none. Not for several threads at once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._operations: list[dict[str, Any]] = []

    def upsert(
        self,
        library: str,
        documents: Iterable[DocumentInput],
        *,
        on_conflict: OnConflict = "replace",
        model: str | None = None,
    ) -> Transaction:
        """Writes documents; an `if_match` in one fails the transaction when the document is of another version."""
        self._operations.append(
            {
                "library": library,
                "upsert_documents": [encode_document(document) for document in documents],
                **given(on_conflict=None if on_conflict == "replace" else on_conflict, model=model),
            }
        )
        return self

    def delete(self, library: str, documents: Iterable[str | DocumentDelete]) -> Transaction:
        """Deletes documents by id, or by id and `if_match`."""
        self._operations.append({"library": library, "delete_documents": list(documents)})
        return self

    def patch_chunks(self, library: str, patches: Iterable[ChunkPatch]) -> Transaction:
        """Changes parts of chunks."""
        self._operations.append({"library": library, "patch_chunks": [with_encoded_vector(patch) for patch in patches]})
        return self

    def commit(
        self,
        *,
        durability: Durability | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Committed:
        """Performs the operations.

        Raises the error of the first that failed, its `field` beginning with "operations[i]": then nothing was changed.
        TransactionConflictError: another commit came between; PreconditionFailedError: an `if_match` does not hold.
        """
        body = {"operations": self._operations, **given(durability=durability)}
        answer = self._transport.write("POST", "/v1/transactions", body=body, key=idempotency_key, timeout=timeout)
        results = tuple(
            OperationOutcome(
                result["library"], result["id"], result["effect"], result.get("version"), result.get("etag")
            )
            for result in answer.body["results"]
        )
        return Committed(results, answer.body["commit"], answer.replayed)
