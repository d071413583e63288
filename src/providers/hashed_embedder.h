// The `hashed` provider: words and parts of words hashed into a vector. Needs no model; finds shared words
// only.
//
// Feature hashing with signs: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009);
// parts of words as in Bojanowski et al., "Enriching Word Vectors with Subword Information" (2017). The same
// text gives the same bits on every machine: hashes are of integers, and the arithmetic is exactly rounded in
// a fixed order.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "providers/embedder.h"

namespace sextant {

inline constexpr std::string_view kHashedProvider = "hashed";

/// settings: {"dimension"?: 8 to 65,536, default 384}. A text without a word has a fixed vector of its own.
Result<std::unique_ptr<Embedder>> make_hashed_embedder(const Json& settings);

}  // namespace sextant
