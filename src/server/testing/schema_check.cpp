#include "server/testing/schema_check.h"

#include <array>

namespace sextant {

namespace {

constexpr std::array kWords = {
    "$ref",     "type",     "description", "properties", "required",       "additionalProperties",
    "items",    "enum",     "anyOf",       "minimum",    "maximum",        "exclusiveMinimum",
    "minItems", "maxItems", "minLength",   "maxLength",  "contentEncoding"};

bool is_of_type(const Json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

std::string object_violation(const Json& document, const Json& schema, const Json& value,
                             const std::string& path) {
  const Json* properties = schema.find("properties");
  const Json* additional = schema.find("additionalProperties");
  for (const auto& [key, member] : value.as_object()) {
    const Json* known = properties == nullptr ? nullptr : properties->find(key);
    if (known == nullptr && additional != nullptr) {
      if (additional->is_bool() && !additional->as_bool()) return path + "." + key + ": not in the schema";
      if (additional->is_object()) known = additional;
    }
    if (known == nullptr) continue;
    if (auto violation = schema_violation(document, *known, member, path + "." + key); !violation.empty())
      return violation;
  }
  if (const Json* required = schema.find("required"); required != nullptr) {
    for (const Json& name : required->as_plain_array()) {
      if (value.find(name.as_string()) == nullptr) return path + "." + name.as_string() + ": missing";
    }
  }
  return {};
}

std::string bounds_violation(const Json& schema, const Json& value, const std::string& path) {
  const auto bound = [&](const char* word) { return schema.find(word); };
  if (value.is_number()) {
    if (const Json* b = bound("minimum"); b != nullptr && value.as_number() < b->as_number())
      return path + ": too small";
    if (const Json* b = bound("maximum"); b != nullptr && value.as_number() > b->as_number())
      return path + ": too large";
    if (const Json* b = bound("exclusiveMinimum"); b != nullptr && value.as_number() <= b->as_number()) {
      return path + ": too small";
    }
  }
  if (value.is_array()) {
    const auto size = static_cast<double>(value.size());
    if (const Json* b = bound("minItems"); b != nullptr && size < b->as_number()) return path + ": too few";
    if (const Json* b = bound("maxItems"); b != nullptr && size > b->as_number()) return path + ": too many";
  }
  return {};
}

}  // namespace

std::string schema_violation(const Json& document, const Json& schema, const Json& value,
                             const std::string& path) {
  for (const auto& [word, meaning] : schema.as_object()) {
    bool known = false;
    for (const char* k : kWords) known = known || word == k;
    if (!known) return path + ": the schema says " + word + ", which this check does not know";
  }
  if (const Json* reference = schema.find("$ref"); reference != nullptr) {
    const std::string name = reference->as_string().substr(std::string_view("#/components/schemas/").size());
    const Json* target = document.find("components")->find("schemas")->find(name);
    if (target == nullptr) return path + ": no schema " + name;
    return schema_violation(document, *target, value, path);
  }
  if (const Json* choices = schema.find("anyOf"); choices != nullptr) {
    std::string violations;
    for (const Json& choice : choices->as_plain_array()) {
      const std::string violation = schema_violation(document, choice, value, path);
      if (violation.empty()) return {};
      violations += violation + "; ";
    }
    return violations;
  }
  if (const Json* type = schema.find("type"); type != nullptr && !is_of_type(value, type->as_string())) {
    return path + ": is no " + type->as_string() + " but " + std::string(value.type_name());
  }
  if (const Json* names = schema.find("enum"); names != nullptr) {
    bool found = false;
    for (const Json& name : names->as_plain_array()) found = found || name == value;
    if (!found) return path + ": " + value.to_string() + " is not in the enum";
  }
  if (auto violation = bounds_violation(schema, value, path); !violation.empty()) return violation;
  if (value.is_object()) return object_violation(document, schema, value, path);
  if (const Json* items = schema.find("items"); items != nullptr && value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      auto violation =
          schema_violation(document, *items, value.element(i), path + "[" + std::to_string(i) + "]");
      if (!violation.empty()) return violation;
    }
  }
  return {};
}

}  // namespace sextant
