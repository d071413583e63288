#include "providers/local/encoder_kernels.h"

#include <array>

#include "providers/local/encoder_kernels_table.h"

namespace sextant {
namespace {

struct Available {
  std::array<const EncoderKernels*, 3> kernels = {&kPortableEncoderKernels};
  std::size_t count = 1;
};

/// Those whose instruction set the distance kernels found on this machine.
Available find_available() {
  Available available;
#if defined(__x86_64__)
  for (const DistanceKernels* found : available_distance_kernels()) {
    for (const EncoderKernels* kernels : {&kAvx2EncoderKernels, &kAvx512EncoderKernels}) {
      if (found->set == kernels->set) available.kernels[available.count++] = kernels;
    }
  }
#endif
  return available;
}

const EncoderKernels& choose() {
  for (const EncoderKernels* kernels : available_encoder_kernels()) {
    if (kernels->set == distance_kernels().set) return *kernels;
  }
  return kPortableEncoderKernels;
}

}  // namespace

std::size_t attention_scratch_floats(const AttentionShape& shape) {
  // The widest registers hold 16 floats, and at most four rows are worked on at once.
  constexpr std::size_t kWidest = 16;
  constexpr std::size_t kMostRows = 4;
  const auto padded = [](std::size_t n) { return (n + kWidest - 1) / kWidest * kWidest; };
  const std::size_t tokens = padded(shape.tokens);
  const std::size_t width = padded(shape.head_width);
  return shape.head_width * tokens + shape.tokens * width + kMostRows * (tokens + width);
}

std::span<const EncoderKernels* const> available_encoder_kernels() {
  static const Available available = find_available();
  return {available.kernels.data(), available.count};
}

const EncoderKernels& encoder_kernels() {
  static const EncoderKernels& chosen = choose();
  return chosen;
}

}  // namespace sextant
