// Compares every kernel this machine can run with the scalar ones, bit by bit. It needs no library, so that
// it can be cross-compiled and run under an emulator (tools/check_neon.sh). Leaves with 1 at the first
// difference.
#include <array>
#include <bit>
#include <cstdio>
#include <string>
#include <vector>

#include "kernels/distance.h"

namespace {

constexpr std::size_t kMaxDimension = 2048;
constexpr std::size_t kRows = 5;

/// Mostly ordinary values; now and then a denormal, a zero of either sign, or one that overflows when
/// squared.
std::vector<float> mixed_floats(std::size_t count, std::uint64_t state, bool with_specials) {
  constexpr std::array<float, 6> kSpecials = {0.0F, -0.0F, 1e-45F, -3e-39F, 1e-30F, 3e38F};
  std::vector<float> values(count);
  for (float& value : values) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<float>(static_cast<std::int64_t>(state)) * 0x1p-63F;
    const std::size_t kind = state >> 56;
    if (with_specials && kind < kSpecials.size()) value = kSpecials[kind];
  }
  return values;
}

bool differ(float a, float b) {
  const bool both_nan = a != a && b != b;
  return std::bit_cast<std::uint32_t>(a) != std::bit_cast<std::uint32_t>(b) && !both_nan;
}

/// The answers of one set of kernels to one question, in a fixed order.
std::vector<float> answers(const sextant::DistanceKernels& kernels, const float* query, const float* rows,
                           std::size_t stride, std::size_t dimension) {
  constexpr std::array<std::uint32_t, kRows> kSlots = {3, 0, 4, 4, 1};
  std::vector<float> out(3 + 4 * kRows);
  out[0] = kernels.dot(query, rows, dimension);
  out[1] = kernels.l2_squared(query, rows, dimension);
  out[2] = kernels.cosine(query, rows, dimension);
  float* next = out.data() + 3;
  kernels.dot_rows(query, rows, stride, kRows, dimension, next);
  kernels.l2_squared_rows(query, rows, stride, kRows, dimension, next + kRows);
  kernels.dot_gather(query, rows, stride, kSlots.data(), kRows, dimension, next + 2 * kRows);
  kernels.l2_squared_gather(query, rows, stride, kSlots.data(), kRows, dimension, next + 3 * kRows);
  return out;
}

}  // namespace

int main() {
  const auto available = sextant::available_distance_kernels();
  std::string names;
  std::size_t compared = 0;
  for (const auto* kernels : available)
    names += " " + std::string(sextant::instruction_set_name(kernels->set));
  for (const bool with_specials : {false, true}) {
    const auto query = mixed_floats(kMaxDimension + 16, 1, with_specials);
    const auto rows = mixed_floats(kRows * (kMaxDimension + 3) + 16, 2, with_specials);
    for (std::size_t dimension = 1; dimension <= kMaxDimension; ++dimension) {
      const std::size_t stride = dimension + dimension % 4;
      const float* q = query.data() + dimension % 16;
      const float* r = rows.data() + (dimension + 5) % 16;
      const auto expected = answers(*available.front(), q, r, stride, dimension);
      for (const auto* kernels : available.subspan(1)) {
        const auto got = answers(*kernels, q, r, stride, dimension);
        for (std::size_t i = 0; i < got.size(); ++i, ++compared) {
          if (!differ(expected[i], got[i])) continue;
          std::printf("%s differs from scalar: dimension %zu, answer %zu: %a, not %a\n",
                      std::string(sextant::instruction_set_name(kernels->set)).c_str(), dimension, i,
                      static_cast<double>(got[i]), static_cast<double>(expected[i]));
          return 1;
        }
      }
    }
  }
  std::printf("equal bits on dimensions 1 to %zu, %zu values compared; kernels:%s\n", kMaxDimension, compared,
              names.c_str());
  return available.size() > 1 ? 0 : 1;
}
