// Structured logging: one JSON object a line on stderr (or readable text on a terminal), through spdlog.
//
// log_info("server_started", {{"address", "127.0.0.1:7878"}}). Events are snake_case names; fields are JSON
// values. Vectors, texts of users and secrets are never logged. Any thread may log.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace sextant {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat : std::uint8_t { kJson, kText };

void configure_logging(LogLevel level, LogFormat format);
/// "debug", "info", "warning", "error" or "off"; anything else is an error naming these.
Result<LogLevel> parse_log_level(std::string_view text);

using LogFields = std::initializer_list<std::pair<std::string_view, Json>>;
void log_event(LogLevel level, std::string_view event, LogFields fields, std::string_view trace_id = {});
inline void log_info(std::string_view event, LogFields fields = {}) {
  log_event(LogLevel::kInfo, event, fields);
}
inline void log_warning(std::string_view event, LogFields fields = {}) {
  log_event(LogLevel::kWarning, event, fields);
}
inline void log_failure(std::string_view event, LogFields fields = {}) {
  log_event(LogLevel::kError, event, fields);
}

}  // namespace sextant
