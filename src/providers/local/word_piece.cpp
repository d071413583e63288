#include "providers/local/word_piece.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace sextant {
namespace {

constexpr std::string_view kInnerPrefix = "##";
// Written out in a text these stand for themselves, as in the reference.
constexpr std::array<std::string_view, 5> kSpecialTokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

constexpr std::size_t kPartBytes = std::size_t{64} << 10U;

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

Result<WordPiece> WordPiece::open(FileSystem& files, const std::string& path, const BertTextOptions& options,
                                  std::size_t max_size) {
  TRY_ASSIGN(const std::string content, read_file(files, path));
  WordPiece result;
  result.options_ = options;
  for (std::string_view rest = content; !rest.empty(); ++result.size_) {
    if (result.size_ == max_size) {
      return fail(ErrorCode::kDamaged,
                  fmt::format("vocabulary '{}' has more than the {} tokens of the model", path, max_size));
    }
    const std::size_t line_end = std::min(rest.find('\n'), rest.size());
    std::string_view token = rest.substr(0, line_end);
    rest.remove_prefix(std::min(line_end + 1, rest.size()));
    if (token.ends_with('\r')) token.remove_suffix(1);
    result.add_token(token, static_cast<std::int32_t>(result.size_));
  }
  TRY_ASSIGN(result.unknown_, result.number_of("[UNK]", path));
  TRY_ASSIGN(result.begin_, result.number_of("[CLS]", path));
  TRY_ASSIGN(result.end_, result.number_of("[SEP]", path));
  return result;
}

void WordPiece::add_token(std::string_view token, std::int32_t number) {
  first_.insert_or_assign(std::string(token), number);
  longest_ = std::max(longest_, token.size());
  if (token.starts_with(kInnerPrefix)) {
    inner_.insert_or_assign(std::string(token.substr(kInnerPrefix.size())), number);
  }
}

Result<std::int32_t> WordPiece::number_of(std::string_view token, const std::string& path) const {
  const auto found = first_.find(token);
  if (found == first_.end()) {
    return fail(ErrorCode::kDamaged, fmt::format("vocabulary '{}' lacks the token {}", path, token));
  }
  return found->second;
}

std::pair<std::size_t, std::int32_t> WordPiece::find_special(std::string_view text) const {
  for (std::size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
    for (const std::string_view token : kSpecialTokens) {
      const auto found = text.substr(at).starts_with(token) ? first_.find(token) : first_.end();
      if (found != first_.end()) return {at, found->second};
    }
  }
  return {text.size(), unknown_};
}

Result<std::vector<std::int32_t>> WordPiece::encode(std::string_view text, std::size_t max_tokens) const {
  std::vector<std::int32_t> tokens = {begin_};
  const std::size_t limit = max_tokens - 1;
  while (!text.empty() && tokens.size() < limit) {
    const auto [at, special] = find_special(text);
    TRY(append_words(text.substr(0, at), limit, tokens));
    if (at == text.size()) break;
    tokens.push_back(special);
    text.remove_prefix(text.find(']', at) + 1);
  }
  tokens.resize(std::min(tokens.size(), limit));
  tokens.push_back(end_);
  return tokens;
}

Status WordPiece::append_words(std::string_view text, std::size_t limit,
                               std::vector<std::int32_t>& out) const {
  // A long text is taken in parts that end where a word ends, as most of it may be behind the limit.
  while (!text.empty() && out.size() < limit) {
    const std::size_t end =
        text.size() > kPartBytes ? text.find_first_of(" \t\r\n", kPartBytes) : text.size();
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(part.size());
    TRY_ASSIGN(const auto words, split_bert_words(part, options_));
    for (const std::string& word : words) {
      if (out.size() >= limit) break;
      append_pieces(word, out);
    }
  }
  return {};
}

void WordPiece::append_pieces(std::string_view word, std::vector<std::int32_t>& out) const {
  const auto continuing = std::count_if(word.begin(), word.end(), continues_character);
  if (word.size() - static_cast<std::size_t>(continuing) > kMaxWordCharacters) {
    out.push_back(unknown_);
    return;
  }
  const std::size_t before = out.size();
  std::size_t start = 0;
  while (start < word.size()) {
    const Pieces& pieces = start == 0 ? first_ : inner_;
    std::size_t length = std::min(word.size() - start, longest_);
    auto found = pieces.end();
    for (; length > 0; --length) {
      const bool splits_character = start + length < word.size() && continues_character(word[start + length]);
      if (!splits_character) found = pieces.find(word.substr(start, length));
      if (found != pieces.end()) break;
    }
    if (length == 0) {
      // One piece that is not in the vocabulary makes the whole word unknown.
      out.resize(before);
      out.push_back(unknown_);
      return;
    }
    out.push_back(found->second);
    start += length;
  }
}

}  // namespace sextant
