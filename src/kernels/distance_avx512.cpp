// The kernels for x86-64 with AVX-512 (F, BW, DQ, VL): a stripe is two registers, four rows run as eight
// chains.
#include <immintrin.h>

#include "kernels/distance_loops.h"

namespace sextant {
namespace {

struct Avx512 {
  struct Stripe {
    __m512 low, high;  // lanes 0-15, 16-31
  };
  static constexpr std::size_t kRows = 4;

  static SEXTANT_ALWAYS_INLINE Stripe zero() { return {_mm512_setzero_ps(), _mm512_setzero_ps()}; }
  static SEXTANT_ALWAYS_INLINE Stripe load(const float* p) {
    return {_mm512_loadu_ps(p), _mm512_loadu_ps(p + 16)};
  }
  static SEXTANT_ALWAYS_INLINE Stripe load_tail(const float* p, std::size_t n) {
    // A masked-out lane is not read and gives +0.
    const auto wanted = static_cast<std::uint32_t>((std::uint64_t{1} << n) - 1);
    return {_mm512_maskz_loadu_ps(static_cast<__mmask16>(wanted), p),
            _mm512_maskz_loadu_ps(static_cast<__mmask16>(wanted >> 16), p + 16)};
  }
  static SEXTANT_ALWAYS_INLINE Stripe multiply_add(Stripe x, Stripe y, Stripe sum) {
    return {_mm512_fmadd_ps(x.low, y.low, sum.low), _mm512_fmadd_ps(x.high, y.high, sum.high)};
  }
  static SEXTANT_ALWAYS_INLINE Stripe subtract(Stripe x, Stripe y) {
    return {_mm512_sub_ps(x.low, y.low), _mm512_sub_ps(x.high, y.high)};
  }
  static SEXTANT_ALWAYS_INLINE __m512 fold_to_16(Stripe sum) { return _mm512_add_ps(sum.low, sum.high); }
  static SEXTANT_ALWAYS_INLINE float fold(Stripe sum) {
    const __m512 sixteen = fold_to_16(sum);
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(sixteen), _mm512_extractf32x8_ps(sixteen, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  /// The halves of a beside the halves of b: 16 lanes of each to 8 of each.
  static SEXTANT_ALWAYS_INLINE __m512 fold_pair_to_8(__m512 a, __m512 b) {
    return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
  }
  static SEXTANT_ALWAYS_INLINE void fold_rows(const Stripe (&sums)[kRows], float* out) {
    const __m512 rows_01 = fold_pair_to_8(fold_to_16(sums[0]), fold_to_16(sums[1]));
    const __m512 rows_23 = fold_pair_to_8(fold_to_16(sums[2]), fold_to_16(sums[3]));
    // Row r now moves to quarter r, its lanes 0-3 from one operand and 4-7 from the other.
    const __m512 four = _mm512_add_ps(_mm512_shuffle_f32x4(rows_01, rows_23, 0x88),
                                      _mm512_shuffle_f32x4(rows_01, rows_23, 0xDD));
    const __m512 two = _mm512_add_ps(four, _mm512_permute_ps(four, 0x0E));
    const __m512 one = _mm512_add_ps(two, _mm512_movehdup_ps(two));
    const __m512i first_of_quarters = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_permutexvar_ps(first_of_quarters, one)));
  }
};

}  // namespace

constinit const DistanceKernels kAvx512DistanceKernels =
    distance_loops::table<Avx512>(InstructionSet::kAvx512);

}  // namespace sextant
