// Result<T>: a value or an Error. No exception crosses a folder; this does.
#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace sextant {

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }
inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected<Error>(make_error(code, std::move(message)));
}

}  // namespace sextant

#define SEXTANT_CONCAT_INNER(a, b) a##b
#define SEXTANT_CONCAT(a, b) SEXTANT_CONCAT_INNER(a, b)

/// Leaves the function with the error of `expression` (a Status or Result), if it has one.
#define TRY(expression)                                                         \
  do {                                                                          \
    if (auto try_status_ = (expression); !try_status_) {                        \
      return std::unexpected<::sextant::Error>(std::move(try_status_).error()); \
    }                                                                           \
  } while (false)

/// `TRY_ASSIGN(auto x, f())`: x is f()'s value, or the function is left with its error.
#define TRY_ASSIGN(declaration, expression) \
  TRY_ASSIGN_INNER(SEXTANT_CONCAT(try_result_, __LINE__), declaration, expression)
#define TRY_ASSIGN_INNER(name, declaration, expression)                         \
  auto name = (expression);                                                     \
  if (!name) return std::unexpected<::sextant::Error>(std::move(name).error()); \
  declaration = std::move(name).value()
