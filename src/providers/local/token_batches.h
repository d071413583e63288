// Which texts are encoded together.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "providers/local/bert_encoder.h"

namespace sextant {

/// The numbers of the texts of each batch, every text in exactly one. Long texts come first, so that threads
/// finish together; a batch has at most max_tokens tokens unless it is a single longer text.
std::vector<std::vector<std::size_t>> plan_token_batches(std::span<const TokenIds> texts,
                                                         std::size_t max_tokens);

}  // namespace sextant
