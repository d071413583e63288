// SettingsReader: takes a provider's settings out of a JSON object by name and type, and refuses what is left
// over.
//
// Each getter marks its setting as known; finish() then fails for any other, naming it. Errors:
// kInvalidArgument with the setting as field. Refers to the Json it was made from.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sextant {

class SettingsReader {
 public:
  struct Range {
    std::size_t least;
    std::size_t most;
  };

  /// `provider` is for the error texts. `settings` must be an object, or null for none.
  static Result<SettingsReader> open(std::string_view provider, const Json& settings);

  Result<std::string> text(std::string_view name, std::string_view absent);
  Result<std::string> required_text(std::string_view name);
  Result<bool> boolean(std::string_view name, bool absent);
  /// Only what the user gives is held against the range.
  Result<std::size_t> integer(std::string_view name, std::size_t absent, Range range);
  /// Fails for the first setting that no getter asked for.
  Status finish() const;

 private:
  SettingsReader(std::string_view provider, const Json& settings)
      : provider_(provider), settings_(&settings) {}
  const Json* find(std::string_view name);
  Error wrong_type(std::string_view name, const Json& value, std::string_view wanted) const;

  std::string provider_;
  const Json* settings_;
  std::vector<std::string_view> known_;
};

}  // namespace sextant
