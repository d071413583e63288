#include "providers/local/token_batches.h"

#include <gtest/gtest.h>

#include <vector>

namespace sextant {
namespace {

using Batches = std::vector<std::vector<std::size_t>>;

std::vector<TokenIds> texts_of(const std::vector<std::size_t>& lengths) {
  std::vector<TokenIds> texts;
  for (const std::size_t length : lengths) texts.emplace_back(length);
  return texts;
}

TEST(TokenBatches, HoldEachTextOnceLongestFirst) {
  EXPECT_EQ(plan_token_batches(texts_of({3, 5, 2, 5, 4}), 9), (Batches{{1}, {3, 4}, {0, 2}}));
  EXPECT_EQ(plan_token_batches(texts_of({}), 9), Batches{});
}

TEST(TokenBatches, AreFilledToTheLimitAndNotBeyond) {
  EXPECT_EQ(plan_token_batches(texts_of({4, 4, 4, 4, 4}), 8), (Batches{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(plan_token_batches(texts_of({4, 4, 4}), 7), (Batches{{0}, {1}, {2}}));
}

TEST(TokenBatches, LetATextBeyondTheLimitBeAlone) {
  EXPECT_EQ(plan_token_batches(texts_of({2, 20, 30}), 8), (Batches{{2}, {1}, {0}}));
}

}  // namespace
}  // namespace sextant
