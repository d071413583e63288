// Request targets: path segments and query parameters, percent-decoded.
//
// Stateless; any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sextant {

struct Target {
  std::vector<std::string_view> segments;  // raw: "%2F" is still no slash; "/v1/x/" ends with an empty one
  std::string_view query;                  // raw, without '?'
};

/// Cuts an origin-form target ("/v1/libraries?limit=3"); kInvalidArgument for any other form. The views are
/// into `target`.
Result<Target> split_target(std::string_view target);

/// Undoes percent-encoding. kInvalidArgument (without field) for a broken escape, and for what is not UTF-8
/// or holds NUL.
Result<std::string> percent_decode(std::string_view text);

/// name=value pairs in order; '+' stands for a space, as in forms. Errors as percent_decode; a repeated name
/// is one too.
Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query);

}  // namespace sextant
