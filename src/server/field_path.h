// FieldPath: where in a request a value stands, for the error that may have to name it.
//
// A chain of views on the stack of those who read; text is made only for an error. One thread; a path lives
// no longer than its parent and its key.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sextant {

class FieldPath {
 public:
  FieldPath() = default;  // the request itself
  FieldPath(const FieldPath& parent, std::string_view key) : parent_(&parent), key_(key) {}
  FieldPath(const FieldPath& parent, std::size_t index) : parent_(&parent), index_(index) {}

  /// "documents[3].chunks[0].vector"
  std::string to_string() const;

  std::unexpected<Error> refuse(std::string message) const {
    return refuse(ErrorCode::kInvalidArgument, std::move(message));
  }
  std::unexpected<Error> refuse(ErrorCode code, std::string message) const;
  /// "must be a string, not an integer"
  std::unexpected<Error> expected(std::string_view what, const Json& got) const;
  /// The index of a string among `known`; kNotSupportedYet for one of `unbuilt`.
  Result<std::size_t> choose(const Json& json, std::span<const std::string_view> known,
                             std::span<const std::string_view> unbuilt) const;

 private:
  const FieldPath* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
};

}  // namespace sextant
