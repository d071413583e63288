// What a set of distance kernels is: names and function pointers, shared by the dispatcher and every
// instruction set.
//
// This header is included by files built for instruction sets the machine may not have. It therefore holds no
// inline function and includes nothing that does: the linker keeps one copy of an inline function, and that
// copy might be the one made for the newer processor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sextant {

/// The number of accumulators every kernel sums into, whatever the width of its registers.
inline constexpr std::size_t kLanes = 32;

enum class InstructionSet : std::uint8_t { kScalar, kAvx2, kAvx512, kNeon };

struct DistanceKernels {
  InstructionSet set;
  /// Sum of a[i] * b[i].
  float (*dot)(const float* a, const float* b, std::size_t dimension);
  /// Sum of (a[i] - b[i])^2.
  float (*l2_squared)(const float* a, const float* b, std::size_t dimension);
  /// Cosine similarity: dot(a, b) / (sqrt(dot(a, a)) * sqrt(dot(b, b))); 0 when either norm is 0.
  float (*cosine)(const float* a, const float* b, std::size_t dimension);
  /// out[r] = dot(query, rows + r * stride) for r in [0, count); stride in floats, at least dimension.
  void (*dot_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count,
                   std::size_t dimension, float* out);
  /// out[r] = l2_squared(query, rows + r * stride).
  void (*l2_squared_rows)(const float* query, const float* rows, std::size_t stride, std::size_t count,
                          std::size_t dimension, float* out);
  /// out[i] = dot(query, base + slots[i] * stride) for i in [0, count): scattered rows, fetched ahead.
  void (*dot_gather)(const float* query, const float* base, std::size_t stride, const std::uint32_t* slots,
                     std::size_t count, std::size_t dimension, float* out);
  /// out[i] = l2_squared(query, base + slots[i] * stride).
  void (*l2_squared_gather)(const float* query, const float* base, std::size_t stride,
                            const std::uint32_t* slots, std::size_t count, std::size_t dimension, float* out);
};

// The tables of the instruction sets. Only distance.cpp names them: it alone knows which of them can run
// here, and calling into another one is an illegal instruction.
extern const DistanceKernels kScalarDistanceKernels;
extern const DistanceKernels kAvx2DistanceKernels;
extern const DistanceKernels kAvx512DistanceKernels;
extern const DistanceKernels kNeonDistanceKernels;

/// The last step of every cosine kernel, compiled once so that its division and roots are the same
/// everywhere.
float cosine_from_sums(float dot, float squared_norm_a, float squared_norm_b);

}  // namespace sextant
