#include "server/openapi.h"

#include <gtest/gtest.h>

#include <set>

#include "server/routes.h"

namespace sextant {
namespace {

class OpenApiTest : public ::testing::Test {
 protected:
  Json document(bool key_required = true) const {
    return openapi_document(routes_, limits_, {.version = "1.2.3", .key_required = key_required});
  }
  const ServiceLimits limits_;
  const std::vector<Route> routes_ = all_routes();
};

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(c - 'A' + 'a');
  return out;
}

// Every reference in a document, and every object that is a schema of a request.
void collect(const Json& json, std::set<std::string>& references) {
  if (json.is_array() && !json.is_packed()) {
    for (const Json& element : json.as_plain_array()) collect(element, references);
  }
  if (!json.is_object()) return;
  for (const auto& [key, value] : json.as_object()) {
    if (key == "$ref") references.insert(value.as_string());
    collect(value, references);
  }
}

TEST_F(OpenApiTest, CoversTheTable) {
  const Json json = document();
  EXPECT_EQ(*json.find("openapi"), "3.1.0");
  EXPECT_EQ(*json.find("info")->find("version"), "1.2.3");
  std::size_t operations = 0;
  for (const auto& [path, methods] : json.find("paths")->as_object()) operations += methods.size();
  EXPECT_EQ(operations, routes_.size());
  for (const Route& route : routes_) {
    const Json* operation = json.find("paths")->find(route.pattern)->find(lower(method_name(route.method)));
    ASSERT_NE(operation, nullptr) << route.operation_id;
    EXPECT_EQ(*operation->find("operationId"), route.operation_id);
    EXPECT_EQ(operation->find("requestBody") != nullptr, route.body != nullptr) << route.operation_id;
    std::set<std::string> parameters;
    if (const Json* list = operation->find("parameters")) {
      for (const Json& parameter : list->as_plain_array())
        parameters.insert(parameter.find("name")->as_string());
    }
    for (const std::string& name : path_parameters(route.pattern)) EXPECT_TRUE(parameters.contains(name));
    EXPECT_EQ(parameters.contains("Idempotency-Key"), route.writes()) << route.operation_id;
    EXPECT_EQ(parameters.contains("If-Match"), route.conditional) << route.operation_id;
    EXPECT_TRUE(operation->find("responses")->find("4XX") != nullptr);
    EXPECT_EQ(route.responses.empty(), !route.built) << route.operation_id;
  }
}

TEST_F(OpenApiTest, EveryReferenceLeadsSomewhere) {
  const Json json = document();
  std::set<std::string> references;
  collect(json, references);
  EXPECT_GT(references.size(), 10U);
  for (const std::string& reference : references) {
    const std::string prefix = "#/components/schemas/";
    ASSERT_EQ(reference.substr(0, prefix.size()), prefix);
    EXPECT_NE(json.find("components")->find("schemas")->find(reference.substr(prefix.size())), nullptr)
        << reference;
  }
  EXPECT_EQ(references.size(), json.find("components")->find("schemas")->size())
      << "none is there for nobody";
}

TEST_F(OpenApiTest, RequestsAllowNothingUnknown) {
  const Json json = document();
  for (const Route& route : routes_) {
    if (route.body == nullptr) continue;
    const Json* schema = json.find("components")->find("schemas")->find(route.body->name());
    ASSERT_NE(schema, nullptr) << route.operation_id;
    EXPECT_EQ(*schema->find("additionalProperties"), false) << route.operation_id;
  }
}

TEST_F(OpenApiTest, StatesTheLimits) {
  const Json json = document();
  const Json* search = json.find("components")->find("schemas")->find("SearchRequest")->find("properties");
  EXPECT_EQ(*search->find("k")->find("maximum"), 10'000);
  EXPECT_EQ(*search->find("queries")->find("maxItems"), 1'000);
}

TEST_F(OpenApiTest, AsksForAKeyWhereOneIsNeeded) {
  const Json with = document(true);
  EXPECT_EQ(*with.find("components")->find("securitySchemes")->find("bearer")->find("scheme"), "bearer");
  EXPECT_EQ(with.find("security")->size(), 1U);
  EXPECT_EQ(with.find("paths")->find("/health/live")->find("get")->find("security")->size(), 0U);
  EXPECT_EQ(with.find("paths")->find("/v1/status")->find("get")->find("security"), nullptr);
  const Json without = document(false);
  EXPECT_EQ(without.find("security"), nullptr);
  EXPECT_EQ(without.find("components")->find("securitySchemes"), nullptr);
}

TEST_F(OpenApiTest, IsJson) { EXPECT_EQ(*parse_json(document().to_string()), document()); }

TEST_F(OpenApiTest, ThePageListsEveryRoute) {
  const std::string page = docs_page(routes_, "1.2.3");
  for (const Route& route : routes_) EXPECT_NE(page.find(route.pattern), std::string::npos) << route.pattern;
}

}  // namespace
}  // namespace sextant
