// Texts longer than a model reads, as windows that it reads one by one.
//
// The vector of such a text is the mean of its windows' vectors, weighted by their tokens: every part of the
// text counts, where cutting would hide all but the first. Stateless; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "providers/local/bert_encoder.h"

namespace sextant {

/// `text` as [CLS] ... [SEP], whose first tokens after [CLS] are the `prefix_tokens` of the purpose's prefix.
/// Appends it to `windows`, whole if it has at most max_tokens, else as windows of nearly equal length,
/// framed and prefixed alike. max_tokens must leave room for a token beside frame and prefix.
void append_windows(TokenIds text, std::size_t prefix_tokens, std::size_t max_tokens,
                    std::vector<TokenIds>& windows);

/// The unit vector of a text from those of its windows; the first of one alone. Empty when they cancel out.
std::vector<float> merge_windows(std::span<const TokenIds> windows, std::span<std::vector<float>> vectors);

}  // namespace sextant
