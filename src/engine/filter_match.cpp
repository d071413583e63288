#include <algorithm>
#include <cmath>
#include <optional>

#include "base/check.h"
#include "engine/filter_node.h"

namespace sextant {

Filter::Filter() = default;
Filter::Filter(std::shared_ptr<const Node> root) : root_(std::move(root)) {}

bool Filter::matches(const FilterRow& row) const { return root_ == nullptr || root_->matches(row); }

bool Filter::needs_text() const { return root_ != nullptr && root_->reads_text(); }

Filter Filter::all_of(Filter a, Filter b) {
  if (a.matches_everything()) return b;
  if (b.matches_everything()) return a;
  // What is cheap comes first: metadata decides many rows without their text.
  if (a.needs_text() && !b.needs_text()) std::swap(a, b);
  return Filter(
      std::make_shared<filter::AllOf>(std::vector<filter::NodePtr>{std::move(a.root_), std::move(b.root_)}));
}

namespace filter {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

/// The integer that equals `value`, if an int64 does.
std::optional<std::int64_t> exact_integer(double value) {
  if (!(value >= -kTwoTo63 && value < kTwoTo63) || value != std::trunc(value)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

/// Exact even where the integer has no equal among the doubles.
std::partial_ordering compare_exactly(std::int64_t a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= kTwoTo63) return std::partial_ordering::less;
  if (b < -kTwoTo63) return std::partial_ordering::greater;
  const double whole = std::trunc(b);
  const auto integer = static_cast<std::int64_t>(whole);
  if (a != integer) return a <=> integer;
  return whole <=> b;
}

std::partial_ordering compare_numbers(const Json& a, const Json& b) {
  if (a.is_integer() && b.is_integer()) return a.as_integer() <=> b.as_integer();
  if (a.is_integer()) return compare_exactly(a.as_integer(), b.as_number());
  if (b.is_integer()) return 0 <=> compare_exactly(b.as_integer(), a.as_number());
  return a.as_number() <=> b.as_number();
}

/// Unordered between unlike types and between values that have no order.
std::partial_ordering compare(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.is_string() && b.is_string()) return a.as_string() <=> b.as_string();
  if (a.is_bool() && b.is_bool()) return a.as_bool() <=> b.as_bool();
  return std::partial_ordering::unordered;
}

const Json* find_in(const Json* object, std::string_view key) {
  return object == nullptr ? nullptr : object->find(key);
}

/// The value of a key or dotted path below `object`; the literal key wins.
const Json* find_path(const Json* object, std::string_view path) {
  while (object != nullptr) {
    if (const Json* value = object->find(path)) return value;
    const std::size_t dot = path.find('.');
    if (dot == std::string_view::npos) return nullptr;
    object = object->find(path.substr(0, dot));
    path.remove_prefix(dot + 1);
  }
  return nullptr;
}

/// As find_path in the document's metadata overlaid, key by key, with the chunk's.
const Json* find_value(const FilterRow& row, std::string_view path) {
  const auto top_level = [&](std::string_view key) {
    const Json* value = find_in(row.chunk_metadata, key);
    return value != nullptr ? value : find_in(row.document_metadata, key);
  };
  if (const Json* value = top_level(path)) return value;
  const std::size_t dot = path.find('.');
  if (dot == std::string_view::npos) return nullptr;
  return find_path(top_level(path.substr(0, dot)), path.substr(dot + 1));
}

template <typename T>
void sort_unique(std::vector<T>& values) {
  std::ranges::sort(values);
  const auto rest = std::ranges::unique(values);
  values.erase(rest.begin(), rest.end());
}

bool any_reads_text(const std::vector<NodePtr>& children) {
  return std::ranges::any_of(children, [](const NodePtr& child) { return child->reads_text(); });
}

}  // namespace

AllOf::AllOf(std::vector<NodePtr> children)
    : Node(any_reads_text(children)), children_(std::move(children)) {}

bool AllOf::matches(const FilterRow& row) const {
  return std::ranges::all_of(children_, [&](const NodePtr& child) { return child->matches(row); });
}

AnyOf::AnyOf(std::vector<NodePtr> children)
    : Node(any_reads_text(children)), children_(std::move(children)) {}

bool AnyOf::matches(const FilterRow& row) const {
  return std::ranges::any_of(children_, [&](const NodePtr& child) { return child->matches(row); });
}

bool ValueNode::matches(const FilterRow& row) const { return holds(find_value(row, key_)); }

bool EqualTo::holds(const Json* value) const {
  return value == nullptr ? operand_.is_null() : *value == operand_;
}

OneOf::OneOf(std::string key, const Json& values) : ValueNode(std::move(key)) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    Json value = values.element(i);
    if (value.is_null()) {
      null_ = true;
    } else if (value.is_bool()) {
      (value.as_bool() ? true_ : false_) = true;
    } else if (value.is_integer()) {
      integers_.push_back(value.as_integer());
    } else if (value.is_double()) {
      if (const auto integer = exact_integer(value.as_number())) {
        integers_.push_back(*integer);
      } else {
        doubles_.push_back(value.as_number());
      }
    } else if (value.is_string()) {
      strings_.push_back(value.as_string());
    } else {
      compounds_.push_back(std::move(value));
    }
  }
  sort_unique(integers_);
  sort_unique(doubles_);
  sort_unique(strings_);
}

bool OneOf::has_number(const Json& value) const {
  if (value.is_integer()) return std::ranges::binary_search(integers_, value.as_integer());
  const double number = value.as_number();
  if (const auto integer = exact_integer(number)) return std::ranges::binary_search(integers_, *integer);
  return std::ranges::binary_search(doubles_, number);
}

bool OneOf::holds(const Json* value) const {
  if (value == nullptr || value->is_null()) return null_;
  if (value->is_bool()) return value->as_bool() ? true_ : false_;
  if (value->is_number()) return has_number(*value);
  if (value->is_string()) return std::ranges::binary_search(strings_, value->as_string());
  return std::ranges::any_of(compounds_, [&](const Json& compound) { return compound == *value; });
}

bool Ordered::holds(const Json* value) const {
  if (value == nullptr) return false;
  const std::partial_ordering order = compare(*value, operand_);
  switch (ordering_) {
    case Ordering::kLess:
      return order < 0;
    case Ordering::kLessOrEqual:
      return order <= 0;
    case Ordering::kGreater:
      return order > 0;
    case Ordering::kGreaterOrEqual:
      return order >= 0;
  }
  CHECK(false);
}

bool Contains::holds(const Json* value) const {
  if (value == nullptr) return false;
  if (value->is_string()) {
    return operand_.is_string() && value->as_string().find(operand_.as_string()) != std::string::npos;
  }
  if (value->is_packed()) {
    return std::ranges::any_of(value->as_packed(), [&](double number) { return Json(number) == operand_; });
  }
  if (!value->is_array()) return false;
  return std::ranges::any_of(value->as_plain_array(),
                             [&](const Json& element) { return element == operand_; });
}

bool Matches::holds(const Json* value) const {
  return value != nullptr && value->is_string() && RE2::PartialMatch(value->as_string(), *pattern_);
}

bool TextMatches::matches(const FilterRow& row) const {
  return RE2::PartialMatch(re2::StringPiece(row.text.data(), row.text.size()), *pattern_);
}

}  // namespace filter
}  // namespace sextant
