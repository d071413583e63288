#include "server/json_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sextant {

namespace {

Json filter_schema(std::string_view description) { return object_schema(description); }

}  // namespace

void ObjectSchema::add_member(Member member) { members_.push_back(std::move(member)); }

Json ObjectSchema::schema(SchemaBook& book) const {
  return book.reference(name_, [this](SchemaBook& b) { return definition(b); });
}

Json ObjectSchema::definition(SchemaBook& book) const {
  std::vector<SchemaMember> members;
  for (const Member& member : members_) {
    if (!member.schema) continue;
    Json schema = member.schema(book);
    if (!member.help.empty()) schema.set("description", member.help);
    members.push_back({member.name, std::move(schema), member.required ? Given::kAlways : Given::kSometimes});
  }
  Json schema = record_schema(std::move(members));
  if (!help_.empty()) schema.set("description", help_);
  return schema;
}

std::unexpected<Error> ObjectSchema::refuse_unknown(std::string_view key, const FieldPath& path) const {
  std::vector<std::string_view> known;
  for (const Member& member : members_) {
    if (member.schema) known.push_back(member.name);
  }
  return FieldPath(path, key).refuse(known.empty()
                                         ? std::string("unknown; nothing may be given here")
                                         : fmt::format("unknown; there are {}", fmt::join(known, ", ")));
}

std::unexpected<Error> ObjectSchema::refuse_missing(const FieldPath& path, std::uint64_t seen) const {
  const auto missing = static_cast<std::size_t>(std::countr_zero(required_ & ~seen));
  return FieldPath(path, members_[missing].name).refuse("must be given");
}

ValueType<std::string> string_value() {
  return {[](SchemaBook&) { return string_schema(); },
          [](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<std::string> {
            if (!json.is_string()) return path.expected("a string", json);
            return json.as_string();
          },
          ParameterText::kString};
}

ValueType<bool> boolean_value() {
  return {[](SchemaBook&) { return boolean_schema(); },
          [](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<bool> {
            if (!json.is_bool()) return path.expected("true or false", json);
            return json.as_bool();
          },
          ParameterText::kBoolean};
}

ValueType<std::size_t> count_value(std::size_t least, std::size_t ServiceLimits::* limit) {
  return {[least, limit](SchemaBook& book) {
            Json schema = integer_schema();
            schema.set("minimum", std::uint64_t{least});
            if (limit != nullptr) schema.set("maximum", std::uint64_t{book.limits().*limit});
            return schema;
          },
          [least](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<std::size_t> {
            if (!json.is_integer()) return path.expected("an integer", json);
            if (json.as_integer() < static_cast<std::int64_t>(least)) {
              return path.refuse(fmt::format("must be at least {}", least));
            }
            return static_cast<std::size_t>(json.as_integer());
          },
          ParameterText::kInteger};
}

ValueType<double> number_value() {
  return {[](SchemaBook&) { return number_schema(); },
          [](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<double> {
            if (!json.is_number()) return path.expected("a number", json);
            return json.as_number();
          }};
}

ValueType<double> fraction_value() {
  return {[](SchemaBook&) {
            Json schema = number_schema();
            schema.set("exclusiveMinimum", 0);
            schema.set("maximum", 1);
            return schema;
          },
          [](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<double> {
            if (!json.is_number()) return path.expected("a number", json);
            const double value = json.as_number();
            if (!(value > 0 && value <= 1)) return path.refuse("must be above 0 and at most 1");
            return value;
          }};
}

ValueType<Json> object_value() {
  return {[](SchemaBook&) { return object_schema(); },
          [](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<Json> {
            if (!json.is_object()) return path.expected("an object", json);
            return json;
          }};
}

ValueType<Filter> where_value() {
  return {[](SchemaBook&) { return filter_schema("A filter on metadata."); },
          [](const Json& json, const FieldPath& path, const ServiceLimits& limits) {
            return parse_where(json, path.to_string(), limits.filter);
          }};
}

ValueType<Filter> where_document_value() {
  return {[](SchemaBook&) { return filter_schema("A filter on text."); },
          [](const Json& json, const FieldPath& path, const ServiceLimits& limits) {
            return parse_where_document(json, path.to_string(), limits.filter);
          }};
}

}  // namespace sextant
