// BertEncoder: token numbers to pooled vectors by the encoder of BERT, in float32.
//
// Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (2018). Texts of a batch are packed
// one after the other into one matrix without padding; only attention looks at each by itself. A call
// computes on the calling thread alone; an encoder is immutable and any number of threads may call it, each
// with a workspace of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "providers/local/bert_config.h"
#include "providers/local/encoder_kernels.h"
#include "providers/local/linear.h"
#include "providers/local/safetensors.h"

namespace sextant {

using TokenIds = std::vector<std::int32_t>;

/// Memory that a call works in, kept between calls. One call at a time.
class EncoderWorkspace {
 private:
  friend class BertEncoder;
  std::vector<float> states_;     // [tokens, hidden]
  std::vector<float> projected_;  // [tokens, 3 * hidden]
  std::vector<float> context_;    // [tokens, hidden]
  std::vector<float> inner_;      // [block, inner]
  std::vector<float> scratch_;    // of attention
};

class BertEncoder {
 public:
  /// Reads and packs the weights. Errors: kDamaged naming the tensor; kEmbeddingUnavailable; kIo.
  static Result<std::unique_ptr<const BertEncoder>> load(const Safetensors& weights,
                                                         const BertConfig& config);

  /// Vector i, of hidden floats in vectors[i * hidden...], is the pooled output of texts[i], not yet of unit
  /// length. Each text has 1 to config.positions tokens below config.vocabulary.
  Status encode(std::span<const TokenIds* const> texts, EncoderWorkspace& workspace,
                std::span<float> vectors) const;

 private:
  struct Norm {
    std::vector<float> gain;
    std::vector<float> shift;
  };
  struct Layer {
    Linear project;  // to queries, keys and values
    Linear mix;
    Norm mix_norm;
    Linear widen;
    Linear narrow;
    Norm narrow_norm;
  };
  class Loader;

  explicit BertEncoder(const BertConfig& config) : config_(config) {}
  void embed_tokens(std::span<const TokenIds* const> texts, float* states) const;
  void attend(std::span<const TokenIds* const> texts, EncoderWorkspace& workspace) const;
  Status run_layer(const Layer& layer, std::span<const TokenIds* const> texts, std::size_t tokens,
                   EncoderWorkspace& workspace) const;
  void normalise(const Norm& norm, float* rows, std::size_t count) const;
  void pool(std::span<const TokenIds* const> texts, const float* states, std::span<float> vectors) const;

  BertConfig config_;
  const EncoderKernels& kernels_ = encoder_kernels();
  std::vector<float> words_;      // [vocabulary, hidden]
  std::vector<float> positions_;  // [positions, hidden], the first token type's vector added to each
  Norm embedding_norm_;
  std::vector<Layer> layers_;
};

}  // namespace sextant
