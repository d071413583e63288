#include "server/testing/api_fixture.h"

#include <algorithm>

#include "server/testing/schema_check.h"
#include "server/uri.h"

namespace sextant {

namespace {

RequestHead make_head(HttpMethod method, const std::string& target, std::size_t body_bytes,
                      const std::vector<std::pair<std::string, std::string>>& headers) {
  RequestHead head;
  head.method = method;
  head.set_target(target);
  bool typed = false;
  for (const auto& [name, value] : headers) {
    head.add_header(name, value);
    typed = typed || equals_ignoring_case(name, "content-type");
  }
  if (body_bytes > 0) {
    head.content_length = body_bytes;
    if (!typed) head.add_header("Content-Type", "application/json");
  }
  return head;
}

// The schema that the document has for an answer; null when there is none.
const Json* schema_of(const Json& document, const Route& route, const HttpAnswer& answer,
                      std::string_view type) {
  std::string method(method_name(route.method));
  std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  const Json* responses = document.find("paths")->find(route.pattern)->find(method)->find("responses");
  const Json* response = responses->find(std::to_string(answer.status));
  if (response == nullptr || type == "application/problem+json") {
    response = responses->find(std::to_string(answer.status / 100) + "XX");
  }
  if (response == nullptr || response->find("content") == nullptr) return nullptr;
  const Json* content = response->find("content")->find(type);
  return content == nullptr ? nullptr : content->find("schema");
}

}  // namespace

ApiFixture::ApiFixture() = default;
ApiFixture::~ApiFixture() = default;

Service& ApiFixture::service() {
  if (!service_) service_ = std::make_unique<Service>(database_, embedder_, service_options_);
  return *service_;
}

Api& ApiFixture::api() {
  if (!api_) api_ = std::make_unique<Api>(service(), api_options_);
  return *api_;
}

void ApiFixture::reset() {
  api_.reset();
  service_.reset();
}

HttpAnswer ApiFixture::ask(HttpMethod method, const std::string& target, std::string_view body,
                           const Headers& headers) {
  const RequestHead head = make_head(method, target, body.size(), headers);
  const auto exchange = api().begin(head);
  if (exchange->body_use == BodyUse::kStreamed) {
    if (auto early = exchange->feed(body)) return checked(method, target, *std::move(early));
    return checked(method, target, exchange->finish());
  }
  return checked(
      method, target,
      exchange->respond(exchange->body_use == BodyUse::kWhole ? std::string(body) : std::string()));
}

HttpAnswer ApiFixture::upload(const std::string& target, std::string_view lines, std::size_t piece,
                              const Headers& headers) {
  Headers all = headers;
  all.emplace_back("Content-Type", "application/x-ndjson");
  RequestHead head = make_head(HttpMethod::kPost, target, 0, all);
  head.chunked = true;
  const auto exchange = api().begin(head);
  if (exchange->body_use != BodyUse::kStreamed)
    return checked(HttpMethod::kPost, target, exchange->respond({}));
  while (!lines.empty()) {
    if (auto early = exchange->feed(lines.substr(0, piece)))
      return checked(HttpMethod::kPost, target, *std::move(early));
    lines.remove_prefix(std::min(piece, lines.size()));
  }
  return checked(HttpMethod::kPost, target, exchange->finish());
}

HttpAnswer ApiFixture::checked(HttpMethod method, const std::string& target, HttpResponse response) {
  HttpAnswer answer{response.status, std::move(response.headers), std::move(response.body)};
  EXPECT_EQ(answer.header("traceparent").size(), 55U);
  const auto split = split_target(target);
  if (!split) return answer;
  const Route* route = Router(api().routes()).find(method, split->segments).route;
  if (route == nullptr || response.content_type.find("json") == std::string::npos) return answer;
  const Json document = *parse_json(api().facts().openapi);
  const Json* schema = schema_of(document, *route, answer, response.content_type);
  if (schema == nullptr) {
    ADD_FAILURE() << route->operation_id << ": no schema for status " << answer.status;
    return answer;
  }
  EXPECT_EQ(schema_violation(document, *schema, json(answer)), "")
      << route->operation_id << " answered " << answer.body;
  return answer;
}

void ApiFixture::make_notes() {
  const HttpAnswer made =
      post("/v1/libraries", R"({"name": "notes", "vectors": {"embedding": {"dimension": 4}}})");
  ASSERT_EQ(made.status, 201) << made.body;
}

std::string ApiFixture::told(const HttpAnswer& answer) {
  const Json body = json(answer);
  std::string text = std::to_string(answer.status);
  if (const Json* code = body.find("code")) text += " " + code->as_string();
  if (const Json* field = body.find("field")) text += " " + field->as_string();
  return text;
}

Json ApiFixture::json(const HttpAnswer& answer) {
  auto parsed = parse_json(answer.body);
  EXPECT_TRUE(parsed.has_value()) << answer.body;
  return parsed.value_or(Json());
}

Json ApiFixture::step(const Json& value, const char* key) {
  const Json* member = value.find(key);
  if (member == nullptr) ADD_FAILURE() << "no " << key << " in " << value.to_string();
  return member == nullptr ? Json() : *member;
}

Json ApiFixture::step(const Json& value, int index) {
  if (static_cast<std::size_t>(index) >= value.size()) {
    ADD_FAILURE() << "no element " << index << " in " << value.to_string();
    return {};
  }
  return value.element(static_cast<std::size_t>(index));
}

}  // namespace sextant
