#include "providers/local/token_windows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace sextant {
namespace {

constexpr std::int32_t kBegin = 101;
constexpr std::int32_t kEnd = 102;
constexpr std::int32_t kPrefix = 7;

/// [CLS], the prefix, then 1000, 1001, ... , [SEP].
TokenIds text_of(std::size_t content, std::size_t prefix_tokens = 0) {
  TokenIds text{kBegin};
  text.insert(text.end(), prefix_tokens, kPrefix);
  for (std::size_t i = 0; i < content; ++i) text.push_back(static_cast<std::int32_t>(1000 + i));
  text.push_back(kEnd);
  return text;
}

std::vector<TokenIds> windows_of(const TokenIds& text, std::size_t prefix_tokens, std::size_t max_tokens) {
  std::vector<TokenIds> windows;
  append_windows(text, prefix_tokens, max_tokens, windows);
  return windows;
}

TEST(TokenWindows, ATextThatFitsIsItsOwnWindow) {
  for (const std::size_t content : {std::size_t{0}, std::size_t{1}, std::size_t{8}}) {
    EXPECT_EQ(windows_of(text_of(content), 0, 10), std::vector<TokenIds>{text_of(content)});
  }
  std::vector<TokenIds> windows{{1}};
  append_windows(text_of(3), 0, 10, windows);
  EXPECT_EQ(windows, (std::vector<TokenIds>{{1}, text_of(3)})) << "they are appended";
}

TEST(TokenWindows, HoldEveryTokenOnceInOrderFramedAndPrefixedAlike) {
  for (std::size_t prefix = 0; prefix < 3; ++prefix) {
    for (std::size_t content = 1; content < 60; ++content) {
      const auto windows = windows_of(text_of(content, prefix), prefix, 10);
      const std::size_t room = 10 - 2 - prefix;
      EXPECT_EQ(windows.size(), (content + room - 1) / room);
      TokenIds joined;
      std::size_t shortest = content;
      std::size_t longest = 0;
      for (const TokenIds& window : windows) {
        ASSERT_LE(window.size(), 10U);
        ASSERT_GT(window.size(), 2 + prefix);
        EXPECT_EQ(window.front(), kBegin);
        EXPECT_EQ(window.back(), kEnd);
        for (std::size_t i = 1; i <= prefix; ++i) EXPECT_EQ(window[i], kPrefix);
        const std::size_t own = window.size() - 2 - prefix;
        shortest = std::min(shortest, own);
        longest = std::max(longest, own);
        joined.insert(joined.end(), window.begin() + static_cast<std::ptrdiff_t>(1 + prefix),
                      window.end() - 1);
      }
      TokenIds wanted(content);
      std::iota(wanted.begin(), wanted.end(), 1000);
      EXPECT_EQ(joined, wanted) << content << " tokens behind a prefix of " << prefix;
      EXPECT_LE(longest - shortest, 1U) << "they are of nearly equal length";
    }
  }
}

TEST(TokenWindows, AreOfOneTokenEachWhereThereIsRoomForNoMore) {
  EXPECT_EQ(windows_of(text_of(3, 1), 1, 4).size(), 3U);
}

TEST(TokenWindows, TheVectorOfOneWindowIsUnchanged) {
  const std::vector<TokenIds> windows{text_of(2)};
  std::vector<std::vector<float>> vectors{{0.6F, 0.8F}};
  EXPECT_EQ(merge_windows(windows, vectors), (std::vector<float>{0.6F, 0.8F}));
}

TEST(TokenWindows, TheVectorOfSeveralIsTheirMeanByTokensOfUnitLength) {
  const std::vector<TokenIds> windows{TokenIds(3), TokenIds(1)};
  std::vector<std::vector<float>> vectors{{1, 0}, {0, 1}};
  const std::vector<float> merged = merge_windows(windows, vectors);
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_NEAR(merged[0], 3 / std::sqrt(10.0), 1e-6);
  EXPECT_NEAR(merged[1], 1 / std::sqrt(10.0), 1e-6);
}

TEST(TokenWindows, VectorsThatCancelOutLeaveNone) {
  const std::vector<TokenIds> windows{TokenIds(2), TokenIds(2)};
  std::vector<std::vector<float>> vectors{{1, 0}, {-1, 0}};
  EXPECT_TRUE(merge_windows(windows, vectors).empty());
}

}  // namespace
}  // namespace sextant
