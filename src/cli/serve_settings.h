// The settings of `sextant serve`: from flags, then the environment, then a configuration file, then
// defaults.
//
// The file is one JSON object; its members are named in docs/configuration.md. Unknown members are refused by
// name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "service/limits.h"

namespace sextant {

struct ServeSettings {
  std::string data;
  std::string listen = "127.0.0.1:7878";
  std::vector<std::string> api_keys;
  std::string embedder = "local";
  Json embedder_settings = Json::object();  // as make_embedder takes them
  std::size_t io_threads = 1;
  std::size_t worker_threads = 0;  // 0: one a core
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kJson;
  int stop_grace_ms = 30'000;
  ServiceLimits limits;
};

/// What was given by flags; each is also a variable of the environment ("SEXTANT_LISTEN").
struct ServeFlags {
  std::optional<std::string> config;
  std::optional<std::string> data;
  std::optional<std::string> listen;
  std::optional<std::string> api_key;
  std::optional<std::string> embedder;
  std::optional<std::string> model_dir;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
};

/// Joins all three. kInvalidArgument naming the member, variable or flag at fault.
Result<ServeSettings> resolve_settings(const ServeFlags& flags, const std::string& config_text);

}  // namespace sextant
