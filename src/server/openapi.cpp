#include "server/openapi.h"

#include <algorithm>
#include <cctype>

#include "server/problem.h"
#include "server/request_scope.h"

namespace sextant {

namespace {

Json content(std::string_view type, Json schema) {
  Json media = Json::object();
  media.set("schema", std::move(schema));
  Json by_type = Json::object();
  by_type.set(type, std::move(media));
  return by_type;
}

Json parameter(std::string_view place, std::string_view name, std::string_view help, Json schema) {
  Json json = Json::object();
  json.set("name", name);
  json.set("in", place);
  if (!help.empty()) json.set("description", help);
  if (place == "path") json.set("required", true);
  json.set("schema", std::move(schema));
  return json;
}

Json bounded_string(std::int64_t least, std::int64_t most) {
  Json schema = string_schema();
  schema.set("minLength", least);
  schema.set("maxLength", most);
  return schema;
}

void add_query_parameters(Json& parameters, const ObjectSchema& query, SchemaBook& book) {
  for (const ObjectSchema::Member& member : query.members()) {
    if (!member.schema) continue;
    Json json = parameter("query", member.name, member.help, Json());
    json.erase("schema");
    if (member.required) json.set("required", true);
    if (member.parameter_text == ParameterText::kJson) {
      json.set("content", content("application/json", member.schema(book)));
    } else {
      json.set("schema", member.schema(book));
    }
    if (member.parameter_text == ParameterText::kList) {
      json.set("style", "form");
      json.set("explode", false);
    }
    parameters.push_back(std::move(json));
  }
}

Json parameters_of(const Route& route, SchemaBook& book) {
  Json parameters = Json::array();
  for (const std::string& name : path_parameters(route.pattern)) {
    const std::string_view help =
        name == "library" ? "namespace.name, or name in namespace default" : "Percent-encoded; '/' as %2F.";
    Json schema = string_schema();
    schema.set("minLength", 1);
    parameters.push_back(parameter("path", name, help, std::move(schema)));
  }
  if (route.query != nullptr) add_query_parameters(parameters, *route.query, book);
  if (route.conditional) {
    parameters.push_back(parameter(
        "header", "If-Match", "The ETag the document must have; * that it must exist.", string_schema()));
  }
  if (route.create_only) {
    parameters.push_back(
        parameter("header", "If-None-Match", "*: the document must not exist.", string_schema()));
  }
  if (route.writes()) {
    parameters.push_back(parameter("header", "Idempotency-Key",
                                   "A repeat with the same key gets the first answer.",
                                   bounded_string(1, 255)));
  }
  if (route.pattern.starts_with("/v1/")) {
    Json deadline = integer_schema();
    deadline.set("minimum", 1);
    deadline.set("maximum", kMaxDeadlineMs);
    parameters.push_back(
        parameter("header", "X-Deadline-Ms", "How long the request may take.", std::move(deadline)));
    parameters.push_back(parameter("header", "traceparent", "W3C trace context.", string_schema()));
  }
  return parameters;
}

Json request_body(const Route& route, SchemaBook& book) {
  Json types = content("application/json", route.body->schema(book));
  if (route.lines) {
    Json line = Json::object();
    line.set("schema", string_schema("One DocumentInput a line."));
    types.set("application/x-ndjson", std::move(line));
  }
  Json body = Json::object();
  body.set("required", true);
  body.set("content", std::move(types));
  return body;
}

Json responses_of(const Route& route, SchemaBook& book) {
  Json responses = Json::object();
  for (const ResponseSpec& spec : route.responses) {
    Json response = Json::object();
    response.set("description", spec.help);
    if (!spec.header.empty()) {
      Json header = Json::object();
      header.set("schema", string_schema());
      Json headers = Json::object();
      headers.set(spec.header, std::move(header));
      response.set("headers", std::move(headers));
    }
    if (spec.schema) response.set("content", content(spec.content_type, spec.schema(book)));
    responses.set(std::to_string(spec.status), std::move(response));
  }
  Json problem = Json::object();
  problem.set("description", "What went wrong; `code` says what.");
  problem.set("content", content("application/problem+json", problem_schema(book)));
  responses.set("4XX", problem);
  responses.set("5XX", std::move(problem));
  return responses;
}

Json operation(const Route& route, SchemaBook& book, bool key_required) {
  Json json = Json::object();
  json.set("operationId", route.operation_id);
  json.set("summary", route.summary);
  json.set("tags", Json::Array{route.tag});
  Json parameters = parameters_of(route, book);
  if (parameters.size() > 0) json.set("parameters", std::move(parameters));
  if (route.body != nullptr) json.set("requestBody", request_body(route, book));
  json.set("responses", responses_of(route, book));
  if (key_required && route.open) json.set("security", Json::array());
  return json;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : text) {
    switch (c) {
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '&':
        html += "&amp;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

}  // namespace

std::vector<std::string> path_parameters(std::string_view pattern) {
  std::vector<std::string> names;
  for (std::size_t open = pattern.find('{'); open != std::string_view::npos;
       open = pattern.find('{', open + 1)) {
    names.emplace_back(pattern.substr(open + 1, pattern.find('}', open) - open - 1));
  }
  return names;
}

Json openapi_document(std::span<const Route> routes, const ServiceLimits& limits,
                      const OpenApiOptions& options) {
  SchemaBook book(limits);
  Json paths = Json::object();
  for (const Route& route : routes) {
    if (paths.find(route.pattern) == nullptr) paths.set(route.pattern, Json::object());
    Json path = *paths.find(route.pattern);
    path.set(lower_case(method_name(route.method)), operation(route, book, options.key_required));
    paths.set(route.pattern, std::move(path));
  }
  Json info = Json::object();
  info.set("title", "Sextant");
  info.set("version", options.version);
  info.set("description", "A vector database: documents, their chunks, and the embeddings of those chunks.");
  Json components = Json::object();
  components.set("schemas", book.definitions());

  Json document = Json::object();
  document.set("openapi", "3.1.0");
  document.set("info", std::move(info));
  if (options.key_required) {
    Json scheme = Json::object();
    scheme.set("type", "http");
    scheme.set("scheme", "bearer");
    Json schemes = Json::object();
    schemes.set("bearer", std::move(scheme));
    components.set("securitySchemes", std::move(schemes));
    Json requirement = Json::object();
    requirement.set("bearer", Json::array());
    document.set("security", Json::Array{std::move(requirement)});
  }
  document.set("paths", std::move(paths));
  document.set("components", std::move(components));
  return document;
}

std::string docs_page(std::span<const Route> routes, std::string_view version) {
  std::string page =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sextant</title><style>"
      "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
      "td{padding:.15rem 1rem .15rem 0;vertical-align:top}code{font:14px ui-monospace,monospace}"
      "</style></head><body><h1>Sextant " +
      escaped(version) +
      "</h1><p>The whole of it, for programs: <a href=\"/openapi.json\">/openapi.json</a></p>";
  std::string tag;
  for (const Route& route : routes) {
    if (route.tag != tag) {
      if (!tag.empty()) page += "</table>";
      tag = route.tag;
      page += "<h2>" + escaped(tag) + "</h2><table>";
    }
    page += "<tr><td><code>" + std::string(method_name(route.method)) + "</code></td><td><code>" +
            escaped(route.pattern) + "</code></td><td>" + escaped(route.summary) + "</td></tr>";
  }
  return page + "</table></body></html>\n";
}

}  // namespace sextant
