#include "providers/unit_vector.h"

#include <cmath>

namespace sextant {

bool scale_to_unit_length(std::span<float> vector) {
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * x;
  const double length = std::sqrt(squares);
  if (!std::isfinite(length) || length == 0) return false;
  for (float& x : vector) x = static_cast<float>(x / length);
  return true;
}

}  // namespace sextant
