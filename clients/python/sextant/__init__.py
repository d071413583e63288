"""Client of the Sextant vector database.

import sextant

with sextant.Client("http://127.0.0.1:7878") as client:
    notes = client.create_library("notes")
    notes.documents.upsert([{"id": "roof", "text": "We decided on slate.", "metadata": {"year": 2024}}])
    for hit in notes.search(text="what is the roof made of?", k=3):
        print(hit.score, hit.document_id, hit.text)
"""

from ._vectors import Vector
from ._version import __version__
from .chunks import Chunks
from .client import Client
from .documents import Documents
from .errors import (
    AuthenticationError,
    ChunkNotFoundError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    DocumentExistsError,
    DocumentNotFoundError,
    EmbeddingContractError,
    EmbeddingUnavailableError,
    IdempotencyKeyReusedError,
    InvalidArgumentError,
    InvalidVectorError,
    LibraryExistsError,
    LibraryNotFoundError,
    LimitExceededError,
    NotFoundError,
    NotSupportedYetError,
    OutcomeUnknownError,
    PreconditionFailedError,
    ServerError,
    SextantError,
    TransactionConflictError,
    UnavailableError,
)
from .inputs import ChunkInput, ChunkPatch, DocumentDelete, DocumentInput
from .library import Library, Query
from .models import (
    Changed,
    Chunk,
    ChunkPage,
    Committed,
    Document,
    DocumentOutcome,
    DocumentPage,
    DocumentSummary,
    Hit,
    HitDocument,
    LibraryInfo,
    LibraryPage,
    OperationOutcome,
    SearchResult,
    Upserted,
    VectorField,
    Written,
)
from .transaction import Transaction

__all__ = [
    "AuthenticationError",
    "Changed",
    "Chunk",
    "ChunkInput",
    "ChunkNotFoundError",
    "ChunkPage",
    "ChunkPatch",
    "Chunks",
    "Client",
    "Committed",
    "ConflictError",
    "ConnectionFailedError",
    "DeadlineExceededError",
    "Document",
    "DocumentDelete",
    "DocumentExistsError",
    "DocumentInput",
    "DocumentNotFoundError",
    "DocumentOutcome",
    "DocumentPage",
    "DocumentSummary",
    "Documents",
    "EmbeddingContractError",
    "EmbeddingUnavailableError",
    "Hit",
    "HitDocument",
    "IdempotencyKeyReusedError",
    "InvalidArgumentError",
    "InvalidVectorError",
    "Library",
    "LibraryExistsError",
    "LibraryInfo",
    "LibraryNotFoundError",
    "LibraryPage",
    "LimitExceededError",
    "NotFoundError",
    "NotSupportedYetError",
    "OperationOutcome",
    "OutcomeUnknownError",
    "PreconditionFailedError",
    "Query",
    "SearchResult",
    "ServerError",
    "SextantError",
    "Transaction",
    "TransactionConflictError",
    "UnavailableError",
    "Upserted",
    "Vector",
    "VectorField",
    "Written",
    "__version__",
]
