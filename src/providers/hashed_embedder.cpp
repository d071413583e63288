#include "providers/hashed_embedder.h"

#include <fmt/core.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "providers/code_points.h"
#include "providers/settings_reader.h"
#include "providers/unit_vector.h"

namespace sextant {
namespace {

constexpr std::size_t kDefaultDimension = 384;
constexpr SettingsReader::Range kDimensions{8, 65'536};
constexpr std::size_t kShortestPart = 3;
constexpr std::size_t kLongestPart = 5;
constexpr double kWordWeight = 1.0;
constexpr double kPartWeight = 0.4;
constexpr double kFunctionWordWeight = 0.15;

enum FeatureKind : std::uint64_t { kWord = 1, kPart = 2, kPair = 3 };  // seeds of the hash

// English words that say how a sentence is built and little of what it is about; sorted.
constexpr std::array<std::string_view, 60> kFunctionWords = {
    "a",    "about", "all",  "also", "an",   "and",  "any",  "are",   "as",    "at",   "be",    "been",
    "but",  "by",    "can",  "do",   "does", "for",  "from", "had",   "has",   "have", "how",   "i",
    "if",   "in",    "into", "is",   "it",   "its",  "may",  "more",  "no",    "not",  "of",    "on",
    "or",   "other", "our",  "such", "than", "that", "the",  "their", "them",  "then", "there", "these",
    "they", "this",  "to",   "was",  "we",   "were", "what", "when",  "which", "will", "with",  "you"};
static_assert(std::is_sorted(kFunctionWords.begin(), kFunctionWords.end()));

/// What a text is found by, and how often the text has it.
struct Feature {
  double weight = 0;
  std::size_t count = 0;
};
using Features = std::unordered_map<std::uint64_t, Feature>;  // by hash

UChar32 icu(std::uint32_t c) { return static_cast<UChar32>(c); }

/// A script written without spaces between words: each of its characters counts as a word.
bool is_word_by_itself(std::uint32_t c) {
  if (c < 0x80) return false;
  switch (u_getIntPropertyValue(icu(c), UCHAR_LINE_BREAK)) {
    case U_LB_IDEOGRAPHIC:
    case U_LB_CONDITIONAL_JAPANESE_STARTER:
    case U_LB_NONSTARTER:
    case U_LB_COMPLEX_CONTEXT:  // Thai, Lao, Khmer, Myanmar
      return true;
    default:
      return false;
  }
}

bool is_word_character(std::uint32_t c) {
  return (U_GET_GC_MASK(icu(c)) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}

/// Walks over a text and collects its features.
class FeatureCollector {
 public:
  Features collect(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
      const std::uint32_t c = next_code_point(text, i);
      if (!is_word_character(c)) {
        end_word();
        previous_single_.clear();
      } else if (is_word_by_itself(c)) {
        end_word();
        add_single(c);
      } else {
        previous_single_.clear();
        starts_.push_back(word_.size());
        append_utf8(word_, static_cast<std::uint32_t>(u_tolower(icu(c))));
      }
    }
    end_word();
    return std::move(features_);
  }

 private:
  void add(FeatureKind kind, std::string_view bytes, double weight) {
    Feature& feature = features_[xxh3(bytes, kind)];
    feature.weight = weight;
    ++feature.count;
  }

  /// With the neighbour before it, as a pair is what comes nearest to a word in these scripts.
  void add_single(std::uint32_t c) {
    std::string single;
    append_utf8(single, c);
    add(kWord, single, kWordWeight);
    if (!previous_single_.empty()) add(kPair, previous_single_ + single, kWordWeight);
    previous_single_ = std::move(single);
  }

  void end_word() {
    if (word_.empty()) return;
    const bool function_word = std::binary_search(kFunctionWords.begin(), kFunctionWords.end(), word_);
    add(kWord, word_, function_word ? kFunctionWordWeight : kWordWeight);
    if (!function_word) add_parts();
    word_.clear();
    starts_.clear();
  }

  /// Runs of characters of the word between marks for its ends, which make beginnings and endings features of
  /// their own.
  void add_parts() {
    const std::string marked = '<' + word_ + '>';
    std::vector<std::size_t> starts = {0};
    for (const std::size_t start : starts_) starts.push_back(start + 1);
    starts.push_back(marked.size() - 1);
    starts.push_back(marked.size());
    const std::size_t characters = starts.size() - 1;
    for (std::size_t length = kShortestPart; length <= kLongestPart; ++length) {
      for (std::size_t first = 0; first + length <= characters; ++first) {
        const std::size_t begin = starts[first];
        add(kPart, std::string_view(marked).substr(begin, starts[first + length] - begin), kPartWeight);
      }
    }
  }

  std::string word_;
  std::vector<std::size_t> starts_;  // of the word's characters
  std::string previous_single_;
  Features features_;
};

/// 1 + log2(count), straight between powers of two: unlike the library's logarithm, the same on every
/// machine.
double damped(std::size_t count) {
  const auto power = std::bit_width(count) - 1;
  return static_cast<double>(power) +
         static_cast<double>(count) / static_cast<double>(std::size_t{1} << power);
}

std::vector<float> hash_into_vector(const Features& features, std::size_t dimension) {
  // Sums depend on their order, which must not be that of a hash table.
  std::vector<std::pair<std::uint64_t, Feature>> ordered(features.begin(), features.end());
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<double> sums(dimension);
  for (const auto& [hash, feature] : ordered) {
    const double value = feature.weight * damped(feature.count);
    // The high half chooses the element, the lowest bit the sign.
    const std::size_t element = ((hash >> 32U) * dimension) >> 32U;
    sums[element] += (hash & 1U) != 0 ? value : -value;
  }
  std::vector<float> vector(sums.begin(), sums.end());
  if (!scale_to_unit_length(vector)) {
    // No feature, or all of them cancelled out.
    std::fill(vector.begin(), vector.end(), 0.0F);
    vector[0] = 1.0F;
  }
  return vector;
}

class HashedEmbedder final : public Embedder {
 public:
  explicit HashedEmbedder(std::size_t dimension)
      : dimension_(dimension), model_name_(fmt::format("hashed-v1-{}", dimension)) {}

  Result<std::vector<std::vector<float>>> embed(const RequestContext& context,
                                                std::span<const std::string> texts,
                                                EmbeddingPurpose /*purpose*/) override {
    std::vector<std::vector<float>> vectors;
    vectors.reserve(texts.size());
    for (const std::string& text : texts) {
      TRY(context.check_deadline("embedding texts"));
      vectors.push_back(hash_into_vector(FeatureCollector().collect(text), dimension_));
    }
    return vectors;
  }
  std::string_view provider() const override { return "hashed"; }
  std::string_view model_name() const override { return model_name_; }
  std::size_t dimension() const override { return dimension_; }
  EmbeddingLimits limits() const override { return {}; }
  EmbedderHealth health() override {
    return {.ready = true, .detail = "finds shared words, not shared meaning"};
  }
  bool lexical_only() const override { return true; }

 private:
  const std::size_t dimension_;
  const std::string model_name_;
};

}  // namespace

Result<std::unique_ptr<Embedder>> make_hashed_embedder(const Json& settings) {
  TRY_ASSIGN(auto reader, SettingsReader::open("hashed", settings));
  TRY_ASSIGN(const std::size_t dimension, reader.integer("dimension", kDefaultDimension, kDimensions));
  TRY(reader.finish());
  return std::make_unique<HashedEmbedder>(dimension);
}

}  // namespace sextant
