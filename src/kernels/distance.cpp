#include "kernels/distance.h"

#include <array>
#include <cmath>
#include <cstdlib>

namespace sextant {
namespace {

struct Available {
  std::array<const DistanceKernels*, 3> kernels = {&kScalarDistanceKernels};
  std::size_t count = 1;

  void add(const DistanceKernels& kernel) { kernels[count++] = &kernel; }
};

Available find_available() {
  Available available;
#if defined(__x86_64__)
  // These ask the processor and, through XGETBV, whether the operating system saves the registers.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) available.add(kAvx2DistanceKernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    available.add(kAvx512DistanceKernels);
  }
#elif defined(__aarch64__)
  available.add(kNeonDistanceKernels);
#endif
  return available;
}

const DistanceKernels& choose() {
  const auto available = available_distance_kernels();
  if (const char* wanted = std::getenv("SEXTANT_KERNELS")) {
    for (const DistanceKernels* kernels : available) {
      if (instruction_set_name(kernels->set) == wanted) return *kernels;
    }
  }
  return *available.back();
}

}  // namespace

std::string_view instruction_set_name(InstructionSet set) {
  switch (set) {
    case InstructionSet::kScalar:
      return "scalar";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kAvx512:
      return "avx512";
    case InstructionSet::kNeon:
      return "neon";
  }
  return "unknown";
}

std::span<const DistanceKernels* const> available_distance_kernels() {
  static const Available available = find_available();
  return {available.kernels.data(), available.count};
}

const DistanceKernels& distance_kernels() {
  static const DistanceKernels& chosen = choose();
  return chosen;
}

float cosine_from_sums(float dot, float squared_norm_a, float squared_norm_b) {
  if (squared_norm_a == 0.0F || squared_norm_b == 0.0F) return 0.0F;
  // Two roots, not one root of the product: that would overflow or vanish for vectors whose own norms are
  // fine.
  return dot / (std::sqrt(squared_norm_a) * std::sqrt(squared_norm_b));
}

}  // namespace sextant
