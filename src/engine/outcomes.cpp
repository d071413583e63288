#include "engine/outcomes.h"

#include <fmt/format.h>

#include "engine/keys.h"
#include "engine/record_codec.h"

namespace sextant {

Result<std::optional<WriteResult>> find_outcome(const RecordSnapshot& records,
                                                const IdempotencyKey& idempotency) {
  TRY_ASSIGN(const auto stored,
             records.get(Family::kMeta, keys::outcome(idempotency.scope, idempotency.key)));
  if (!stored) return std::optional<WriteResult>();
  return decode_outcome(*stored, idempotency);
}

Result<std::optional<WriteResult>> decode_outcome(std::string_view bytes, const IdempotencyKey& idempotency) {
  record::RememberOutcome message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(ErrorCode::kDamaged, "a stored outcome cannot be decoded");
  }
  if (message.request_hash() != idempotency.request_hash) {
    return fail(ErrorCode::kIdempotencyKeyReused,
                fmt::format("the idempotency key '{}' was used for another request", idempotency.key));
  }
  return std::optional<WriteResult>(decode_result(message));
}

}  // namespace sextant
