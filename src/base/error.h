// Errors as values: what went wrong, in words a caller can act on.
//
// A code exists only where some caller reacts to exactly it; everything else shares a code and differs
// in its message. Codes are part of the API (`code` in problem+json) and are never renamed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sextant {

enum class ErrorCode : std::uint8_t {
  kInvalidArgument,             // a malformed request; `field` says which part
  kUnsupportedMediaType,        // the body's content type is not one we read
  kMethodNotAllowed,            // the path exists, the method does not
  kNotSupportedYet,             // specified, not built
  kRouteNotFound,               // no such path
  kLibraryNotFound,             //
  kLibraryExists,               //
  kDocumentNotFound,            //
  kDocumentExists,              //
  kChunkNotFound,               //
  kChunkIdTaken,                // the id belongs to a chunk of another document
  kEmbeddingContractViolation,  // dimension, model, normalization or metric differ from the library's
                                // contract
  kInvalidVector,               // NaN, infinity, zero or overflowing norm
  kEmbeddingUnavailable,        // text was given and no embedding provider can embed it
  kPreconditionFailed,          // If-Match names another version
  kTransactionConflict,         // somebody else changed what the transaction read or writes
  kTransactionTooOld,           // the conflict history no longer reaches back to the transaction's snapshot
  kIdempotencyKeyReused,        // the same key with another request
  kCommitNotVisible,            // `after` names a commit that this database has not applied
  kPayloadTooLarge,             // 413
  kLimitExceeded,               // 422: a configured limit on a value
  kDeadlineExceeded,            //
  kBackpressure,                // 429: queues are full; try again
  kUnauthenticated,             //
  kPermissionDenied,            //
  kOwnerLockHeld,               // another process owns the database directory
  kDamaged,                     // stored bytes fail their checksum or contradict each other
  kFormatTooNew,                // written by a newer build
  kOutOfSpace,                  // ENOSPC
  kIo,                          // any other failure of the file system
  kOutcomeUnknown,              // committed or not: recovery will tell
  kStorePoisoned,               // a sync failed: nothing is acknowledged any more
  kShuttingDown,                //
  kUnavailable,                 // a remote party did not answer
  kInternal,                    // our own mistake
};

/// The stable name of a code, e.g. "library_not_found". Static lifetime.
std::string_view error_name(ErrorCode code);

/// The code with this stable name, or kInternal when there is none.
ErrorCode error_code_from_name(std::string_view name);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // one sentence for a person, naming values and limits
  std::string field;    // the request's field at fault as a path ("documents[3].chunks[0].vector"), or empty
  std::shared_ptr<const Error> cause;

  /// "library_not_found: no library 'x' (field name); caused by ...", for logs and tests.
  std::string to_string() const;
};

/// An error without a field.
Error make_error(ErrorCode code, std::string message);
/// An error of one field of the request.
Error field_error(ErrorCode code, std::string field, std::string message);
/// The same error, its field prefixed with `prefix` ("documents[3]" + "chunks[0].vector").
Error in_field(std::string_view prefix, Error error);
/// A new error caused by another.
Error caused_by(ErrorCode code, std::string message, Error cause);

}  // namespace sextant
