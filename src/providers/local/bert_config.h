// What a published model directory says of itself: sizes, text handling, length limit and pooling.
//
// Read are config.json and, where present, the files that sentence-transformers adds: modules.json,
// sentence_bert_config.json, tokenizer_config.json and the pooling module's config.json. What the encoder
// cannot do as published is an error, never approximated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "providers/local/bert_text.h"

namespace sextant {

enum class Pooling : std::uint8_t {
  kMean,  // of all tokens, [CLS] and [SEP] included
  kCls,   // the first token
};
std::string_view pooling_name(Pooling pooling);

struct BertConfig {
  std::size_t layers = 0;
  std::size_t hidden = 0;  // the dimension of a token and of the text's vector
  std::size_t heads = 0;
  std::size_t inner = 0;  // the width between the two products of a feed-forward layer
  std::size_t vocabulary = 0;
  std::size_t positions = 0;
  std::size_t token_types = 0;
  double norm_epsilon = 0;
  Pooling pooling = Pooling::kMean;
  std::size_t max_tokens = 0;  // [CLS] and [SEP] included
  BertTextOptions text;
};

/// `pooling`, when given, holds whatever the directory says. Errors: kInvalidArgument for a model of another
/// kind, naming file and key; kDamaged for what is no such file at all; kIo.
Result<BertConfig> load_bert_config(FileSystem& files, const std::string& directory,
                                    std::optional<Pooling> pooling);

}  // namespace sextant
