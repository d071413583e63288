#include "kernels/distance.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <numeric>
#include <string>
#include <vector>

namespace sextant {
namespace {

constexpr std::size_t kMaxDimension = 2048;
constexpr std::size_t kMaxOffset = 15;

/// Floats in [-1, 1), the same in every run.
std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  std::vector<float> values(count);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
  for (float& value : values) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    value = static_cast<float>(static_cast<std::int64_t>(state)) * 0x1p-63F;
  }
  return values;
}

/// 64-byte aligned room for a vector at any offset of up to kMaxOffset floats.
class Room {
 public:
  explicit Room(std::size_t floats)
      : floats_(static_cast<float*>(
            ::operator new((floats + kMaxOffset) * sizeof(float), std::align_val_t{64}))) {}
  ~Room() { ::operator delete(floats_, std::align_val_t{64}); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  float* put(const std::vector<float>& values, std::size_t count, std::size_t offset) {
    std::copy_n(values.begin(), count, floats_ + offset);
    return floats_ + offset;
  }

 private:
  float* floats_;
};

/// Equal bits, or both NaN: the bits of a NaN are the processor's.
bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

std::string name(const DistanceKernels& kernels) { return std::string(instruction_set_name(kernels.set)); }

/// The lane rule, told a second time: term(i) gives the two factors of element i.
template <typename Term>
float by_the_lane_rule(std::size_t dimension, Term term) {
  std::array<float, 32> lanes = {};
  for (std::size_t i = 0; i < (dimension + 31) / 32 * 32; ++i) {
    const auto [x, y] = i < dimension ? term(i) : std::pair<float, float>(0.0F, 0.0F);
    lanes[i % 32] = std::fma(x, y, lanes[i % 32]);
  }
  for (std::size_t half : {16U, 8U, 4U, 2U, 1U}) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

float dot_by_the_rule(const float* a, const float* b, std::size_t dimension) {
  return by_the_lane_rule(dimension, [=](std::size_t i) { return std::pair(a[i], b[i]); });
}

float l2_by_the_rule(const float* a, const float* b, std::size_t dimension) {
  return by_the_lane_rule(dimension, [=](std::size_t i) { return std::pair(a[i] - b[i], a[i] - b[i]); });
}

float cosine_by_the_rule(const float* a, const float* b, std::size_t dimension) {
  const float aa = dot_by_the_rule(a, a, dimension);
  const float bb = dot_by_the_rule(b, b, dimension);
  if (aa == 0.0F || bb == 0.0F) return 0.0F;
  return dot_by_the_rule(a, b, dimension) / (std::sqrt(aa) * std::sqrt(bb));
}

void expect_the_rule(const DistanceKernels& kernels, const float* a, const float* b, std::size_t dimension) {
  EXPECT_PRED2(same_bits, kernels.dot(a, b, dimension), dot_by_the_rule(a, b, dimension));
  EXPECT_PRED2(same_bits, kernels.l2_squared(a, b, dimension), l2_by_the_rule(a, b, dimension));
  EXPECT_PRED2(same_bits, kernels.cosine(a, b, dimension), cosine_by_the_rule(a, b, dimension));
}

TEST(DistanceKernels, FollowTheLaneRuleBitForBitOnEveryDimensionAndAlignment) {
  const auto a = random_floats(kMaxDimension, 1);
  const auto b = random_floats(kMaxDimension, 2);
  Room room_a(kMaxDimension);
  Room room_b(kMaxDimension);
  for (std::size_t dimension = 1; dimension <= kMaxDimension && !HasFailure(); ++dimension) {
    const float dot = dot_by_the_rule(a.data(), b.data(), dimension);
    const float l2 = l2_by_the_rule(a.data(), b.data(), dimension);
    const float cosine = cosine_by_the_rule(a.data(), b.data(), dimension);
    for (std::size_t offset = 0; offset <= kMaxOffset; ++offset) {
      const float* x = room_a.put(a, dimension, offset);
      const float* y = room_b.put(b, dimension, kMaxOffset - offset);
      for (const DistanceKernels* kernels : available_distance_kernels()) {
        ASSERT_PRED2(same_bits, kernels->dot(x, y, dimension), dot) << name(*kernels) << " " << dimension;
        ASSERT_PRED2(same_bits, kernels->l2_squared(x, y, dimension), l2)
            << name(*kernels) << " " << dimension;
        ASSERT_PRED2(same_bits, kernels->cosine(x, y, dimension), cosine)
            << name(*kernels) << " " << dimension;
      }
    }
  }
}

TEST(DistanceKernels, AreWithinAHundredThousandthOfDoublePrecision) {
  const auto a = random_floats(kMaxDimension, 3);
  const auto b = random_floats(kMaxDimension, 4);
  double dot = 0;
  double magnitude = 0;
  double l2 = 0;
  double aa = 0;
  double bb = 0;
  double worst = 0;
  for (std::size_t dimension = 1; dimension <= kMaxDimension; ++dimension) {
    const double x = a[dimension - 1];
    const double y = b[dimension - 1];
    dot += x * y;
    magnitude += std::abs(x * y);
    l2 += (x - y) * (x - y);
    aa += x * x;
    bb += y * y;
    const double norms = std::sqrt(aa) * std::sqrt(bb);
    for (const DistanceKernels* kernels : available_distance_kernels()) {
      const double errors[] = {
          std::abs(kernels->dot(a.data(), b.data(), dimension) - dot) / magnitude,
          std::abs(kernels->l2_squared(a.data(), b.data(), dimension) - l2) / l2,
          std::abs(kernels->cosine(a.data(), b.data(), dimension) - dot / norms) / (magnitude / norms)};
      for (const double error : errors) {
        ASSERT_LT(error, 1e-5) << name(*kernels) << " " << dimension;
        worst = std::max(worst, error);
      }
    }
  }
  RecordProperty("worst_relative_error", std::to_string(worst * 1e6) + "e-6");
}

TEST(DistanceKernels, OfManyRowsEqualThoseOfOne) {
  constexpr std::size_t kRows = 11;  // groups of 4 and of 2, and what is left over
  constexpr std::size_t kPadding = 5;
  const auto query = random_floats(kMaxDimension + kMaxOffset, 5);
  const auto rows = random_floats(kRows * (kMaxDimension + kPadding) + kMaxOffset, 6);
  const std::vector<std::uint32_t> slots = {7, 0, 3, 10, 10, 1, 9, 2, 8, 4, 6};
  for (std::size_t dimension = 1; dimension <= kMaxDimension && !HasFailure(); ++dimension) {
    const std::size_t stride = dimension + dimension % (kPadding + 1);
    const float* q = query.data() + dimension % (kMaxOffset + 1);
    const float* base = rows.data() + (dimension + 7) % (kMaxOffset + 1);
    const std::size_t count = dimension % (kRows + 1);
    for (const DistanceKernels* kernels : available_distance_kernels()) {
      std::array<float, kRows + 1> dots;
      std::array<float, kRows + 1> l2s;
      std::array<float, kRows + 1> gathered_dots;
      std::array<float, kRows + 1> gathered_l2s;
      for (auto* out : {&dots, &l2s, &gathered_dots, &gathered_l2s}) out->fill(-7.0F);
      kernels->dot_rows(q, base, stride, count, dimension, dots.data());
      kernels->l2_squared_rows(q, base, stride, count, dimension, l2s.data());
      kernels->dot_gather(q, base, stride, slots.data(), count, dimension, gathered_dots.data());
      kernels->l2_squared_gather(q, base, stride, slots.data(), count, dimension, gathered_l2s.data());
      for (std::size_t r = 0; r < count; ++r) {
        const float* row = base + r * stride;
        const float* slot = base + slots[r] * stride;
        ASSERT_PRED2(same_bits, dots[r], kernels->dot(q, row, dimension))
            << name(*kernels) << " " << dimension;
        ASSERT_PRED2(same_bits, l2s[r], kernels->l2_squared(q, row, dimension))
            << name(*kernels) << " " << dimension;
        ASSERT_PRED2(same_bits, gathered_dots[r], kernels->dot(q, slot, dimension)) << name(*kernels);
        ASSERT_PRED2(same_bits, gathered_l2s[r], kernels->l2_squared(q, slot, dimension)) << name(*kernels);
      }
      for (const auto* out : {&dots, &l2s, &gathered_dots, &gathered_l2s}) {
        ASSERT_EQ((*out)[count], -7.0F) << name(*kernels) << " writes beyond the last row";
      }
    }
  }
}

TEST(DistanceKernels, AgreeOnDenormalsSignedZerosAndOverflow) {
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  constexpr float kHuge = std::numeric_limits<float>::max();
  const std::vector<float> specials = {0.0F,   -0.0F,   kTiny,   -kTiny,        1e-30F, -1e-30F, 0x1p-126F,
                                       kHuge,  -kHuge,  1e20F,   -1e20F,        1.0F,   -1.0F,   0x1p-75F,
                                       1e-38F, -3e-39F, 1.5e19F, 1.0000001192F, 3e38F};
  const auto choice = random_floats(4096, 7);
  std::vector<float> a(300);
  std::vector<float> b(300);
  // Rounds draw from more and more of the list: zeros alone, then with denormals, then with what overflows.
  for (std::size_t round = 0; round < 400; ++round) {
    const std::size_t kinds = 2 + round % (specials.size() - 1);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto pick = [&](std::size_t at) {
        return specials[static_cast<std::size_t>((choice[at % 4096] + 1) * 0.5F * static_cast<float>(kinds)) %
                        kinds];
      };
      a[i] = pick(round * 31 + i);
      b[i] = pick(round * 17 + i * 3 + 1000);
    }
    for (const std::size_t dimension : {1U, 2U, 7U, 31U, 32U, 33U, 64U, 95U, 300U}) {
      for (const DistanceKernels* kernels : available_distance_kernels()) {
        SCOPED_TRACE(name(*kernels) + " " + std::to_string(dimension) + " round " + std::to_string(round));
        expect_the_rule(*kernels, a.data(), b.data(), dimension);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(DistanceKernels, KeepANegativeZeroOnlyWhereTheLastStripeIsFull) {
  // Each product vanishes to -0 and leaves -0 in its lane; the zeros that pad a partial stripe make it +0
  // again.
  const std::vector<float> a(64, 1e-30F);
  const std::vector<float> b(64, -1e-30F);
  const std::array<std::uint32_t, 4> same_row = {0, 0, 0, 0};
  for (const DistanceKernels* kernels : available_distance_kernels()) {
    for (const std::size_t dimension : {32U, 33U, 63U, 64U}) {
      const bool negative = dimension % 32 == 0;
      std::array<float, 4> out;
      kernels->dot_gather(a.data(), b.data(), 0, same_row.data(), 4, dimension, out.data());
      EXPECT_EQ(std::signbit(kernels->dot(a.data(), b.data(), dimension)), negative) << name(*kernels);
      for (const float dot : out)
        EXPECT_EQ(std::signbit(dot), negative) << name(*kernels) << " " << dimension;
    }
  }
}

TEST(DistanceKernels, CosineOfAZeroVectorIsZero) {
  const std::vector<float> zero(70, 0.0F);
  const auto other = random_floats(70, 8);
  for (const DistanceKernels* kernels : available_distance_kernels()) {
    EXPECT_EQ(kernels->cosine(zero.data(), other.data(), 70), 0.0F) << name(*kernels);
    EXPECT_EQ(kernels->cosine(other.data(), zero.data(), 70), 0.0F) << name(*kernels);
  }
}

TEST(DistanceKernels, ReadNothingOutsideTheVectors) {
  // Two pages of data between two that may not be touched; vectors lie against either edge.
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* mapping = mmap(nullptr, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapping, MAP_FAILED);
  float* begin = static_cast<float*>(mapping) + page / sizeof(float);
  ASSERT_EQ(mprotect(begin, 2 * page, PROT_READ | PROT_WRITE), 0);
  float* end = begin + 2 * page / sizeof(float);
  std::fill(begin, end, 0.5F);
  const auto query = random_floats(256, 9);
  const std::vector<std::uint32_t> slots = {4, 3, 2, 1, 0};
  for (std::size_t dimension = 1; dimension <= 256; ++dimension) {
    for (const float* rows :
         {static_cast<const float*>(begin), static_cast<const float*>(end - 5 * dimension)}) {
      for (const DistanceKernels* kernels : available_distance_kernels()) {
        const float* last = rows + 4 * dimension;
        std::array<float, 5> out;
        kernels->dot_rows(query.data(), rows, dimension, 5, dimension, out.data());
        EXPECT_PRED2(same_bits, out[4], kernels->dot(query.data(), last, dimension));
        kernels->l2_squared_gather(query.data(), rows, dimension, slots.data(), 5, dimension, out.data());
        EXPECT_PRED2(same_bits, out[0], kernels->l2_squared(last, query.data(), dimension));
        EXPECT_PRED2(same_bits, kernels->cosine(last, last, dimension),
                     kernels->cosine(rows, rows, dimension));
      }
    }
  }
  munmap(mapping, 4 * page);
}

TEST(DistanceKernels, OfferTheScalarOnesFirstAndEachOnce) {
  const auto available = available_distance_kernels();
  ASSERT_FALSE(available.empty());
  EXPECT_EQ(available.front()->set, InstructionSet::kScalar);
  for (std::size_t i = 1; i < available.size(); ++i) EXPECT_LT(available[i - 1]->set, available[i]->set);
}

/// Leaves with 0 when SEXTANT_KERNELS=`wanted` (unset when null) selects `expected`.
[[noreturn]] void exit_after_choosing(const char* wanted, InstructionSet expected) {
  if (wanted == nullptr) {
    unsetenv("SEXTANT_KERNELS");
  } else {
    setenv("SEXTANT_KERNELS", wanted, 1);
  }
  std::exit(distance_kernels().set == expected ? 0 : 1);
}

TEST(DistanceKernelsDeathTest, AreTheBestOrTheOnesTheEnvironmentNames) {
  // The choice is made once a process, so each case runs in a process of its own.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const InstructionSet best = available_distance_kernels().back()->set;
  EXPECT_EXIT(exit_after_choosing(nullptr, best), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(exit_after_choosing("nonesuch", best), ::testing::ExitedWithCode(0), "");
  for (const DistanceKernels* kernels : available_distance_kernels()) {
    const std::string wanted = name(*kernels);
    EXPECT_EXIT(exit_after_choosing(wanted.c_str(), kernels->set), ::testing::ExitedWithCode(0), "")
        << wanted;
  }
}

}  // namespace
}  // namespace sextant
