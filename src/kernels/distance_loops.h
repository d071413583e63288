// The distance kernels, written once: the lane rule of distance.h over the registers of an instruction set.
//
// An instruction set gives its registers as a type `Isa`:
//   Stripe                      kLanes floats
//   kRows                       how many scattered rows it has registers for at once (1, 2 or 4)
//   zero(), load(p)             a stripe of +0; of p[0..kLanes)
//   load_tail(p, n)             p[0..n) and then zeros, 0 < n < kLanes; reads nothing beyond
//   multiply_add(x, y, sum)     fma(x, y, sum) in each lane
//   subtract(x, y)              x - y in each lane
//   fold(stripe)                the sum by halving
//   fold_rows(sums, out)        out[r] = fold(sums[r]) for kRows stripes
// Isa must live in an unnamed namespace: everything below is then private to the file that instantiates it,
// and no code built for one processor can be linked in place of another's. For the same reason this file
// holds templates only.
#pragma once

#include "kernels/distance_table.h"

#define SEXTANT_ALWAYS_INLINE inline __attribute__((always_inline))

namespace sextant::distance_loops {

inline constexpr std::size_t kFloatsPerCacheLine = 16;
/// How many scattered rows ahead of the arithmetic are fetched. Measured: 4 are enough, 8 gain nothing.
inline constexpr std::size_t kRowsAhead = 4;

struct Dot {
  template <typename Isa>
  static SEXTANT_ALWAYS_INLINE typename Isa::Stripe step(typename Isa::Stripe x, typename Isa::Stripe y,
                                                         typename Isa::Stripe sum) {
    return Isa::multiply_add(x, y, sum);
  }
};

struct L2Squared {
  template <typename Isa>
  static SEXTANT_ALWAYS_INLINE typename Isa::Stripe step(typename Isa::Stripe x, typename Isa::Stripe y,
                                                         typename Isa::Stripe sum) {
    const auto difference = Isa::subtract(x, y);
    return Isa::multiply_add(difference, difference, sum);
  }
};

template <typename Isa, typename Op>
float single(const float* a, const float* b, std::size_t dimension) {
  auto sum = Isa::zero();
  std::size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    sum = Op::template step<Isa>(Isa::load(a + i), Isa::load(b + i), sum);
  }
  if (i < dimension) {
    sum = Op::template step<Isa>(Isa::load_tail(a + i, dimension - i), Isa::load_tail(b + i, dimension - i),
                                 sum);
  }
  return Isa::fold(sum);
}

template <typename Isa>
float cosine(const float* a, const float* b, std::size_t dimension) {
  auto dot = Isa::zero();
  auto norm_a = Isa::zero();
  auto norm_b = Isa::zero();
  const auto add = [&](typename Isa::Stripe x, typename Isa::Stripe y) __attribute__((always_inline)) {
    dot = Isa::multiply_add(x, y, dot);
    norm_a = Isa::multiply_add(x, x, norm_a);
    norm_b = Isa::multiply_add(y, y, norm_b);
  };
  std::size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) add(Isa::load(a + i), Isa::load(b + i));
  if (i < dimension) add(Isa::load_tail(a + i, dimension - i), Isa::load_tail(b + i, dimension - i));
  return cosine_from_sums(Isa::fold(dot), Isa::fold(norm_a), Isa::fold(norm_b));
}

/// Row after row: the processor follows one stream best. Several rows at once are faster in the first-level
/// cache but cost up to half the speed of a scan from memory (measured on Zen 4).
template <typename Isa, typename Op>
void rows(const float* query, const float* base, std::size_t stride, std::size_t count, std::size_t dimension,
          float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = single<Isa, Op>(query, base + i * stride, dimension);
}

/// kRows rows against one query, so that a stripe of the query is loaded once for all of them and their sums
/// are independent chains. `ahead` are the rows to fetch meanwhile.
template <typename Isa, typename Op>
SEXTANT_ALWAYS_INLINE void group(const float* query, const float* const (&rows)[Isa::kRows],
                                 const float* const (&ahead)[Isa::kRows], std::size_t dimension, float* out) {
  typename Isa::Stripe sums[Isa::kRows];
#pragma GCC unroll 4
  for (std::size_t r = 0; r < Isa::kRows; ++r) sums[r] = Isa::zero();
  std::size_t i = 0;
  for (; i + kLanes <= dimension; i += kLanes) {
    const auto x = Isa::load(query + i);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Isa::kRows; ++r) {
      __builtin_prefetch(ahead[r] + i);
      __builtin_prefetch(ahead[r] + i + kFloatsPerCacheLine);
      sums[r] = Op::template step<Isa>(x, Isa::load(rows[r] + i), sums[r]);
    }
  }
  if (i < dimension) {
    const auto x = Isa::load_tail(query + i, dimension - i);
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Isa::kRows; ++r) {
      __builtin_prefetch(ahead[r] + i);
      __builtin_prefetch(ahead[r] + dimension - 1);
      sums[r] = Op::template step<Isa>(x, Isa::load_tail(rows[r] + i, dimension - i), sums[r]);
    }
  }
  Isa::fold_rows(sums, out);
}

template <typename Isa, typename Op>
void gather(const float* query, const float* base, std::size_t stride, const std::uint32_t* slots,
            std::size_t count, std::size_t dimension, float* out) {
  constexpr std::size_t kRows = Isa::kRows;
  std::size_t i = 0;
  for (; i + kRows <= count; i += kRows) {
    const float* rows[kRows];
    const float* ahead[kRows];
    const std::size_t target = i + kRowsAhead + kRows <= count ? i + kRowsAhead : i;
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRows; ++r) {
      rows[r] = base + slots[i + r] * stride;
      ahead[r] = base + slots[target + r] * stride;
    }
    group<Isa, Op>(query, rows, ahead, dimension, out + i);
  }
  for (; i < count; ++i) out[i] = single<Isa, Op>(query, base + slots[i] * stride, dimension);
}

template <typename Isa>
constexpr DistanceKernels table(InstructionSet set) {
  return {.set = set,
          .dot = single<Isa, Dot>,
          .l2_squared = single<Isa, L2Squared>,
          .cosine = cosine<Isa>,
          .dot_rows = rows<Isa, Dot>,
          .l2_squared_rows = rows<Isa, L2Squared>,
          .dot_gather = gather<Isa, Dot>,
          .l2_squared_gather = gather<Isa, L2Squared>};
}

}  // namespace sextant::distance_loops
