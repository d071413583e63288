// Distances between float32 vectors, by the best instruction set of the machine, bit-identical on all of them.
//
// The lane rule: with L = kLanes, element i is accumulated into lane i mod L by one fused multiply-add
// (lane = fma(x, y, lane); for l2, x = y = the rounded difference); the last, partial stripe is padded with zeros to
// L elements; the lanes are folded by halving: lane j += lane j + L/2, then L/4, ... down to 1. Nothing else is
// contracted or reordered, denormals are kept. So scalar, AVX2, AVX-512 and NEON give equal bits, which is what
// makes replicas, exact search and graph construction deterministic.
//
// Pointers need no alignment; rows of a store are 64-byte aligned, which is faster. Any thread may call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sextant {

inline constexpr std::size_t kLanes = 32;

enum class InstructionSet : std::uint8_t { kScalar, kAvx2, kAvx512, kNeon };
std::string_view instruction_set_name(InstructionSet set);

struct DistanceKernels {
  InstructionSet set;
  /// Sum of a[i] * b[i].
  float (*dot)(const float* a, const float* b, std::size_t dimension);
  /// Sum of (a[i] - b[i])^2.
  float (*l2_squared)(const float* a, const float* b, std::size_t dimension);
  /// Cosine similarity: dot(a, b) / (sqrt(dot(a, a)) * sqrt(dot(b, b))); 0 when either norm is 0.
  float (*cosine)(const float* a, const float* b, std::size_t dimension);
  /// out[r] = dot(query, rows + r * stride) for r in [0, count); stride in floats, at least dimension.
  void (*dot_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count, std::size_t dimension,
                   float* out);
  /// out[r] = l2_squared(query, rows + r * stride).
  void (*l2_squared_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count,
                          std::size_t dimension, float* out);
};

/// The kernels in use: the best this machine has, or what SEXTANT_KERNELS (scalar, avx2, avx512, neon) names if the
/// machine has it. Chosen once.
const DistanceKernels& distance_kernels();
/// What can run here, slowest first; kScalar always.
std::span<const DistanceKernels* const> available_distance_kernels();

}  // namespace sextant
