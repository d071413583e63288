// Unit length, as every embedder returns its vectors.
#pragma once

#include <span>

namespace sextant {

/// Scales `vector` to length 1, the length summed in double precision in the order of the elements. False,
/// with the vector unchanged, when its length is 0 or not finite.
bool scale_to_unit_length(std::span<float> vector);

}  // namespace sextant
