#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "engine/filter_node.h"

namespace sextant {
namespace filter {
namespace {

constexpr std::string_view kTextKey = "#document";    // addresses the text inside `where`
constexpr std::int64_t kRegexMemoryBytes = 4 << 20U;  // of one pattern's program and its caches

enum class Operator : std::uint8_t {
  kEq,
  kNe,
  kGt,
  kGte,
  kLt,
  kLte,
  kIn,
  kNin,
  kExists,
  kContains,
  kNotContains,
  kRegex,
  kNotRegex,
  kAnd,
  kOr,
  kNot,
};

struct NamedOperator {
  std::string_view name;
  Operator op;
};

constexpr std::array kLogicOperators = {NamedOperator{"$and", Operator::kAnd},
                                        NamedOperator{"$or", Operator::kOr},
                                        NamedOperator{"$not", Operator::kNot}};
constexpr std::array kValueOperators = {
    NamedOperator{"$eq", Operator::kEq},
    NamedOperator{"$ne", Operator::kNe},
    NamedOperator{"$gt", Operator::kGt},
    NamedOperator{"$gte", Operator::kGte},
    NamedOperator{"$lt", Operator::kLt},
    NamedOperator{"$lte", Operator::kLte},
    NamedOperator{"$in", Operator::kIn},
    NamedOperator{"$nin", Operator::kNin},
    NamedOperator{"$exists", Operator::kExists},
    NamedOperator{"$contains", Operator::kContains},
    NamedOperator{"$not_contains", Operator::kNotContains},
    NamedOperator{"$regex", Operator::kRegex},
    NamedOperator{"$not_regex", Operator::kNotRegex},
    NamedOperator{"$not", Operator::kNot},
};
constexpr std::array kTextOperators = {
    NamedOperator{"$contains", Operator::kContains}, NamedOperator{"$not_contains", Operator::kNotContains},
    NamedOperator{"$regex", Operator::kRegex},       NamedOperator{"$not_regex", Operator::kNotRegex},
    NamedOperator{"$and", Operator::kAnd},           NamedOperator{"$or", Operator::kOr},
    NamedOperator{"$not", Operator::kNot},
};

template <std::size_t N>
std::optional<Operator> find_operator(const std::array<NamedOperator, N>& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &NamedOperator::name);
  return found == table.end() ? std::nullopt : std::optional(found->op);
}

template <std::size_t N>
std::unexpected<Error> unknown_operator(const std::array<NamedOperator, N>& table, std::string_view name,
                                        std::string path) {
  std::vector<std::string_view> names;
  for (const NamedOperator& known : table) names.push_back(known.name);
  return fail(
      field_error(ErrorCode::kInvalidArgument, std::move(path),
                  fmt::format("'{}' is no operator here; known are {}", name, fmt::join(names, ", "))));
}

std::unexpected<Error> invalid(std::string path, std::string message) {
  return fail(field_error(ErrorCode::kInvalidArgument, std::move(path), std::move(message)));
}

std::unexpected<Error> over_limit(std::string path, std::string message) {
  return fail(field_error(ErrorCode::kLimitExceeded, std::move(path), std::move(message)));
}

NodePtr negate(NodePtr node) { return std::make_shared<Not>(std::move(node)); }

NodePtr all_of(std::vector<NodePtr> children) {
  if (children.size() == 1) return std::move(children.front());
  return std::make_shared<AllOf>(std::move(children));
}

/// One parse: walks the JSON, keeps count of what the limits bound.
class Parser {
 public:
  explicit Parser(const FilterLimits& limits) : limits_(limits) {}

  /// `where` and what stands below its $and, $or and $not. `depth` counts the objects around this one.
  Result<NodePtr> metadata_object(const Json& json, const std::string& path, std::size_t depth) {
    TRY(check_object(json, path, depth));
    std::vector<NodePtr> all;
    for (const auto& [key, value] : json.as_object()) {
      const std::string below = path + "." + key;
      if (key.starts_with('$')) {
        const auto op = find_operator(kLogicOperators, key);
        if (!op) return unknown_operator(kLogicOperators, key, below);
        TRY(count(1, below));
        TRY_ASSIGN(all.emplace_back(), logic(*op, value, below, depth, &Parser::metadata_object));
      } else if (key == kTextKey) {
        TRY_ASSIGN(all.emplace_back(), text_object(value, below, depth + 1));
      } else {
        TRY_ASSIGN(all.emplace_back(), field(key, value, below, depth + 1));
      }
    }
    return all_of(std::move(all));
  }

  /// `where_document`, what stands below its $and, $or and $not, and the value of "#document".
  Result<NodePtr> text_object(const Json& json, const std::string& path, std::size_t depth) {
    TRY(check_object(json, path, depth));
    std::vector<NodePtr> all;
    for (const auto& [key, value] : json.as_object()) {
      const std::string below = path + "." + key;
      const auto op = find_operator(kTextOperators, key);
      if (!op) return unknown_operator(kTextOperators, key, below);
      TRY(count(1, below));
      TRY_ASSIGN(all.emplace_back(), text_operator(*op, value, below, depth));
    }
    return all_of(std::move(all));
  }

 private:
  using ParseObject = Result<NodePtr> (Parser::*)(const Json&, const std::string&, std::size_t);

  Status check_object(const Json& json, const std::string& path, std::size_t depth) const {
    if (!json.is_object()) {
      return invalid(path, fmt::format("must be an object of conditions, not {}", json.type_name()));
    }
    if (depth > limits_.max_depth) {
      return over_limit(path, fmt::format("a filter nests at most {} objects deep", limits_.max_depth));
    }
    return {};
  }

  Status count(std::size_t conditions, const std::string& path) {
    if (conditions > limits_.max_conditions - conditions_) {
      return over_limit(path,
                        fmt::format("a filter has at most {} conditions, each value of $in and $nin counted",
                                    limits_.max_conditions));
    }
    conditions_ += conditions;
    return {};
  }

  Result<NodePtr> logic(Operator op, const Json& operand, const std::string& path, std::size_t depth,
                        ParseObject parse_object) {
    if (op == Operator::kNot) {
      TRY_ASSIGN(NodePtr node, (this->*parse_object)(operand, path, depth + 1));
      return negate(std::move(node));
    }
    if (!operand.is_array() || operand.size() == 0) {
      return invalid(path, fmt::format("must be an array of at least one object, not {}",
                                       operand.is_array() ? "an empty one" : operand.type_name()));
    }
    std::vector<NodePtr> children;
    for (std::size_t i = 0; i < operand.size(); ++i) {
      TRY_ASSIGN(children.emplace_back(),
                 (this->*parse_object)(operand.element(i), fmt::format("{}[{}]", path, i), depth + 1));
    }
    if (op == Operator::kAnd) return all_of(std::move(children));
    return std::make_shared<AnyOf>(std::move(children));
  }

  /// The value of one metadata key: an object of operators, or a value to be equal to.
  Result<NodePtr> field(const std::string& key, const Json& json, const std::string& path,
                        std::size_t depth) {
    if (!json.is_object()) {
      TRY(count(1, path));
      return std::make_shared<EqualTo>(key, json);
    }
    return operators(key, json, path, depth);
  }

  Result<NodePtr> operators(const std::string& key, const Json& json, const std::string& path,
                            std::size_t depth) {
    TRY(check_object(json, path, depth));
    if (json.size() == 0) {
      return invalid(path, R"(has no operator; to compare with an empty object write {"$eq": {}})");
    }
    std::vector<NodePtr> all;
    for (const auto& [name, operand] : json.as_object()) {
      const std::string below = path + "." + name;
      const auto op = find_operator(kValueOperators, name);
      if (!op) return unknown_operator(kValueOperators, name, below);
      TRY(count(1, below));
      TRY_ASSIGN(all.emplace_back(), value_operator(key, *op, operand, below, depth));
    }
    return all_of(std::move(all));
  }

  Result<NodePtr> value_operator(const std::string& key, Operator op, const Json& operand,
                                 const std::string& path, std::size_t depth) {
    switch (op) {
      case Operator::kEq:
        return std::make_shared<EqualTo>(key, operand);
      case Operator::kNe:
        return negate(std::make_shared<EqualTo>(key, operand));
      case Operator::kGt:
        return ordered(key, Ordering::kGreater, operand, path);
      case Operator::kGte:
        return ordered(key, Ordering::kGreaterOrEqual, operand, path);
      case Operator::kLt:
        return ordered(key, Ordering::kLess, operand, path);
      case Operator::kLte:
        return ordered(key, Ordering::kLessOrEqual, operand, path);
      case Operator::kIn:
        return one_of(key, operand, path);
      case Operator::kNin: {
        TRY_ASSIGN(NodePtr node, one_of(key, operand, path));
        return negate(std::move(node));
      }
      case Operator::kExists: {
        if (!operand.is_bool()) {
          return invalid(path, fmt::format("must be true or false, not {}", operand.type_name()));
        }
        NodePtr node = std::make_shared<Exists>(key);
        return operand.as_bool() ? node : negate(std::move(node));
      }
      case Operator::kContains:
        return contains(key, operand, path);
      case Operator::kNotContains: {
        TRY_ASSIGN(NodePtr node, contains(key, operand, path));
        return negate(std::move(node));
      }
      case Operator::kRegex:
      case Operator::kNotRegex: {
        TRY_ASSIGN(auto compiled, pattern(operand, path));
        NodePtr node = std::make_shared<Matches>(key, std::move(compiled));
        return op == Operator::kRegex ? node : negate(std::move(node));
      }
      case Operator::kNot: {
        TRY_ASSIGN(NodePtr node, operators(key, operand, path, depth + 1));
        return negate(std::move(node));
      }
      case Operator::kAnd:
      case Operator::kOr:
        break;
    }
    CHECK(false);
  }

  Result<NodePtr> text_operator(Operator op, const Json& operand, const std::string& path,
                                std::size_t depth) {
    if (op == Operator::kContains || op == Operator::kNotContains) {
      if (!operand.is_string())
        return invalid(path, fmt::format("must be a string, not {}", operand.type_name()));
      NodePtr node = std::make_shared<TextContains>(operand.as_string());
      return op == Operator::kContains ? node : negate(std::move(node));
    }
    if (op == Operator::kRegex || op == Operator::kNotRegex) {
      TRY_ASSIGN(auto compiled, pattern(operand, path));
      NodePtr node = std::make_shared<TextMatches>(std::move(compiled));
      return op == Operator::kRegex ? node : negate(std::move(node));
    }
    return logic(op, operand, path, depth, &Parser::text_object);
  }

  static Result<NodePtr> ordered(const std::string& key, Ordering ordering, const Json& operand,
                                 const std::string& path) {
    if (!operand.is_number() && !operand.is_string() && !operand.is_bool()) {
      return invalid(path,
                     fmt::format("must be a number, a string or a boolean, not {}", operand.type_name()));
    }
    return std::make_shared<Ordered>(key, ordering, operand);
  }

  Result<NodePtr> one_of(const std::string& key, const Json& operand, const std::string& path) {
    if (!operand.is_array()) {
      return invalid(path, fmt::format("must be an array of values, not {}", operand.type_name()));
    }
    TRY(count(operand.size(), path));
    return std::make_shared<OneOf>(key, operand);
  }

  static Result<NodePtr> contains(const std::string& key, const Json& operand, const std::string& path) {
    if (!operand.is_number() && !operand.is_string() && !operand.is_bool()) {
      return invalid(path,
                     fmt::format("must be a string, a number or a boolean, not {}", operand.type_name()));
    }
    return std::make_shared<Contains>(key, operand);
  }

  Result<std::unique_ptr<const RE2>> pattern(const Json& operand, const std::string& path) {
    if (!operand.is_string())
      return invalid(path, fmt::format("must be a string, not {}", operand.type_name()));
    const std::string& text = operand.as_string();
    if (text.size() > limits_.max_regex_bytes) {
      return over_limit(path, fmt::format("the pattern has {} bytes; at most {} are allowed", text.size(),
                                          limits_.max_regex_bytes));
    }
    if (regexes_ == limits_.max_regexes) {
      return over_limit(path, fmt::format("a filter has at most {} patterns", limits_.max_regexes));
    }
    ++regexes_;
    RE2::Options options;
    options.set_log_errors(false);
    options.set_never_capture(true);
    options.set_max_mem(kRegexMemoryBytes);
    auto compiled = std::make_unique<const RE2>(text, options);
    if (!compiled->ok()) {
      return invalid(path,
                     fmt::format("'{}' is not a regular expression (RE2): {}", text, compiled->error()));
    }
    return compiled;
  }

  FilterLimits limits_;
  std::size_t conditions_ = 0;
  std::size_t regexes_ = 0;
};

}  // namespace
}  // namespace filter

Result<Filter> parse_where(const Json& where, std::string_view field, FilterLimits limits) {
  TRY_ASSIGN(auto root, filter::Parser(limits).metadata_object(where, std::string(field), 1));
  return where.size() == 0 ? Filter() : Filter(std::move(root));
}

Result<Filter> parse_where_document(const Json& where, std::string_view field, FilterLimits limits) {
  TRY_ASSIGN(auto root, filter::Parser(limits).text_object(where, std::string(field), 1));
  return where.size() == 0 ? Filter() : Filter(std::move(root));
}

}  // namespace sextant
