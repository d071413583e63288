#include "providers/local/token_windows.h"

#include <utility>

#include "base/check.h"
#include "providers/local/word_piece.h"
#include "providers/unit_vector.h"

namespace sextant {

void append_windows(TokenIds text, std::size_t prefix_tokens, std::size_t max_tokens,
                    std::vector<TokenIds>& windows) {
  if (text.size() <= max_tokens) {
    windows.push_back(std::move(text));
    return;
  }
  const std::size_t framing = WordPiece::kFramingTokens + prefix_tokens;
  CHECK(max_tokens > framing);
  const std::span<const std::int32_t> content =
      std::span(text).subspan(1 + prefix_tokens, text.size() - framing);
  const std::size_t count = (content.size() + max_tokens - framing - 1) / (max_tokens - framing);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = content.size() * i / count;
    const std::size_t end = content.size() * (i + 1) / count;
    TokenIds window(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(1 + prefix_tokens));
    window.insert(window.end(), content.begin() + static_cast<std::ptrdiff_t>(begin),
                  content.begin() + static_cast<std::ptrdiff_t>(end));
    window.push_back(text.back());
    windows.push_back(std::move(window));
  }
}

std::vector<float> merge_windows(std::span<const TokenIds> windows, std::span<std::vector<float>> vectors) {
  CHECK(!windows.empty() && windows.size() == vectors.size());
  if (windows.size() == 1) return std::move(vectors.front());
  std::vector<float> mean(vectors.front().size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto weight = static_cast<float>(windows[i].size());
    for (std::size_t d = 0; d < mean.size(); ++d) mean[d] += weight * vectors[i][d];
  }
  if (!scale_to_unit_length(mean)) mean.clear();
  return mean;
}

}  // namespace sextant
