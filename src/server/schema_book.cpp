#include "server/schema_book.h"

#include <algorithm>

namespace sextant {

namespace {

Json typed(std::string_view type, std::string_view description) {
  Json schema = Json::object();
  schema.set("type", type);
  if (!description.empty()) schema.set("description", description);
  return schema;
}

}  // namespace

Json SchemaBook::reference(const std::string& name, const std::function<Json(SchemaBook&)>& define) {
  const bool known = std::ranges::any_of(schemas_, [&](const auto& schema) { return schema.first == name; });
  if (!known) {
    // Entered before it is made, so that a schema may refer to itself.
    const std::size_t index = schemas_.size();
    schemas_.emplace_back(name, Json());
    Json schema = define(*this);
    schemas_[index].second = std::move(schema);
  }
  Json reference = Json::object();
  reference.set("$ref", "#/components/schemas/" + name);
  return reference;
}

Json SchemaBook::definitions() const {
  auto sorted = schemas_;
  std::ranges::sort(sorted, {}, &std::pair<std::string, Json>::first);
  Json definitions = Json::object();
  for (auto& [name, schema] : sorted) definitions.set(name, std::move(schema));
  return definitions;
}

Json string_schema(std::string_view description) { return typed("string", description); }
Json integer_schema(std::string_view description) { return typed("integer", description); }
Json number_schema(std::string_view description) { return typed("number", description); }
Json boolean_schema(std::string_view description) { return typed("boolean", description); }
Json object_schema(std::string_view description) { return typed("object", description); }

Json enum_schema(const std::vector<std::string_view>& names) {
  Json schema = string_schema();
  Json values = Json::array();
  for (const std::string_view name : names) values.push_back(name);
  schema.set("enum", std::move(values));
  return schema;
}

Json array_schema(Json items) {
  Json schema = Json::object();
  schema.set("type", "array");
  schema.set("items", std::move(items));
  return schema;
}

Json nullable_schema(Json schema) {
  Json null = Json::object();
  null.set("type", "null");
  Json choice = Json::object();
  choice.set("anyOf", Json::Array{std::move(schema), std::move(null)});
  return choice;
}

Json record_schema(std::vector<SchemaMember> members) {
  Json schema = Json::object();
  schema.set("type", "object");
  Json properties = Json::object();
  Json required = Json::array();
  for (SchemaMember& member : members) {
    properties.set(member.name, std::move(member.schema));
    if (member.given == Given::kAlways) required.push_back(member.name);
  }
  schema.set("properties", std::move(properties));
  if (required.size() > 0) schema.set("required", std::move(required));
  schema.set("additionalProperties", false);
  return schema;
}

}  // namespace sextant
