// The kernels for x86-64 with AVX2 and FMA: a stripe is four registers, two scattered rows fit at once.
#include <immintrin.h>

#include "kernels/distance_loops.h"

namespace sextant {
namespace {

struct Avx2 {
  struct Stripe {
    __m256 a, b, c, d;  // lanes 0-7, 8-15, 16-23, 24-31
  };
  static constexpr std::size_t kRows = 2;

  static SEXTANT_ALWAYS_INLINE Stripe zero() {
    const __m256 z = _mm256_setzero_ps();
    return {z, z, z, z};
  }
  static SEXTANT_ALWAYS_INLINE Stripe load(const float* p) {
    return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8), _mm256_loadu_ps(p + 16), _mm256_loadu_ps(p + 24)};
  }
  static SEXTANT_ALWAYS_INLINE Stripe load_tail(const float* p, std::size_t n) {
    // Lane j is wanted when j < n. A masked-out lane is not read and gives +0.
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i wanted = _mm256_set1_epi32(static_cast<int>(n));
    const auto part = [&](int first) __attribute__((always_inline)) {
      const __m256i lane = _mm256_add_epi32(lanes, _mm256_set1_epi32(first));
      return _mm256_maskload_ps(p + first, _mm256_cmpgt_epi32(wanted, lane));
    };
    return {part(0), part(8), part(16), part(24)};
  }
  static SEXTANT_ALWAYS_INLINE Stripe multiply_add(Stripe x, Stripe y, Stripe sum) {
    return {_mm256_fmadd_ps(x.a, y.a, sum.a), _mm256_fmadd_ps(x.b, y.b, sum.b),
            _mm256_fmadd_ps(x.c, y.c, sum.c), _mm256_fmadd_ps(x.d, y.d, sum.d)};
  }
  static SEXTANT_ALWAYS_INLINE Stripe subtract(Stripe x, Stripe y) {
    return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b), _mm256_sub_ps(x.c, y.c),
            _mm256_sub_ps(x.d, y.d)};
  }
  /// 32 lanes to 8.
  static SEXTANT_ALWAYS_INLINE __m256 fold_to_8(Stripe sum) {
    return _mm256_add_ps(_mm256_add_ps(sum.a, sum.c), _mm256_add_ps(sum.b, sum.d));
  }
  static SEXTANT_ALWAYS_INLINE float fold(Stripe sum) {
    const __m256 eight = fold_to_8(sum);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static SEXTANT_ALWAYS_INLINE void fold_rows(const Stripe (&sums)[kRows], float* out) {
    // From 8 lanes down, both rows share each register: row 0 in its lower half, row 1 in its upper.
    const __m256 first = fold_to_8(sums[0]);
    const __m256 second = fold_to_8(sums[1]);
    const __m256 four = _mm256_add_ps(_mm256_permute2f128_ps(first, second, 0x20),
                                      _mm256_permute2f128_ps(first, second, 0x31));
    const __m256 two = _mm256_add_ps(four, _mm256_permute_ps(four, 0x0E));
    const __m256 one = _mm256_add_ps(two, _mm256_movehdup_ps(two));
    out[0] = _mm256_cvtss_f32(one);
    out[1] = _mm_cvtss_f32(_mm256_extractf128_ps(one, 1));
  }
};

}  // namespace

constinit const DistanceKernels kAvx2DistanceKernels = distance_loops::table<Avx2>(InstructionSet::kAvx2);

}  // namespace sextant
