#include "base/error.h"

#include <array>
#include <utility>

namespace sextant {
namespace {

struct Name {
  ErrorCode code;
  std::string_view name;
};

constexpr std::array kNames = {
    Name{ErrorCode::kInvalidArgument, "invalid_argument"},
    Name{ErrorCode::kUnsupportedMediaType, "unsupported_media_type"},
    Name{ErrorCode::kMethodNotAllowed, "method_not_allowed"},
    Name{ErrorCode::kNotSupportedYet, "not_supported_yet"},
    Name{ErrorCode::kRouteNotFound, "route_not_found"},
    Name{ErrorCode::kLibraryNotFound, "library_not_found"},
    Name{ErrorCode::kLibraryExists, "library_exists"},
    Name{ErrorCode::kDocumentNotFound, "document_not_found"},
    Name{ErrorCode::kDocumentExists, "document_exists"},
    Name{ErrorCode::kChunkNotFound, "chunk_not_found"},
    Name{ErrorCode::kChunkIdTaken, "chunk_id_taken"},
    Name{ErrorCode::kEmbeddingContractViolation, "embedding_contract_violation"},
    Name{ErrorCode::kInvalidVector, "invalid_vector"},
    Name{ErrorCode::kEmbeddingUnavailable, "embedding_unavailable"},
    Name{ErrorCode::kPreconditionFailed, "precondition_failed"},
    Name{ErrorCode::kTransactionConflict, "transaction_conflict"},
    Name{ErrorCode::kTransactionTooOld, "transaction_too_old"},
    Name{ErrorCode::kIdempotencyKeyReused, "idempotency_key_reused"},
    Name{ErrorCode::kCommitNotVisible, "commit_not_visible"},
    Name{ErrorCode::kPayloadTooLarge, "payload_too_large"},
    Name{ErrorCode::kLimitExceeded, "limit_exceeded"},
    Name{ErrorCode::kDeadlineExceeded, "deadline_exceeded"},
    Name{ErrorCode::kBackpressure, "backpressure"},
    Name{ErrorCode::kUnauthenticated, "unauthenticated"},
    Name{ErrorCode::kPermissionDenied, "permission_denied"},
    Name{ErrorCode::kOwnerLockHeld, "owner_lock_held"},
    Name{ErrorCode::kDamaged, "damaged"},
    Name{ErrorCode::kFormatTooNew, "format_too_new"},
    Name{ErrorCode::kOutOfSpace, "out_of_space"},
    Name{ErrorCode::kIo, "io"},
    Name{ErrorCode::kOutcomeUnknown, "outcome_unknown"},
    Name{ErrorCode::kStorePoisoned, "store_poisoned"},
    Name{ErrorCode::kShuttingDown, "shutting_down"},
    Name{ErrorCode::kUnavailable, "unavailable"},
    Name{ErrorCode::kInternal, "internal"},
};

constexpr bool in_order_of_codes() {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (static_cast<std::size_t>(kNames[i].code) != i) return false;
  }
  return kNames.size() == static_cast<std::size_t>(ErrorCode::kInternal) + 1;
}
static_assert(in_order_of_codes(), "every code has its name, in the order of the enumeration");

}  // namespace

std::string_view error_name(ErrorCode code) { return kNames[static_cast<std::size_t>(code)].name; }

ErrorCode error_code_from_name(std::string_view name) {
  for (const Name& known : kNames) {
    if (known.name == name) return known.code;
  }
  return ErrorCode::kInternal;
}

std::string Error::to_string() const {
  std::string text(error_name(code));
  text.append(": ").append(message);
  if (!field.empty()) text.append(" (").append(field).append(")");
  if (cause) text.append("; caused by ").append(cause->to_string());
  return text;
}

Error make_error(ErrorCode code, std::string message) { return field_error(code, {}, std::move(message)); }

Error field_error(ErrorCode code, std::string field, std::string message) {
  return Error{.code = code, .message = std::move(message), .field = std::move(field), .cause = nullptr};
}

Error in_field(std::string_view prefix, Error error) {
  std::string path(prefix);
  if (!path.empty() && !error.field.empty() && error.field.front() != '[') path.push_back('.');
  error.field = path.append(error.field);
  return error;
}

Error caused_by(ErrorCode code, std::string message, Error cause) {
  Error error = make_error(code, std::move(message));
  error.cause = std::make_shared<const Error>(std::move(cause));
  return error;
}

}  // namespace sextant
