// Outcomes of requests with idempotency keys, as the record store remembers them.
#pragma once

#include <optional>
#include <string_view>

#include "engine/types.h"
#include "storage/record_store.h"

namespace sextant {

/// What the request with this key was answered, nullopt when it is not known. kIdempotencyKeyReused when the
/// key was another request's.
Result<std::optional<WriteResult>> find_outcome(const RecordSnapshot& records,
                                                const IdempotencyKey& idempotency);
/// The same from the encoded message.
Result<std::optional<WriteResult>> decode_outcome(std::string_view bytes, const IdempotencyKey& idempotency);

}  // namespace sextant
