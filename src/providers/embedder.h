// Embedder: text to vectors. One interface, a factory by name.
//
// `local` runs a BERT-family encoder in this process from a model directory as it is published; `hashed`
// needs no download and is lexical only: it finds words, not meaning, and says so. Which one is in use is
// reported, never changed silently.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/request_context.h"
#include "base/result.h"

namespace sextant {

enum class EmbeddingPurpose : std::uint8_t { kDocument, kQuery };  // some models prefix the two differently

struct EmbeddingLimits {
  std::size_t max_texts_per_call = 0;   // 0 = none
  std::size_t max_tokens_per_text = 0;  // that the model reads at once; 0 = none
};

struct EmbedderHealth {
  bool ready = true;
  std::string detail;
};

class Embedder {
 public:
  virtual ~Embedder() = default;
  /// One unit-length vector of dimension() floats a text, in the order of the texts. Errors: kLimitExceeded
  /// naming the text's number as field "texts[i]"; kEmbeddingUnavailable; kDeadlineExceeded. Any thread may
  /// call; a call of many texts is cut into batches that run on the embedder's own threads, one batch a
  /// thread.
  virtual Result<std::vector<std::vector<float>>> embed(const RequestContext& context,
                                                        std::span<const std::string> texts,
                                                        EmbeddingPurpose purpose) = 0;
  virtual std::string_view provider() const = 0;    // "local", "hashed"
  virtual std::string_view model_name() const = 0;  // enters the library's contract
  virtual std::size_t dimension() const = 0;
  virtual EmbeddingLimits limits() const = 0;
  virtual EmbedderHealth health() = 0;
  /// True when only shared words are found, not shared meaning.
  virtual bool lexical_only() const = 0;
};

/// Makes an embedder by provider name from its settings (a JSON object; unknown settings are an error).
/// local: {"model_dir": path, "model"?: name, "pooling"?: mean|cls, "query_prefix"?, "document_prefix"?,
///         "max_tokens"?, "long_texts"?: average|cut|refuse, "threads"?}
///         Of a text longer than max_tokens the vectors of its parts are averaged (default), only its
///         beginning counts (the model's published behaviour), or it is kLimitExceeded.
/// hashed: {"dimension"?: 384}
Result<std::unique_ptr<Embedder>> make_embedder(std::string_view provider, const Json& settings);
/// The names make_embedder knows, sorted.
std::vector<std::string_view> embedder_providers();

}  // namespace sextant
