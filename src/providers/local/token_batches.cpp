#include "providers/local/token_batches.h"

#include <algorithm>
#include <numeric>

namespace sextant {

std::vector<std::vector<std::size_t>> plan_token_batches(std::span<const TokenIds> texts,
                                                         std::size_t max_tokens) {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return texts[a].size() != texts[b].size() ? texts[a].size() > texts[b].size() : a < b;
  });
  std::vector<std::vector<std::size_t>> batches;
  std::size_t room = 0;
  for (const std::size_t text : order) {
    if (batches.empty() || texts[text].size() > room) {
      batches.emplace_back();
      room = std::max(max_tokens, texts[text].size());
    }
    batches.back().push_back(text);
    room -= texts[text].size();
  }
  return batches;
}

}  // namespace sextant
