// Vectors in requests: an array of numbers, or a base64 string of little-endian float32 (ten times cheaper).
//
// Stateless; any thread.
#pragma once

#include <vector>

#include "server/json_fields.h"

namespace sextant {

/// kInvalidArgument for what is neither, for a string that is not whole floats, and for no numbers at all;
/// kInvalidVector, naming the element, for a number beyond float32. NaN and infinity, which base64 can carry,
/// are the engine's to refuse.
Result<std::vector<float>> read_vector(const Json& json, const FieldPath& path);

ValueType<std::vector<float>> vector_value();

}  // namespace sextant
