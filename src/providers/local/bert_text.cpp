#include "providers/local/bert_text.h"

#include <fmt/core.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "providers/code_points.h"

namespace sextant {
namespace {

constexpr std::uint32_t kCapitalDottedI = 0x130;  // the only character whose lower case is two characters
constexpr std::uint32_t kDotAbove = 0x307;

struct CodePointRange {
  std::uint32_t first;
  std::uint32_t last;
};
// Extension E begins at 2B820; the reference leaves out its first 256 characters, and so must we.
constexpr std::array<CodePointRange, 7> kIdeographs = {{{0x3400, 0x4DBF},
                                                        {0x4E00, 0x9FFF},
                                                        {0xF900, 0xFAFF},
                                                        {0x20000, 0x2A6DF},
                                                        {0x2A700, 0x2B81F},
                                                        {0x2B920, 0x2CEAF},
                                                        {0x2F800, 0x2FA1F}}};

UChar32 icu(std::uint32_t c) { return static_cast<UChar32>(c); }

/// The general category as of Unicode 8, the version of the reference's tables: later characters have none.
std::uint32_t category_mask(std::uint32_t c) {
  constexpr std::uint8_t kReferenceUnicode = 8;
  UVersionInfo age;
  u_charAge(icu(c), age);
  return age[0] > kReferenceUnicode ? U_GC_CN_MASK : U_GET_GC_MASK(icu(c));
}

bool is_space(std::uint32_t c) { return u_isUWhiteSpace(icu(c)) != 0; }

bool is_dropped(std::uint32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == 0 || c == kReplacementCharacter ||
         (category_mask(c) & (U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK)) != 0;
}

bool is_ideograph(std::uint32_t c) {
  for (const auto& range : kIdeographs) {
    if (c >= range.first && c <= range.last) return true;
  }
  return false;
}

bool is_punctuation(std::uint32_t c) {
  if (c < 0x80)
    return (c > ' ' && c < '0') || (c > '9' && c < 'A') || (c > 'Z' && c < 'a') || (c > 'z' && c < 0x7F);
  return (category_mask(c) & U_GC_P_MASK) != 0;
}

void append_utf16(std::u16string& out, std::uint32_t c) {
  if (c <= 0xFFFF) {
    out.push_back(static_cast<char16_t>(c));
  } else {
    out.push_back(U16_LEAD(c));
    out.push_back(U16_TRAIL(c));
  }
}

/// Without control characters; white space is a space; ideographs stand between spaces.
std::u16string clean(std::string_view text, const BertTextOptions& options) {
  std::u16string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::uint32_t c = next_code_point(text, i);
    if (is_dropped(c)) continue;
    if (is_space(c)) {
      out.push_back(u' ');
    } else if (options.split_cjk && is_ideograph(c)) {
      out.push_back(u' ');
      append_utf16(out, c);
      out.push_back(u' ');
    } else {
      append_utf16(out, c);
    }
  }
  return out;
}

Result<std::u16string> decompose(const std::u16string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* nfd = unorm2_getNFDInstance(&status);
  // Canonical decomposition makes a UTF-16 string at most four times as long (Unicode Standard Annex 15).
  constexpr std::size_t kMaxGrowth = 4;
  if (text.size() > std::numeric_limits<std::int32_t>::max() / kMaxGrowth) {
    return fail(ErrorCode::kLimitExceeded,
                fmt::format("a text of {} characters is too long to tokenize", text.size()));
  }
  std::u16string out(text.size() * kMaxGrowth, u'\0');
  std::int32_t length = 0;
  if (U_SUCCESS(status)) {
    length = unorm2_normalize(nfd, text.data(), static_cast<std::int32_t>(text.size()), out.data(),
                              static_cast<std::int32_t>(out.size()), &status);
  }
  if (U_FAILURE(status)) {
    return fail(ErrorCode::kInternal, fmt::format("Unicode decomposition failed: {}", u_errorName(status)));
  }
  out.resize(static_cast<std::size_t>(length));
  return out;
}

class WordSplitter {
 public:
  void add(std::uint32_t c) {
    if (is_space(c)) {
      end_word();
    } else if (is_punctuation(c)) {
      end_word();
      append_utf8(word_, c);
      end_word();
    } else {
      append_utf8(word_, c);
    }
  }
  std::vector<std::string> finish() {
    end_word();
    return std::move(words_);
  }

 private:
  void end_word() {
    if (!word_.empty()) words_.push_back(std::exchange(word_, {}));
  }

  std::string word_;
  std::vector<std::string> words_;
};

}  // namespace

Result<std::vector<std::string>> split_bert_words(std::string_view text, const BertTextOptions& options) {
  std::u16string units = clean(text, options);
  if (options.strip_accents) {
    TRY_ASSIGN(units, decompose(units));
  }
  WordSplitter splitter;
  for (std::size_t i = 0; i < units.size();) {
    std::uint32_t c = 0;
    U16_NEXT(units.data(), i, units.size(), c);
    if (options.strip_accents && (category_mask(c) & U_GC_MN_MASK) != 0) continue;
    if (options.lower_case && c == kCapitalDottedI) {
      splitter.add('i');
      c = kDotAbove;
    } else if (options.lower_case) {
      c = static_cast<std::uint32_t>(u_tolower(icu(c)));
    }
    splitter.add(c);
  }
  return splitter.finish();
}

}  // namespace sextant
