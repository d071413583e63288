"""Errors: what a server refused, and what kept a request from reaching one.

Every error is a `SextantError`; its `code` is the stable name of the API. Codes that callers tell apart have a class
of their own; any other code, also one of a newer server, comes as the class of its HTTP status or as `SextantError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import DocumentOutcome


class SextantError(Exception):
    """A request that failed.

    Attributes:
        code: stable name of what went wrong, such as "library_not_found".
        status: the HTTP status, or None when no answer came.
        field: path of the field at fault, such as "documents[3].chunks[0].vector", or None.
        detail: what went wrong, in a sentence.
        trace_id: 32 hexadecimal digits that the server's log lines of this request carry, or None.
        results: of a write of several documents, what became of each up to the failure; else empty.
    """

    def __init__(
        self,
        detail: str,
        *,
        code: str,
        status: int | None = None,
        field: str | None = None,
        trace_id: str | None = None,
        results: tuple[DocumentOutcome, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.status = status
        self.field = field
        self.trace_id = trace_id
        self.results = results

    def __str__(self) -> str:
        parts = [self.code]
        if self.field:
            parts.append(f"field {self.field}")
        if self.trace_id:
            parts.append(f"trace {self.trace_id}")
        return f"{self.detail} ({', '.join(parts)})"


class ConnectionFailedError(SextantError):
    """No answer came: the server could not be reached, or the connection broke and retrying did not help."""


class InvalidArgumentError(SextantError):
    """The request is malformed, or a value in it is of the wrong type or out of range."""


class LimitExceededError(InvalidArgumentError):
    """A value, or the whole request, exceeds a configured limit of the server."""


class InvalidVectorError(InvalidArgumentError):
    """A vector holds what is no finite float32, or is zero where it must be normalised."""


class EmbeddingContractError(InvalidArgumentError):
    """Dimension or model differ from what the library was established with."""


class IdempotencyKeyReusedError(InvalidArgumentError):
    """The same idempotency key came with another request before."""


class NotSupportedYetError(SextantError):
    """The API has it, this server has it not."""


class NotFoundError(SextantError):
    """The path, library, document or chunk does not exist."""


class LibraryNotFoundError(NotFoundError):
    """There is no library of this name."""


class DocumentNotFoundError(NotFoundError):
    """There is no document of this id."""


class ChunkNotFoundError(NotFoundError):
    """There is no chunk of this id."""


class ConflictError(SextantError):
    """The request contradicts what is stored."""


class LibraryExistsError(ConflictError):
    """A library of this name exists."""


class DocumentExistsError(ConflictError):
    """A document of this id exists, and it was to be created."""


class TransactionConflictError(ConflictError):
    """Another commit changed what the transaction touches; nothing was changed, try again."""


class PreconditionFailedError(ConflictError):
    """The document is of another version than `if_match` names, or it exists though it must not."""


class AuthenticationError(SextantError):
    """The API key is missing, unknown or not allowed to do this."""


class EmbeddingUnavailableError(SextantError):
    """A text was given and nothing can embed it."""


class DeadlineExceededError(SextantError):
    """The time allowed was over. A write may have happened or not; repeating it with its idempotency key tells."""


class OutcomeUnknownError(SextantError):
    """The write was committed or not; repeating it with its idempotency key, once the server is back, tells."""


class ServerError(SextantError):
    """The server failed."""


class UnavailableError(ServerError):
    """The server cannot work on the request now: too busy, starting, stopping, or out of space."""


_BY_CODE: Mapping[str, type[SextantError]] = {
    "invalid_argument": InvalidArgumentError,
    "limit_exceeded": LimitExceededError,
    "payload_too_large": LimitExceededError,
    "invalid_vector": InvalidVectorError,
    "embedding_contract_violation": EmbeddingContractError,
    "idempotency_key_reused": IdempotencyKeyReusedError,
    "not_supported_yet": NotSupportedYetError,
    "library_not_found": LibraryNotFoundError,
    "document_not_found": DocumentNotFoundError,
    "chunk_not_found": ChunkNotFoundError,
    "library_exists": LibraryExistsError,
    "document_exists": DocumentExistsError,
    "transaction_conflict": TransactionConflictError,
    "transaction_too_old": TransactionConflictError,
    "precondition_failed": PreconditionFailedError,
    "unauthenticated": AuthenticationError,
    "permission_denied": AuthenticationError,
    "embedding_unavailable": EmbeddingUnavailableError,
    "deadline_exceeded": DeadlineExceededError,
    "outcome_unknown": OutcomeUnknownError,
    "backpressure": UnavailableError,
    "out_of_space": UnavailableError,
    "shutting_down": UnavailableError,
    "store_poisoned": UnavailableError,
    "unavailable": UnavailableError,
    "connection_failed": ConnectionFailedError,
}

_BY_STATUS: Mapping[int, type[SextantError]] = {
    400: InvalidArgumentError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    413: LimitExceededError,
    422: InvalidArgumentError,
    429: UnavailableError,
    503: UnavailableError,
    504: DeadlineExceededError,
}


def error_from_problem(problem: Mapping[str, Any], status: int | None = None) -> SextantError:
    """The error that a problem (RFC 9457) of the API describes; `status` where it does not say its own."""
    code = str(problem.get("code", "unexpected_answer"))
    actual = problem.get("status", status)
    actual = actual if isinstance(actual, int) else status
    fallback = _BY_STATUS.get(actual or 0, ServerError if (actual or 0) >= 500 else SextantError)
    return _BY_CODE.get(code, fallback)(
        str(problem.get("detail") or problem.get("title") or f"the server answered {actual}"),
        code=code,
        status=actual,
        field=problem.get("field"),
        trace_id=problem.get("trace_id"),
    )
