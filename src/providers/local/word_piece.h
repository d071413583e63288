// WordPiece: text to the token numbers of a BERT vocabulary, by greedy longest match.
//
// Algorithm: Schuster and Nakajima, "Japanese and Korean Voice Search" (2012), as used by BERT. Immutable;
// any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "providers/local/bert_text.h"

namespace sextant {

class WordPiece {
 public:
  static constexpr std::size_t kMaxWordCharacters = 100;  // a longer word is unknown
  static constexpr std::size_t kFramingTokens = 2;        // [CLS] in front, [SEP] behind

  /// Reads vocab.txt: one token a line, numbered from 0. Errors: kDamaged when [UNK], [CLS] or [SEP] is
  /// missing or there are more than `max_size` tokens; kIo.
  static Result<WordPiece> open(FileSystem& files, const std::string& path, const BertTextOptions& options,
                                std::size_t max_size);

  /// [CLS], the text's tokens, [SEP]: at most max_tokens (at least 2) in all, the rest of the text being cut
  /// off.
  Result<std::vector<std::int32_t>> encode(std::string_view text, std::size_t max_tokens) const;
  std::size_t size() const { return size_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Pieces = std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>>;

  WordPiece() = default;
  void add_token(std::string_view token, std::int32_t number);
  Result<std::int32_t> number_of(std::string_view token, const std::string& path) const;
  std::pair<std::size_t, std::int32_t> find_special(std::string_view text) const;
  Status append_words(std::string_view text, std::size_t limit, std::vector<std::int32_t>& out) const;
  void append_pieces(std::string_view word, std::vector<std::int32_t>& out) const;

  BertTextOptions options_;
  Pieces first_;  // pieces that begin a word
  Pieces inner_;  // pieces that continue one, without their "##"
  std::size_t longest_ = 0;
  std::size_t size_ = 0;
  std::int32_t unknown_ = 0;
  std::int32_t begin_ = 0;
  std::int32_t end_ = 0;
};

}  // namespace sextant
