// Text to words as BERT's tokenizer sees them: cleaned, folded and split at white space and punctuation.
//
// Follows the behaviour of Hugging Face `tokenizers` (BertNormalizer, then BertPreTokenizer), whose output
// models were trained on, including the Unicode version of its character tables. Any thread may call.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sextant {

struct BertTextOptions {
  bool lower_case = true;
  bool strip_accents = true;  // canonical decomposition, then nonspacing marks are dropped
  bool split_cjk = true;      // each CJK ideograph is a word of its own
};

/// The words of a text, in UTF-8. Ill-formed UTF-8 counts as U+FFFD, which is dropped. Fails only when the
/// Unicode library cannot work (kInternal).
Result<std::vector<std::string>> split_bert_words(std::string_view text, const BertTextOptions& options);

}  // namespace sextant
