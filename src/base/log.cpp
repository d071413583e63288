#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <ctime>
#include <memory>

#include "base/clock.h"

namespace sextant {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warning", "error", "off"};

struct Logging {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  std::atomic<LogFormat> format{LogFormat::kJson};
  spdlog::logger sink{"sextant", std::make_shared<spdlog::sinks::stderr_sink_mt>()};

  Logging() {
    sink.set_pattern("%v");
    sink.set_level(spdlog::level::trace);  // levels are compared before a line is made
    sink.flush_on(spdlog::level::trace);
  }
};

// Never destroyed: threads may log while main's statics go.
Logging& logging() {
  static Logging& only = *new Logging;
  return only;
}

std::string_view level_name(LogLevel level) { return kLevelNames[static_cast<std::size_t>(level)]; }

// RFC 3339 with milliseconds, UTC.
std::string timestamp(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, unix_ms % 1000);
}

std::string json_line(LogLevel level, std::string_view event, LogFields fields, std::string_view trace_id) {
  Json line = Json::object();
  line.set("time", timestamp(system_clock().unix_ms()));
  line.set("level", level_name(level));
  line.set("event", event);
  if (!trace_id.empty()) line.set("trace_id", trace_id);
  for (const auto& [name, value] : fields) line.set(name, value);
  return line.to_string();
}

std::string text_line(LogLevel level, std::string_view event, LogFields fields, std::string_view trace_id) {
  std::string line =
      fmt::format("{} {:<7} {}", timestamp(system_clock().unix_ms()), level_name(level), event);
  if (!trace_id.empty()) line.append(" trace_id=").append(trace_id);
  for (const auto& [name, value] : fields) {
    line.append(" ").append(name).append("=");
    value.append_to(line);
  }
  return line;
}

}  // namespace

void configure_logging(LogLevel level, LogFormat format) {
  logging().level.store(level, std::memory_order_relaxed);
  logging().format.store(format, std::memory_order_relaxed);
}

Result<LogLevel> parse_log_level(std::string_view text) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == text) return static_cast<LogLevel>(i);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("log level \"{}\" is none of {}", text, fmt::join(kLevelNames, ", ")));
}

void log_event(LogLevel level, std::string_view event, LogFields fields, std::string_view trace_id) {
  Logging& log = logging();
  if (level == LogLevel::kOff || level < log.level.load(std::memory_order_relaxed)) return;
  const bool as_json = log.format.load(std::memory_order_relaxed) == LogFormat::kJson;
  const std::string line =
      as_json ? json_line(level, event, fields, trace_id) : text_line(level, event, fields, trace_id);
  log.sink.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace sextant
