// The parsed form of a filter: a tree whose inner nodes are and/or/not and whose leaves ask one question
// each.
//
// Internal to filter_parse.cpp, which builds it, and filter_match.cpp, which evaluates it. Nodes are
// immutable and may be shared between filters and threads; matches() allocates nothing, apart from what RE2
// caches in a pattern.
#pragma once

#include <re2/re2.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "engine/filter.h"

namespace sextant {

class Filter::Node {
 public:
  explicit Node(bool reads_text) : reads_text_(reads_text) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  virtual bool matches(const FilterRow& row) const = 0;
  bool reads_text() const { return reads_text_; }

 private:
  bool reads_text_;
};

namespace filter {

using NodePtr = std::shared_ptr<const Filter::Node>;

// ---- Inner nodes ----

/// True when every child is; so true without children.
class AllOf final : public Filter::Node {
 public:
  explicit AllOf(std::vector<NodePtr> children);
  bool matches(const FilterRow& row) const override;

 private:
  std::vector<NodePtr> children_;
};

/// True when one child is.
class AnyOf final : public Filter::Node {
 public:
  explicit AnyOf(std::vector<NodePtr> children);
  bool matches(const FilterRow& row) const override;

 private:
  std::vector<NodePtr> children_;
};

class Not final : public Filter::Node {
 public:
  explicit Not(NodePtr child) : Node(child->reads_text()), child_(std::move(child)) {}
  bool matches(const FilterRow& row) const override { return !child_->matches(row); }

 private:
  NodePtr child_;
};

// ---- Leaves over one metadata value ----

/// Finds the value under its key and leaves the question to its subclass.
class ValueNode : public Filter::Node {
 public:
  explicit ValueNode(std::string key) : Node(false), key_(std::move(key)) {}
  bool matches(const FilterRow& row) const final;

 private:
  /// `value` is nullptr where the row has no such key.
  virtual bool holds(const Json* value) const = 0;

  std::string key_;
};

/// $eq; null equals null and absence.
class EqualTo final : public ValueNode {
 public:
  EqualTo(std::string key, Json operand) : ValueNode(std::move(key)), operand_(std::move(operand)) {}

 private:
  bool holds(const Json* value) const override;

  Json operand_;
};

/// $in: equal to one of its values, found by binary search among those of the row value's type.
class OneOf final : public ValueNode {
 public:
  OneOf(std::string key, const Json& values);

 private:
  bool holds(const Json* value) const override;
  bool has_number(const Json& value) const;

  bool null_ = false;
  bool true_ = false;
  bool false_ = false;
  std::vector<std::int64_t> integers_;  // and the doubles that equal one
  std::vector<double> doubles_;         // the others
  std::vector<std::string> strings_;
  std::vector<Json> compounds_;  // arrays and objects, compared one by one
};

enum class Ordering : std::uint8_t { kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

/// $lt $lte $gt $gte: numbers with numbers, strings with strings by bytes, booleans with booleans (false
/// first).
class Ordered final : public ValueNode {
 public:
  Ordered(std::string key, Ordering ordering, Json operand)
      : ValueNode(std::move(key)), ordering_(ordering), operand_(std::move(operand)) {}

 private:
  bool holds(const Json* value) const override;

  Ordering ordering_;
  Json operand_;
};

/// $exists
class Exists final : public ValueNode {
 public:
  using ValueNode::ValueNode;

 private:
  bool holds(const Json* value) const override { return value != nullptr; }
};

/// $contains: an element of an array, or a part of a string.
class Contains final : public ValueNode {
 public:
  Contains(std::string key, Json operand) : ValueNode(std::move(key)), operand_(std::move(operand)) {}

 private:
  bool holds(const Json* value) const override;

  Json operand_;
};

/// $regex on a string.
class Matches final : public ValueNode {
 public:
  Matches(std::string key, std::unique_ptr<const RE2> pattern)
      : ValueNode(std::move(key)), pattern_(std::move(pattern)) {}

 private:
  bool holds(const Json* value) const override;

  std::unique_ptr<const RE2> pattern_;
};

// ---- Leaves over the text ----

class TextContains final : public Filter::Node {
 public:
  explicit TextContains(std::string part) : Node(true), part_(std::move(part)) {}
  bool matches(const FilterRow& row) const override { return row.text.find(part_) != std::string_view::npos; }

 private:
  std::string part_;
};

class TextMatches final : public Filter::Node {
 public:
  explicit TextMatches(std::unique_ptr<const RE2> pattern) : Node(true), pattern_(std::move(pattern)) {}
  bool matches(const FilterRow& row) const override;

 private:
  std::unique_ptr<const RE2> pattern_;
};

}  // namespace filter
}  // namespace sextant
