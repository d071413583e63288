// The portable kernels: what every machine can run, and what the others are compared with.
#include "kernels/distance_loops.h"

namespace sextant {
namespace {

struct Scalar {
  struct Stripe {
    float lane[kLanes];
  };
  static constexpr std::size_t kRows = 1;

  static Stripe zero() { return {}; }
  static Stripe load(const float* p) { return load_tail(p, kLanes); }
  static Stripe load_tail(const float* p, std::size_t n) {
    Stripe stripe = {};
    for (std::size_t j = 0; j < n; ++j) stripe.lane[j] = p[j];
    return stripe;
  }
  static Stripe multiply_add(const Stripe& x, const Stripe& y, Stripe sum) {
    for (std::size_t j = 0; j < kLanes; ++j) sum.lane[j] = __builtin_fmaf(x.lane[j], y.lane[j], sum.lane[j]);
    return sum;
  }
  static Stripe subtract(Stripe x, const Stripe& y) {
    for (std::size_t j = 0; j < kLanes; ++j) x.lane[j] -= y.lane[j];
    return x;
  }
  static float fold(Stripe sum) {
    for (std::size_t half = kLanes / 2; half != 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) sum.lane[j] += sum.lane[j + half];
    }
    return sum.lane[0];
  }
  static void fold_rows(const Stripe (&sums)[kRows], float* out) { out[0] = fold(sums[0]); }
};

}  // namespace

constinit const DistanceKernels kScalarDistanceKernels =
    distance_loops::table<Scalar>(InstructionSet::kScalar);

}  // namespace sextant
