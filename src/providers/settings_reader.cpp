#include "providers/settings_reader.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace sextant {

Result<SettingsReader> SettingsReader::open(std::string_view provider, const Json& settings) {
  if (!settings.is_object() && !settings.is_null()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("settings of embedding provider '{}' must be an object, not {}", provider,
                            settings.type_name()));
  }
  return SettingsReader(provider, settings);
}

const Json* SettingsReader::find(std::string_view name) {
  known_.push_back(name);
  return settings_->find(name);
}

Error SettingsReader::wrong_type(std::string_view name, const Json& value, std::string_view wanted) const {
  return field_error(ErrorCode::kInvalidArgument, std::string(name),
                     fmt::format("setting '{}' of embedding provider '{}' must be {}, not {}", name,
                                 provider_, wanted, value.type_name()));
}

Result<std::string> SettingsReader::text(std::string_view name, std::string_view absent) {
  const Json* value = find(name);
  if (value == nullptr) return std::string(absent);
  if (!value->is_string()) return fail(wrong_type(name, *value, "a string"));
  return value->as_string();
}

Result<std::string> SettingsReader::required_text(std::string_view name) {
  TRY_ASSIGN(std::string value, text(name, ""));
  if (value.empty()) {
    return fail(field_error(ErrorCode::kInvalidArgument, std::string(name),
                            fmt::format("embedding provider '{}' needs the setting '{}'", provider_, name)));
  }
  return value;
}

Result<bool> SettingsReader::boolean(std::string_view name, bool absent) {
  const Json* value = find(name);
  if (value == nullptr) return absent;
  if (!value->is_bool()) return fail(wrong_type(name, *value, "true or false"));
  return value->as_bool();
}

Result<std::size_t> SettingsReader::integer(std::string_view name, std::size_t absent, Range range) {
  const Json* value = find(name);
  if (value == nullptr) return absent;
  if (!value->is_integer()) return fail(wrong_type(name, *value, "an integer"));
  const std::int64_t number = value->as_integer();
  if (number < 0 || static_cast<std::size_t>(number) < range.least ||
      static_cast<std::size_t>(number) > range.most) {
    return fail(
        field_error(ErrorCode::kInvalidArgument, std::string(name),
                    fmt::format("setting '{}' of embedding provider '{}' is {}, the range is {} to {}", name,
                                provider_, number, range.least, range.most)));
  }
  return static_cast<std::size_t>(number);
}

Status SettingsReader::finish() const {
  if (settings_->is_null()) return {};
  for (const auto& [name, value] : settings_->as_object()) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      return fail(field_error(ErrorCode::kInvalidArgument, name,
                              fmt::format("embedding provider '{}' has no setting '{}'; it knows {}",
                                          provider_, name, fmt::join(known_, ", "))));
    }
  }
  return {};
}

}  // namespace sextant
