// The one file that knows simdjson.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/json.h"

namespace sextant {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::size_t kShortestPacked = 8;                       // elements
constexpr std::int64_t kExactIntegers = std::int64_t{1} << 53U;  // up to here a double holds every integer
constexpr std::size_t kRetainedBytes = 1U << 20U;  // longer texts get a parser of their own, freed at once
constexpr std::size_t kDeepestLimit = 256;         // the reader recurses: beyond, a small stack would not do
constexpr std::size_t kFewMembers = 16;            // up to here trying all pairs is cheaper than sorting
constexpr std::size_t kShownKeyBytes = 64;

std::string_view describe(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return "the text is not valid UTF-8";
    case simdjson::UNCLOSED_STRING:
      return "a string is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "a string holds a control character that is not escaped";
    case simdjson::STRING_ERROR:
      return "a string holds a malformed escape sequence";
    case simdjson::NUMBER_ERROR:
      return "a number is malformed or overflows a double";
    case simdjson::CAPACITY:
      return "the text is too long";
    default:
      return "unexpected token";
  }
}

std::string shown(std::string_view key) {
  if (key.size() <= kShownKeyBytes) return fmt::format("\"{}\"", key);
  std::size_t end = kShownKeyBytes;
  while ((static_cast<unsigned char>(key[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  return fmt::format("\"{}...\"", key.substr(0, end));
}

/// The key that occurs twice, or nullptr.
const std::string* repeated_key(const Json::Object& members) {
  if (members.size() <= kFewMembers) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (members[i].first == members[j].first) return &members[i].first;
      }
    }
    return nullptr;
  }
  std::vector<const std::string*> keys;
  keys.reserve(members.size());
  for (const Json::Member& member : members) keys.push_back(&member.first);
  std::sort(keys.begin(), keys.end(), [](const std::string* a, const std::string* b) { return *a < *b; });
  const auto twin = std::adjacent_find(keys.begin(), keys.end(),
                                       [](const std::string* a, const std::string* b) { return *a == *b; });
  return twin == keys.end() ? nullptr : *twin;
}

/// How many more values there may be outside of packed arrays.
class ValueBudget {
 public:
  explicit ValueBudget(std::size_t values) : left_(values) {}
  /// False when so many are not left.
  bool take(std::size_t values) {
    if (values > left_) return false;
    left_ -= values;
    return true;
  }
  void give_back(std::size_t values) { left_ += values; }

 private:
  std::size_t left_;
};

/// Collects an array's elements. From the first fraction on, or the eighth integer that a double holds
/// exactly, an array of numbers is gathered packed; should it end short or hold something else after all, the
/// integers in it come back exact. Every element that is not packed is taken from the budget.
class ArrayBuilder {
 public:
  explicit ArrayBuilder(ValueBudget& budget) : budget_(budget) {}

  /// False when the budget is used up.
  bool add(Json element) {
    if (is_packing()) {
      if (element.is_number() && (has_fraction_ || element.is_double() || is_exact(element))) {
        add_packed(element);
        return true;
      }
      if (!unpack()) return false;
    } else if (element.is_double() && only_numbers_) {
      pack();
      add_packed(element);
      return true;
    }
    if (!budget_.take(1)) return false;
    only_numbers_ = only_numbers_ && element.is_number();
    only_exact_ = only_exact_ && is_exact(element);
    plain_.push_back(std::move(element));
    if (only_exact_ && plain_.size() == kShortestPacked) pack();
    return true;
  }

  bool is_packing() const { return !packed_.empty(); }
  /// Requires is_packing().
  void add_fraction(double fraction) {
    if (!has_fraction_) begin_fractions();
    packed_.push_back(fraction);
  }

  /// Nothing when the budget is used up.
  std::optional<Json> finish() {
    if (is_packing() && !has_fraction_) return Json::packed_integers(std::move(packed_));
    if (packed_.size() >= kShortestPacked) return Json(std::move(packed_));
    if (is_packing() && !unpack()) return std::nullopt;
    return Json(std::move(plain_));
  }

 private:
  static bool is_exact(const Json& element) {
    return element.is_integer() && element.as_integer() >= -kExactIntegers &&
           element.as_integer() <= kExactIntegers;
  }

  void pack() {
    budget_.give_back(plain_.size());
    for (const Json& number : plain_) add_packed(number);
    plain_ = {};
  }

  void add_packed(const Json& number) {
    if (number.is_double()) return add_fraction(number.as_number());
    if (has_fraction_ || !is_exact(number)) {
      is_integer_.resize(packed_.size());
      is_integer_.push_back(true);
    }
    if (!is_exact(number)) inexact_.emplace_back(packed_.size(), number.as_integer());
    packed_.push_back(number.as_number());
  }

  // What was packed so far are integers.
  void begin_fractions() {
    has_fraction_ = true;
    is_integer_.assign(packed_.size(), true);
  }

  bool unpack() {
    if (!budget_.take(packed_.size())) return false;
    plain_.reserve(packed_.size() + 1);
    for (std::size_t i = 0; i < packed_.size(); ++i) {
      const bool integer = !has_fraction_ || (i < is_integer_.size() && is_integer_[i]);
      if (integer) {
        plain_.emplace_back(static_cast<std::int64_t>(packed_[i]));
      } else {
        plain_.emplace_back(packed_[i]);
      }
    }
    for (const auto& [index, integer] : inexact_) plain_[index] = integer;
    packed_ = {};
    return true;
  }

  ValueBudget& budget_;
  bool only_numbers_ = true;
  bool only_exact_ = true;
  bool has_fraction_ = false;
  Json::Array plain_;
  Json::Doubles packed_;
  std::vector<bool> is_integer_;  // of packed_ once it has a fraction; those behind its end are fractions
  std::vector<std::pair<std::size_t, std::int64_t>> inexact_;  // integers of packed_ that doubles do not hold
};

/// An integer beyond int64, which JSON allows and simdjson refuses: as a double, unless it is malformed.
std::optional<double> read_long_integer(std::string_view token) {
  token = token.substr(0, token.find_last_not_of(" \t\n\r") + 1);
  const std::string_view digits = token.substr(token.starts_with('-') ? 1 : 0);
  const bool well_formed = !digits.empty() && digits.front() != '0' &&
                           digits.find_first_not_of("0123456789") == std::string_view::npos;
  double value = 0;
  if (!well_formed || std::from_chars(token.data(), token.data() + token.size(), value).ec != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

bool is_fraction(std::string_view token) {
  return std::any_of(token.begin(), token.end(), [](char c) { return c == '.' || c == 'e' || c == 'E'; });
}

/// Walks a document of simdjson's and builds the tree. simdjson checks only what is visited: everything is.
class TreeReader {
 public:
  /// `text` is what the user gave, as it stands in the document's buffer.
  TreeReader(ondemand::document& document, std::string_view text, JsonLimits limits)
      : document_(document),
        text_(text),
        max_depth_(std::min(limits.max_depth, kDeepestLimit)),
        max_values_(limits.max_values),
        budget_(limits.max_values) {}

  /// The only element of the array that the document is.
  Result<Json> read_wrapped() {
    ondemand::array wrapper;
    if (const auto error = document_.get_array().get(wrapper)) return fail_here(describe(error));
    Json root;
    std::size_t values = 0;
    for (auto element : wrapper) {
      ondemand::value value;
      if (const auto error = element.get(value)) {
        return fail_here(values == 0 ? describe(error) : "text after the value");
      }
      if (++values > 1) return fail_at(value, "text after the value");
      TRY_ASSIGN(root, read_value(value, 0));
    }
    const char* left = nullptr;
    if (document_.current_location().get(left) == simdjson::SUCCESS) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("invalid JSON: unexpected ']' before byte {}", left - text_.data()));
    }
    if (values == 0) return fail(ErrorCode::kInvalidArgument, "invalid JSON: the text is empty");
    return root;
  }

 private:
  Result<Json> read_value(ondemand::value& value, std::size_t depth) {
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return fail_at(value, describe(error));
    switch (type) {
      case ondemand::json_type::array:
        return read_array(value, depth + 1);
      case ondemand::json_type::object:
        return read_object(value, depth + 1);
      case ondemand::json_type::number:
        return read_number(value);
      case ondemand::json_type::string: {
        std::string_view text;
        if (const auto error = value.get_string().get(text)) return fail_at(value, describe(error));
        return Json(text);
      }
      case ondemand::json_type::boolean: {
        bool flag = false;
        if (const auto error = value.get_bool().get(flag)) return fail_at(value, describe(error));
        return Json(flag);
      }
      case ondemand::json_type::null:
        break;
    }
    bool null = false;
    if (value.is_null().get(null) != simdjson::SUCCESS || !null) return fail_at(value, "unexpected token");
    return Json();
  }

  // The kind is read off the token: simdjson 3.0.1's get_number() takes fractions of 19 digits and more for
  // zero.
  Result<Json> read_number(ondemand::value& value) {
    const std::string_view token = value.raw_json_token();
    if (is_fraction(token)) {
      double fraction = 0;
      if (const auto error = value.get_double().get(fraction)) return fail_at(value, describe(error));
      return Json(fraction);
    }
    std::int64_t integer = 0;
    if (value.get_int64().get(integer) == simdjson::SUCCESS) return Json(integer);
    if (const auto rounded = read_long_integer(token)) return Json(*rounded);
    return fail_at(value, describe(simdjson::NUMBER_ERROR));
  }

  Result<Json> read_array(ondemand::value& value, std::size_t depth) {
    if (depth > max_depth_) return fail_deep(value);
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return fail_at(value, describe(error));
    ArrayBuilder elements(budget_);
    for (auto item : array) {
      ondemand::value element;
      if (const auto error = item.get(element)) return fail_here(describe(error));
      // Vectors are long and many: this way around read_value() halves their time.
      double fraction = 0;
      if (elements.is_packing() && is_fraction(element.raw_json_token()) &&
          element.get_double().get(fraction) == simdjson::SUCCESS) {
        elements.add_fraction(fraction);
        continue;
      }
      TRY_ASSIGN(Json read, read_value(element, depth));
      if (!elements.add(std::move(read))) return fail_many();
    }
    std::optional<Json> read = elements.finish();
    if (!read) return fail_many();
    return *std::move(read);
  }

  Result<Json> read_object(ondemand::value& value, std::size_t depth) {
    if (depth > max_depth_) return fail_deep(value);
    const std::size_t start = offset_of(value);
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return fail_at(value, describe(error));
    Json::Object members;
    for (auto item : object) {
      ondemand::field field;
      std::string_view key;
      if (const auto error = std::move(item).get(field)) return fail_here(describe(error));
      if (const auto error = field.unescaped_key().get(key)) return fail_here(describe(error));
      if (!budget_.take(1)) return fail_many();
      TRY_ASSIGN(Json read, read_value(field.value(), depth));
      members.emplace_back(key, std::move(read));
    }
    if (const std::string* key = repeated_key(members)) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("invalid JSON: key {} occurs twice in the object at byte {}", shown(*key), start));
    }
    return members;
  }

  std::size_t offset_of(ondemand::value& value) const {
    return static_cast<std::size_t>(value.raw_json_token().data() - text_.data());
  }

  std::unexpected<Error> fail_at_byte(std::size_t offset, std::string_view what) const {
    if (offset >= text_.size()) {
      return fail(ErrorCode::kInvalidArgument, "invalid JSON: the text ends inside a value");
    }
    return fail(ErrorCode::kInvalidArgument, fmt::format("invalid JSON: {} at byte {}", what, offset));
  }
  std::unexpected<Error> fail_at(ondemand::value& value, std::string_view what) const {
    return fail_at_byte(offset_of(value), what);
  }
  std::unexpected<Error> fail_deep(ondemand::value& value) const {
    return fail_at(value, fmt::format("nesting deeper than {}", max_depth_));
  }
  std::unexpected<Error> fail_many() const {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("invalid JSON: more than {} values (numbers in long arrays not counted)", max_values_));
  }
  /// At the token that simdjson stopped at.
  std::unexpected<Error> fail_here(std::string_view what) const {
    const char* at = nullptr;
    if (document_.current_location().get(at) != simdjson::SUCCESS) return fail_at_byte(text_.size(), what);
    return fail_at_byte(static_cast<std::size_t>(at - text_.data()), what);
  }

  ondemand::document& document_;
  std::string_view text_;
  std::size_t max_depth_;
  std::size_t max_values_;
  ValueBudget budget_;
};

struct Workspace {
  ondemand::parser parser;
  std::string buffer;
};

Result<Json> parse_in(Workspace& workspace, std::string_view text, JsonLimits limits) {
  // Wrapped in an array, a scalar takes the same road as all else, and what follows the value shows as a
  // second element or as text after the array.
  std::string& buffer = workspace.buffer;
  buffer.clear();
  buffer.reserve(text.size() + 2 + simdjson::SIMDJSON_PADDING);
  buffer.append("[").append(text).append("]");
  const std::size_t size = buffer.size();
  buffer.append(simdjson::SIMDJSON_PADDING, '\0');

  ondemand::document document;
  if (const auto error = workspace.parser.iterate(buffer.data(), size, buffer.size()).get(document)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("invalid JSON: {}", describe(error)));
  }
  const std::string_view copy = std::string_view(buffer).substr(1, text.size());
  return TreeReader(document, copy, limits).read_wrapped();
}

}  // namespace

bool is_valid_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

Result<Json> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > kRetainedBytes) {
    Workspace workspace;
    return parse_in(workspace, text, limits);
  }
  thread_local Workspace workspace;
  return parse_in(workspace, text, limits);
}

}  // namespace sextant
