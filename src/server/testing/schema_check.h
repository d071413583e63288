// A small JSON-schema checker for tests: the words that our OpenAPI document uses, and no others.
#pragma once

#include <string>

#include "base/json.h"

namespace sextant {

/// "" when `value` is what `schema` says; else the path and what is wrong. References are looked up in
/// `document`.
std::string schema_violation(const Json& document, const Json& schema, const Json& value,
                             const std::string& path = "$");

}  // namespace sextant
