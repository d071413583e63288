// SchemaBook: JSON schemas under construction, the named ones collected so that each stands once in an
// OpenAPI document.
//
// One thread, while a server starts.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "service/limits.h"

namespace sextant {

class SchemaBook {
 public:
  explicit SchemaBook(const ServiceLimits& limits) : limits_(limits) {}

  const ServiceLimits& limits() const { return limits_; }
  /// {"$ref": "#/components/schemas/NAME"}; `define` makes the schema when the name is new.
  Json reference(const std::string& name, const std::function<Json(SchemaBook&)>& define);
  /// What was defined, by name.
  Json definitions() const;

 private:
  const ServiceLimits& limits_;
  std::vector<std::pair<std::string, Json>> schemas_;
};

Json string_schema(std::string_view description = {});
Json integer_schema(std::string_view description = {});
Json number_schema(std::string_view description = {});
Json boolean_schema(std::string_view description = {});
/// Any object.
Json object_schema(std::string_view description = {});
Json enum_schema(const std::vector<std::string_view>& names);
Json array_schema(Json items);
Json nullable_schema(Json schema);

enum class Given : std::uint8_t { kAlways, kSometimes };
struct SchemaMember {
  std::string_view name;
  Json schema;
  Given given = Given::kAlways;
};
/// An object with these members and no others.
Json record_schema(std::vector<SchemaMember> members);

}  // namespace sextant
