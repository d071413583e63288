// What operators and tools ask: health, metrics, status, the API's own description.
#include "base/clock.h"
#include "server/problem.h"
#include "server/routes.h"

namespace sextant {

namespace {

constexpr const char* kTag = "operations";

std::string_view readiness(const Call& call, const HealthReport& report) {
  if (call.server.stopping.load(std::memory_order_relaxed)) return "stopping";
  return report.ready ? "ready" : "failed";
}

void write_checks(JsonWriter& writer, const HealthReport& report) {
  writer.key("checks").begin_array();
  for (const HealthReport::Check& check : report.checks) {
    writer.begin_object();
    writer.member("name", check.name).member("ok", check.ok).member("detail", check.detail);
    writer.end_object();
  }
  writer.end_array();
}

Result<HttpResponse> live(Call&) {
  return json_response(200,
                       [](JsonWriter& writer) { writer.begin_object().member("status", "ok").end_object(); });
}

Result<HttpResponse> ready(Call& call) {
  const HealthReport report = call.service.health();
  const std::string_view status = readiness(call, report);
  return json_response(status == "ready" ? 200 : 503, [&](JsonWriter& writer) {
    writer.begin_object().member("status", status);
    write_checks(writer, report);
    writer.end_object();
  });
}

Result<HttpResponse> health(Call& call) {
  const HealthReport report = call.service.health();
  const HttpServerStats http = call.server.http();
  const std::int64_t uptime_ms = (system_clock().monotonic_ns() - call.server.started_ns) / 1'000'000;
  return json_response(200, [&](JsonWriter& writer) {
    writer.begin_object().member("status", readiness(call, report));
    write_checks(writer, report);
    writer.member("version", build_version());
    writer.member("uptime_ms", uptime_ms);
    writer.member("connections", std::uint64_t{http.connections});
    writer.end_object();
  });
}

Result<HttpResponse> metrics(Call& call) {
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = call.service.metrics().render() + call.server.counters.render(call.server.http());
  return response;
}

Result<HttpResponse> openapi(Call& call) {
  HttpResponse response;
  response.body = call.server.openapi;
  return response;
}

Result<HttpResponse> docs(Call& call) {
  HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.body = call.server.docs;
  return response;
}

Result<HttpResponse> status(Call& call) {
  const ProviderStats stats = call.service.stats();
  return json_response(200, [&](JsonWriter& writer) {
    writer.begin_object();
    writer.member("version", build_version());
    writer.member("sequence", stats.sequence);
    writer.member("durable_through", stats.durable_through);
    writer.member("libraries", stats.libraries);
    writer.key("bytes").begin_object();
    writer.member("log", stats.log_bytes);
    writer.member("records", stats.record_bytes);
    writer.member("record_memory", stats.record_memory_bytes);
    writer.member("vectors", stats.vector_bytes);
    writer.end_object();
    writer.key("embedder");
    if (const auto& embedder = call.service.default_embedder(); embedder != nullptr) {
      writer.begin_object();
      writer.member("provider", embedder->provider());
      writer.member("model", embedder->model_name());
      writer.member("dimension", std::uint64_t{embedder->dimension()});
      writer.member("lexical_only", embedder->lexical_only());
      writer.end_object();
    } else {
      writer.null();
    }
    writer.end_object();
  });
}

Json checks_schema() {
  return array_schema(
      record_schema({{"name", string_schema()}, {"ok", boolean_schema()}, {"detail", string_schema()}}));
}

Json readiness_schema() { return enum_schema({"ready", "stopping", "failed"}); }

Json live_schema(SchemaBook&) { return record_schema({{"status", enum_schema({"ok"})}}); }
Json ready_schema(SchemaBook&) {
  return record_schema({{"status", readiness_schema()}, {"checks", checks_schema()}});
}
Json health_schema(SchemaBook&) {
  return record_schema({{"status", readiness_schema()},
                        {"checks", checks_schema()},
                        {"version", string_schema()},
                        {"uptime_ms", integer_schema()},
                        {"connections", integer_schema()}});
}
Json status_schema(SchemaBook&) {
  Json embedder =
      record_schema({{"provider", string_schema()},
                     {"model", string_schema()},
                     {"dimension", integer_schema()},
                     {"lexical_only", boolean_schema("It finds shared words, not shared meaning.")}});
  return record_schema({{"version", string_schema()},
                        {"sequence", integer_schema("The last commit.")},
                        {"durable_through", integer_schema("The last commit known to be on the device.")},
                        {"libraries", integer_schema()},
                        {"bytes", record_schema({{"log", integer_schema()},
                                                 {"records", integer_schema()},
                                                 {"record_memory", integer_schema()},
                                                 {"vectors", integer_schema()}})},
                        {"embedder", nullable_schema(std::move(embedder))}});
}

}  // namespace

std::vector<Route> operations_routes() {
  const auto route = [](std::string pattern, std::string id, std::string summary, WorkPlace place,
                        std::vector<ResponseSpec> responses, Result<HttpResponse> (*handle)(Call&)) {
    return with_nothing({.method = HttpMethod::kGet,
                         .pattern = std::move(pattern),
                         .operation_id = std::move(id),
                         .summary = std::move(summary),
                         .tag = kTag,
                         .place = place,
                         .responses = std::move(responses)},
                        handle);
  };
  const auto open = [](Route r) {
    r.open = true;
    return r;
  };
  const auto text = [](SchemaBook&) { return string_schema(); };
  return {
      open(route("/health/live", "live", "Whether the process answers", WorkPlace::kInline,
                 {{200, "It does.", live_schema}}, live)),
      open(route("/health/ready", "ready", "Whether requests are served", WorkPlace::kAside,
                 {{200, "They are.", ready_schema}, {503, "They are not.", ready_schema}}, ready)),
      route("/health", "health", "Health in detail", WorkPlace::kAside, {{200, "The checks.", health_schema}},
            health),
      route("/metrics", "metrics", "Metrics as Prometheus text", WorkPlace::kAside,
            {{200, "Metrics.", text, "text/plain"}}, metrics),
      open(route("/openapi.json", "openapi", "This document", WorkPlace::kInline,
                 {{200, "An OpenAPI 3.1 document.", [](SchemaBook&) { return object_schema(); }}}, openapi)),
      open(route("/docs", "docs", "The routes as a page", WorkPlace::kInline,
                 {{200, "A page.", text, "text/html"}}, docs)),
      route("/v1/status", "status", "Version, commits, sizes, embedder", WorkPlace::kRead,
            {{200, "The state of the server.", status_schema}}, status),
  };
}

}  // namespace sextant
