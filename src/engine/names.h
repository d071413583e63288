// Names of libraries: "namespace.name" in full, "name" for one of namespace "default", "namespace:name" in
// bodies.
//
// Stateless; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant {

inline constexpr std::size_t kMaxNamePartBytes = 128;
inline constexpr std::string_view kDefaultNamespace = "default";

/// The two parts of a library's name; views into the text it was parsed from (or into kDefaultNamespace).
struct LibraryName {
  std::string_view space;
  std::string_view name;

  /// "namespace.name"
  std::string full() const;
};

/// Accepts every spelling; each part is 1 to 128 of A-Z a-z 0-9 _ -. Errors (without field):
/// kInvalidArgument, kLimitExceeded for a part that is too long. Allocates nothing for a good name.
Result<LibraryName> parse_library_name(std::string_view text);
/// The full name for any spelling.
Result<std::string> full_library_name(std::string_view text);

}  // namespace sextant
