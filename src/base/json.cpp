#include "base/json.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace sextant {
namespace {

constexpr double kInt64Bound = 0x1p63;   // the first double above int64's range
constexpr std::size_t kFewMembers = 16;  // up to here trying all pairs is cheaper than sorting

bool equal(std::int64_t a, double b) {
  // Compared as integers: a cast of `a` would round it and call neighbours of large numbers equal.
  return b >= -kInt64Bound && b < kInt64Bound && std::trunc(b) == b && static_cast<std::int64_t>(b) == a;
}

bool equal_numbers(const Json& a, const Json& b) {
  if (a.is_integer())
    return b.is_integer() ? a.as_integer() == b.as_integer() : equal(a.as_integer(), b.as_number());
  return b.is_integer() ? equal(b.as_integer(), a.as_number()) : a.as_number() == b.as_number();
}

bool equal_arrays(const Json& a, const Json& b) {
  if (a.is_packed() && b.is_packed()) return a.as_packed() == b.as_packed();
  if (a.size() != b.size()) return false;
  if (!a.is_packed() && !b.is_packed()) return a.as_plain_array() == b.as_plain_array();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a.element(i) == b.element(i))) return false;
  }
  return true;
}

std::vector<const Json::Member*> by_key(const Json::Object& object) {
  std::vector<const Json::Member*> sorted;
  sorted.reserve(object.size());
  for (const Json::Member& member : object) sorted.push_back(&member);
  std::sort(sorted.begin(), sorted.end(),
            [](const Json::Member* a, const Json::Member* b) { return a->first < b->first; });
  return sorted;
}

bool equal_objects(const Json& a, const Json& b) {
  if (a.size() != b.size()) return false;
  if (a.size() <= kFewMembers) {
    return std::all_of(a.as_object().begin(), a.as_object().end(), [&](const Json::Member& member) {
      const Json* other = b.find(member.first);
      return other != nullptr && member.second == *other;
    });
  }
  const auto left = by_key(a.as_object());
  const auto right = by_key(b.as_object());
  return std::equal(left.begin(), left.end(), right.begin(),
                    [](const Json::Member* x, const Json::Member* y) { return *x == *y; });
}

}  // namespace

Json::Json(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = static_cast<double>(value);
  }
}

Json Json::packed_integers(Doubles integers) {
  Json json;
  json.value_ = Integers{std::move(integers)};
  return json;
}

std::string_view Json::type_name() const {
  if (is_null()) return "null";
  if (is_bool()) return "boolean";
  if (is_integer()) return "integer";
  if (is_double()) return "number";
  if (is_string()) return "string";
  return is_array() ? "array" : "object";
}

double Json::as_number() const {
  return is_integer() ? static_cast<double>(as_integer()) : std::get<double>(value_);
}

std::size_t Json::size() const {
  if (is_object()) return as_object().size();
  if (is_packed()) return as_packed().size();
  return is_array() ? as_plain_array().size() : 0;
}

Json Json::element(std::size_t i) const {
  CHECK(is_array() && i < size());
  if (!is_packed()) return as_plain_array()[i];
  const double number = as_packed()[i];
  return holds_integers() ? Json(static_cast<std::int64_t>(number)) : Json(number);
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const auto& [name, value] : as_object()) {
    if (name == key) return &value;
  }
  return nullptr;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  for (auto& [name, old] : as_object()) {
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  }
  as_object().emplace_back(std::string(key), std::move(value));
  return *this;
}

bool Json::erase(std::string_view key) {
  if (!is_object()) return false;
  return std::erase_if(as_object(), [&](const Member& member) { return member.first == key; }) != 0;
}

void Json::push_back(Json value) {
  if (is_null()) value_ = Array{};
  if (is_packed()) {
    Array plain;
    plain.reserve(size() + 1);
    for (std::size_t i = 0; i < size(); ++i) plain.push_back(element(i));
    value_ = std::move(plain);
  }
  std::get<Array>(value_).push_back(std::move(value));
}

void Json::merge_patch(const Json& patch) {
  if (!patch.is_object()) {
    *this = patch;
    return;
  }
  if (!is_object()) value_ = Object{};
  for (const auto& [key, change] : patch.as_object()) {
    if (change.is_null()) {
      erase(key);
      continue;
    }
    const Json* old = find(key);
    // A patch of an absent member is still merged into nothing, which drops the nulls within it.
    Json merged = old != nullptr ? *old : Json();
    merged.merge_patch(change);
    set(key, std::move(merged));
  }
}

bool operator==(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.is_array() && b.is_array()) return equal_arrays(a, b);
  if (a.is_object() && b.is_object()) return equal_objects(a, b);
  return a.value_ == b.value_;
}

}  // namespace sextant
