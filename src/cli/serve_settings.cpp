#include "cli/serve_settings.h"

#include <fmt/format.h>

#include <limits>

#include "engine/chunker.h"

namespace sextant {

namespace {

Error wrong(const std::string& name, std::string_view wanted, const Json& got) {
  return field_error(ErrorCode::kInvalidArgument, name,
                     fmt::format("the setting '{}' must be {}, not {}", name, wanted, got.type_name()));
}

Result<std::string> text_of(const std::string& name, const Json& value) {
  if (!value.is_string()) return fail(wrong(name, "a string", value));
  return value.as_string();
}

Result<std::size_t> count_of(const std::string& name, const Json& value, std::size_t least = 0) {
  if (!value.is_integer() || value.as_integer() < static_cast<std::int64_t>(least)) {
    return fail(
        field_error(ErrorCode::kInvalidArgument, name,
                    fmt::format("the setting '{}' must be a whole number of at least {}", name, least)));
  }
  return static_cast<std::size_t>(value.as_integer());
}

Status set_limits(const Json& json, ServiceLimits& limits) {
  if (!json.is_object()) return fail(wrong("limits", "an object", json));
  struct Limit {
    std::string_view name;
    std::size_t* value;
    std::size_t least = 1;
  };
  const Limit known[] = {
      {"max_request_bytes", &limits.max_request_bytes},
      {"max_id_bytes", &limits.max_id_bytes},
      {"max_text_bytes", &limits.max_text_bytes, ChunkingOptions().max_bytes},  // what documents are cut into
      {"max_embedded_bytes", &limits.max_embedded_bytes},
      {"max_metadata_bytes", &limits.max_metadata_bytes},
      {"max_documents_per_request", &limits.max_documents_per_request},
      {"max_chunks_per_document", &limits.max_chunks_per_document},
      {"max_dimension", &limits.max_dimension},
      {"max_k", &limits.max_k},
      {"max_queries_per_request", &limits.max_queries_per_request},
      {"max_page", &limits.max_page},
      {"max_selected_chunks", &limits.max_selected_chunks},
      {"max_in_flight", &limits.max_in_flight},
      {"max_filter_depth", &limits.filter.max_depth},
      {"max_filter_conditions", &limits.filter.max_conditions},
      {"max_regex_bytes", &limits.filter.max_regex_bytes},
  };
  for (const auto& [name, value] : json.as_object()) {
    const Limit* found = nullptr;
    for (const Limit& limit : known) found = limit.name == name ? &limit : found;
    if (found == nullptr) {
      return fail(field_error(ErrorCode::kInvalidArgument, "limits." + name,
                              fmt::format("there is no limit '{}'", name)));
    }
    TRY_ASSIGN(*found->value, count_of("limits." + name, value, found->least));
  }
  return {};
}

Status set_log(const Json& json, ServeSettings& settings) {
  if (!json.is_object()) return fail(wrong("log", "an object", json));
  for (const auto& [name, value] : json.as_object()) {
    TRY_ASSIGN(const std::string text, text_of("log." + name, value));
    if (name == "level") {
      TRY_ASSIGN(settings.log_level, parse_log_level(text));
    } else if (name == "format" && (text == "json" || text == "text")) {
      settings.log_format = text == "json" ? LogFormat::kJson : LogFormat::kText;
    } else {
      return fail(field_error(
          ErrorCode::kInvalidArgument, "log." + name,
          "log has the members level (debug, info, warning, error, off) and format (json, text)"));
    }
  }
  return {};
}

Status set_embedder(const Json& json, ServeSettings& settings) {
  if (!json.is_object()) return fail(wrong("embedder", "an object", json));
  const Json* provider = json.find("provider");
  if (provider == nullptr) {
    return fail(field_error(ErrorCode::kInvalidArgument, "embedder.provider",
                            "the embedder needs a provider: local, hashed or none"));
  }
  TRY_ASSIGN(settings.embedder, text_of("embedder.provider", *provider));
  settings.embedder_settings = json;
  settings.embedder_settings.erase("provider");
  return {};
}

Status set_member(const std::string& name, const Json& value, ServeSettings& settings) {
  if (name == "data") {
    TRY_ASSIGN(settings.data, text_of(name, value));
  } else if (name == "listen") {
    TRY_ASSIGN(settings.listen, text_of(name, value));
  } else if (name == "api_keys") {
    if (!value.is_array()) return fail(wrong(name, "an array of strings", value));
    settings.api_keys.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      TRY_ASSIGN(std::string key, text_of(fmt::format("api_keys[{}]", i), value.element(i)));
      settings.api_keys.push_back(std::move(key));
    }
  } else if (name == "embedder") {
    TRY(set_embedder(value, settings));
  } else if (name == "io_threads") {
    TRY_ASSIGN(settings.io_threads, count_of(name, value, 1));
  } else if (name == "worker_threads") {
    TRY_ASSIGN(settings.worker_threads, count_of(name, value));
  } else if (name == "log") {
    TRY(set_log(value, settings));
  } else if (name == "stop_grace_ms") {
    TRY_ASSIGN(const std::size_t grace, count_of(name, value));
    settings.stop_grace_ms = static_cast<int>(std::min<std::size_t>(grace, std::numeric_limits<int>::max()));
  } else if (name == "limits") {
    TRY(set_limits(value, settings.limits));
  } else {
    return fail(field_error(
        ErrorCode::kInvalidArgument, name,
        fmt::format("there is no setting '{}'; known are data, listen, api_keys, embedder, io_threads, "
                    "worker_threads, log, stop_grace_ms, limits",
                    name)));
  }
  return {};
}

}  // namespace

Result<ServeSettings> resolve_settings(const ServeFlags& flags, const std::string& config_text) {
  ServeSettings settings;
  if (!config_text.empty()) {
    auto file = parse_json(config_text);
    if (!file)
      return fail(caused_by(ErrorCode::kInvalidArgument, "the configuration file is not JSON",
                            std::move(file).error()));
    if (!file->is_object()) return fail(wrong("(the whole file)", "an object", *file));
    for (const auto& [name, value] : file->as_object()) TRY(set_member(name, value, settings));
  }
  if (flags.data) settings.data = *flags.data;
  if (flags.listen) settings.listen = *flags.listen;
  if (flags.api_key) settings.api_keys = {*flags.api_key};
  if (flags.embedder && *flags.embedder != settings.embedder) {
    settings.embedder = *flags.embedder;
    settings.embedder_settings = Json::object();  // those of the file are another provider's
  }
  if (flags.model_dir) settings.embedder_settings.set("model_dir", Json(*flags.model_dir));
  Json log = Json::object();
  if (flags.log_level) log.set("level", Json(*flags.log_level));
  if (flags.log_format) log.set("format", Json(*flags.log_format));
  TRY(set_log(log, settings));
  if (settings.data.empty()) {
    return fail(
        field_error(ErrorCode::kInvalidArgument, "--data", "name the database directory with --data DIR"));
  }
  return settings;
}

}  // namespace sextant
