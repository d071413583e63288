#include "providers/local/encoder_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/random.h"

namespace sextant {
namespace {

std::vector<float> random_floats(std::size_t count, double spread, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<float> numbers;
  for (std::size_t i = 0; i < count; ++i)
    numbers.push_back(static_cast<float>((random.unit() - 0.5) * spread));
  return numbers;
}

TEST(EncoderKernels, OfferAlwaysThePortableOnes) {
  ASSERT_FALSE(available_encoder_kernels().empty());
  EXPECT_EQ(available_encoder_kernels().front()->set, InstructionSet::kScalar);
}

TEST(EncoderKernels, NormaliseLayersOfEveryWidth) {
  constexpr float kEpsilon = 1e-5F;
  for (const EncoderKernels* kernels : available_encoder_kernels()) {
    for (std::size_t width = 1; width <= 70; ++width) {
      constexpr std::size_t kRows = 3;
      const auto input = random_floats(kRows * width, 8, width);
      const auto gain = random_floats(width, 2, 100 + width);
      const auto shift = random_floats(width, 2, 200 + width);
      auto output = input;
      kernels->layer_norm(output.data(), kRows, width, {gain.data(), shift.data(), kEpsilon});
      for (std::size_t row = 0; row < kRows; ++row) {
        double mean = 0;
        double variance = 0;
        for (std::size_t i = 0; i < width; ++i) mean += input[row * width + i];
        mean /= static_cast<double>(width);
        for (std::size_t i = 0; i < width; ++i) variance += std::pow(input[row * width + i] - mean, 2);
        variance /= static_cast<double>(width);
        for (std::size_t i = 0; i < width; ++i) {
          const double wanted =
              (input[row * width + i] - mean) / std::sqrt(variance + kEpsilon) * gain[i] + shift[i];
          ASSERT_NEAR(output[row * width + i], wanted, 1e-5)
              << instruction_set_name(kernels->set) << " width " << width << " element " << i;
        }
      }
    }
  }
}

/// Attention by the textbook, in double precision.
std::vector<double> plain_attention(const AttentionShape& shape, const std::vector<float>& projected) {
  const std::size_t hidden = shape.heads * shape.head_width;
  std::vector<double> context(shape.tokens * hidden);
  for (std::size_t head = 0; head < shape.heads; ++head) {
    const std::size_t offset = head * shape.head_width;
    for (std::size_t t = 0; t < shape.tokens; ++t) {
      std::vector<double> weights(shape.tokens);
      double sum = 0;
      for (std::size_t u = 0; u < shape.tokens; ++u) {
        double score = 0;
        for (std::size_t i = offset; i < offset + shape.head_width; ++i) {
          score += double{projected[t * 3 * hidden + i]} * projected[u * 3 * hidden + hidden + i];
        }
        weights[u] = std::exp(score);
        sum += weights[u];
      }
      for (std::size_t u = 0; u < shape.tokens; ++u) {
        for (std::size_t i = offset; i < offset + shape.head_width; ++i) {
          context[t * hidden + i] += weights[u] / sum * projected[u * 3 * hidden + 2 * hidden + i];
        }
      }
    }
  }
  return context;
}

TEST(EncoderKernels, AttendAsTheTextbookDoes) {
  for (const EncoderKernels* kernels : available_encoder_kernels()) {
    for (const std::size_t head_width : {1, 7, 16, 32, 64, 80}) {
      for (const std::size_t tokens : {1, 2, 3, 4, 5, 15, 16, 17, 33, 130}) {
        const AttentionShape shape{.tokens = tokens, .heads = 3, .head_width = head_width};
        const std::size_t hidden = shape.heads * head_width;
        // Scores spread over tens, so that weights range from 1 to nothing.
        const auto projected = random_floats(tokens * 3 * hidden, 8, tokens * 100 + head_width);
        std::vector<float> context(tokens * hidden);
        std::vector<float> scratch(attention_scratch_floats(shape));
        kernels->attention(shape, projected.data(), context.data(), scratch.data());
        const auto wanted = plain_attention(shape, projected);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
          ASSERT_NEAR(context[i], wanted[i], 1e-4)
              << instruction_set_name(kernels->set) << " tokens " << tokens << " head width " << head_width;
        }
      }
    }
  }
}

TEST(EncoderKernels, AttendToOneTokenWhenItsScoreTowersAboveAll) {
  for (const EncoderKernels* kernels : available_encoder_kernels()) {
    const AttentionShape shape{.tokens = 3, .heads = 1, .head_width = 1};
    // Queries 1; keys 1000, -1000, 0; values 5, 6, 7.
    const std::vector<float> projected = {1, 1000, 5, 1, -1000, 6, 1, 0, 7};
    std::vector<float> context(3);
    std::vector<float> scratch(attention_scratch_floats(shape));
    kernels->attention(shape, projected.data(), context.data(), scratch.data());
    EXPECT_EQ(context, (std::vector<float>{5, 5, 5})) << instruction_set_name(kernels->set);
  }
}

}  // namespace
}  // namespace sextant
