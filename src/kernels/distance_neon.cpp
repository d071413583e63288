// The kernels for 64-bit ARM, where NEON is always present: a stripe is eight registers, two rows fit at
// once.
#include <arm_neon.h>

#include "kernels/distance_loops.h"

namespace sextant {
namespace {

struct Neon {
  static constexpr std::size_t kRegisters = kLanes / 4;
  struct Stripe {
    float32x4_t part[kRegisters];  // part p holds lanes 4p to 4p + 3
  };
  static constexpr std::size_t kRows = 2;

  static SEXTANT_ALWAYS_INLINE Stripe zero() {
    Stripe stripe;
#pragma GCC unroll 8
    for (std::size_t p = 0; p < kRegisters; ++p) stripe.part[p] = vdupq_n_f32(0.0F);
    return stripe;
  }
  static SEXTANT_ALWAYS_INLINE Stripe load(const float* p) {
    Stripe stripe;
#pragma GCC unroll 8
    for (std::size_t r = 0; r < kRegisters; ++r) stripe.part[r] = vld1q_f32(p + 4 * r);
    return stripe;
  }
  static SEXTANT_ALWAYS_INLINE Stripe load_tail(const float* p, std::size_t n) {
    float padded[kLanes] = {};
    for (std::size_t j = 0; j < n; ++j) padded[j] = p[j];
    return load(padded);
  }
  static SEXTANT_ALWAYS_INLINE Stripe multiply_add(const Stripe& x, const Stripe& y, Stripe sum) {
#pragma GCC unroll 8
    for (std::size_t p = 0; p < kRegisters; ++p) sum.part[p] = vfmaq_f32(sum.part[p], x.part[p], y.part[p]);
    return sum;
  }
  static SEXTANT_ALWAYS_INLINE Stripe subtract(Stripe x, const Stripe& y) {
#pragma GCC unroll 8
    for (std::size_t p = 0; p < kRegisters; ++p) x.part[p] = vsubq_f32(x.part[p], y.part[p]);
    return x;
  }
  static SEXTANT_ALWAYS_INLINE float fold(Stripe sum) {
#pragma GCC unroll 4
    for (std::size_t p = 0; p < 4; ++p) sum.part[p] = vaddq_f32(sum.part[p], sum.part[p + 4]);
    const float32x4_t four =
        vaddq_f32(vaddq_f32(sum.part[0], sum.part[2]), vaddq_f32(sum.part[1], sum.part[3]));
    const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(vpadd_f32(two, two), 0);
  }
  static SEXTANT_ALWAYS_INLINE void fold_rows(const Stripe (&sums)[kRows], float* out) {
    out[0] = fold(sums[0]);
    out[1] = fold(sums[1]);
  }
};

}  // namespace

constinit const DistanceKernels kNeonDistanceKernels = distance_loops::table<Neon>(InstructionSet::kNeon);

}  // namespace sextant
