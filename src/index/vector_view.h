// What an index or a scan sees of vectors: a base address, a stride and a count. No ownership, no ids.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sextant {

enum class Metric : std::uint8_t { kCosine, kDot, kL2 };

/// `count` float32 rows of `dimension`, row r at base + r * stride (stride in floats, at least dimension). At
/// most 2^32 rows: a slot is a 32-bit number. Valid as long as the snapshot it was taken from lives. Rows of
/// kCosine are of unit length.
struct VectorView {
  const float* base = nullptr;
  std::size_t stride = 0;
  std::size_t count = 0;
  std::size_t dimension = 0;

  const float* row(std::size_t slot) const { return base + slot * stride; }
};

}  // namespace sextant
