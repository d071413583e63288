// Field readers: what a request may say, declared once, from which both its reading and its JSON schema are
// made.
//
// An ObjectType<T> lists the fields of a JSON object that becomes a T; a ValueType<V> says how one value is
// read. Reading refuses unknown fields and wrong types with kInvalidArgument and the exact path
// ("documents[3].chunks[0].vector"); the limits of service/limits.h are the service's to check, the schema
// only states them. Types are immutable; any thread.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "server/field_path.h"
#include "server/schema_book.h"
#include "service/limits.h"

namespace sextant {

/// How the text of a query parameter becomes the JSON value that its type reads.
enum class ParameterText : std::uint8_t { kString, kInteger, kBoolean, kList, kJson };

template <typename V>
struct ValueType {
  std::function<Json(SchemaBook&)> schema;
  std::function<Result<V>(const Json&, const FieldPath&, const ServiceLimits&)> read;
  ParameterText parameter_text = ParameterText::kJson;
};

template <typename T>
struct Field {
  std::string name;
  std::string help;
  bool required = false;
  ParameterText parameter_text = ParameterText::kJson;
  std::function<Json(SchemaBook&)> schema;  // empty: specified, not built, so it is in no schema
  std::function<Status(const Json&, const FieldPath&, const ServiceLimits&, T&)> read;
};

/// What is known of an object type without knowing T.
class ObjectSchema {
 public:
  struct Member {
    std::string name;
    std::string help;
    bool required = false;
    ParameterText parameter_text = ParameterText::kJson;
    std::function<Json(SchemaBook&)> schema;
  };

  virtual ~ObjectSchema() = default;
  const std::string& name() const { return name_; }
  const std::vector<Member>& members() const { return members_; }
  /// A reference to this type's schema, which is put into the book.
  Json schema(SchemaBook& book) const;

 protected:
  ObjectSchema(std::string name, std::string help) : name_(std::move(name)), help_(std::move(help)) {}
  void add_member(Member member);
  std::unexpected<Error> refuse_unknown(std::string_view key, const FieldPath& path) const;
  std::unexpected<Error> refuse_missing(const FieldPath& path, std::uint64_t seen) const;

  std::uint64_t required_ = 0;  // bit i: field i must be there

 private:
  Json definition(SchemaBook& book) const;

  std::string name_;
  std::string help_;
  std::vector<Member> members_;
};

template <typename T>
class ObjectType final : public ObjectSchema {
 public:
  /// What must hold between the fields.
  using Check = Status (*)(const T&, const FieldPath&);

  ObjectType(std::string name, std::string help, std::vector<Field<T>> fields, Check check = nullptr)
      : ObjectSchema(std::move(name), std::move(help)), fields_(std::move(fields)), check_(check) {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const Field<T>& field = fields_[i];
      add_member({field.name, field.help, field.required, field.parameter_text, field.schema});
      if (field.required) required_ |= std::uint64_t{1} << i;
    }
  }

  Result<T> read(const Json& json, const FieldPath& path, const ServiceLimits& limits) const {
    if (!json.is_object()) return path.expected("an object", json);
    T value{};
    std::uint64_t seen = 0;
    for (const auto& [key, member] : json.as_object()) {
      std::size_t i = 0;
      while (i < fields_.size() && fields_[i].name != key) ++i;
      if (i == fields_.size()) return refuse_unknown(key, path);
      TRY(fields_[i].read(member, FieldPath(path, key), limits, value));
      seen |= std::uint64_t{1} << i;
    }
    if ((seen & required_) != required_) return refuse_missing(path, seen);
    if (check_ != nullptr) TRY(check_(value, path));
    return value;
  }

 private:
  std::vector<Field<T>> fields_;
  Check check_;
};

// ---- Fields ----

enum class Presence : std::uint8_t { kOptional, kRequired };

/// A field that is read into a member of T (or of a base of T), as V or as what V converts to, optional<V>
/// for instance.
template <typename T, typename V, typename M, typename Base>
  requires std::derived_from<T, Base>
Field<T> field(std::string name, std::string help, const ValueType<V>& type, M Base::* member,
               Presence presence = Presence::kOptional) {
  return {std::move(name),
          std::move(help),
          presence == Presence::kRequired,
          type.parameter_text,
          type.schema,
          [read = type.read, member](const Json& json, const FieldPath& path, const ServiceLimits& limits,
                                     T& out) -> Status {
            TRY_ASSIGN(out.*member, read(json, path, limits));
            return {};
          }};
}

/// A field whose value is handed to `take`, for what one member cannot hold.
template <typename T, typename V>
Field<T> field_with(std::string name, std::string help, const ValueType<V>& type,
                    std::type_identity_t<std::function<Status(V, const FieldPath&, T&)>> take,
                    Presence presence = Presence::kOptional) {
  return {std::move(name),
          std::move(help),
          presence == Presence::kRequired,
          type.parameter_text,
          type.schema,
          [read = type.read, take = std::move(take)](const Json& json, const FieldPath& path,
                                                     const ServiceLimits& limits, T& out) -> Status {
            TRY_ASSIGN(V value, read(json, path, limits));
            return take(std::move(value), path, out);
          }};
}

/// A field that the design has and this build has not: kNotSupportedYet.
template <typename T>
Field<T> unbuilt_field(std::string name) {
  return {name,
          {},
          false,
          ParameterText::kJson,
          {},
          [name](const Json&, const FieldPath& path, const ServiceLimits&, T&) -> Status {
            return path.refuse(ErrorCode::kNotSupportedYet, "'" + name + "' is not supported yet");
          }};
}

// ---- Values ----

ValueType<std::string> string_value();
ValueType<bool> boolean_value();
/// An integer of at least `least`; `limit`, where given, is stated in the schema.
ValueType<std::size_t> count_value(std::size_t least, std::size_t ServiceLimits::* limit = nullptr);
ValueType<double> number_value();
/// A number above 0 and at most 1.
ValueType<double> fraction_value();
/// Any object, as it came.
ValueType<Json> object_value();
ValueType<Filter> where_value();
ValueType<Filter> where_document_value();

template <typename E>
struct EnumName {
  std::string_view name;
  E value;
};
/// One of some names. `unbuilt` are names that are kNotSupportedYet.
template <typename E>
ValueType<E> enum_value(std::vector<EnumName<E>> names, std::vector<std::string_view> unbuilt = {}) {
  std::vector<std::string_view> known;
  for (const EnumName<E>& n : names) known.push_back(n.name);
  return {
      [known](SchemaBook&) { return enum_schema(known); },
      [names, known, unbuilt](const Json& json, const FieldPath& path, const ServiceLimits&) -> Result<E> {
        TRY_ASSIGN(const std::size_t i, path.choose(json, known, unbuilt));
        return names[i].value;
      },
      ParameterText::kString};
}

template <typename V>
ValueType<std::vector<V>> list_of(ValueType<V> element, std::size_t ServiceLimits::* limit = nullptr) {
  return {[element, limit](SchemaBook& book) {
            Json schema = Json::object();
            schema.set("type", "array");
            schema.set("items", element.schema(book));
            if (limit != nullptr) schema.set("maxItems", std::uint64_t{book.limits().*limit});
            return schema;
          },
          [element](const Json& json, const FieldPath& path,
                    const ServiceLimits& limits) -> Result<std::vector<V>> {
            if (!json.is_array()) return path.expected("an array", json);
            std::vector<V> values;
            values.reserve(json.size());
            const auto add = [&](const Json& item, std::size_t i) -> Status {
              TRY_ASSIGN(V value, element.read(item, FieldPath(path, i), limits));
              values.push_back(std::move(value));
              return {};
            };
            for (std::size_t i = 0; i < json.size(); ++i) {
              TRY(json.is_packed() ? add(json.element(i), i) : add(json.as_plain_array()[i], i));
            }
            return values;
          },
          ParameterText::kList};
}

/// A value or null.
template <typename V>
ValueType<std::optional<V>> nullable(ValueType<V> inner) {
  return {[inner](SchemaBook& book) { return nullable_schema(inner.schema(book)); },
          [inner](const Json& json, const FieldPath& path,
                  const ServiceLimits& limits) -> Result<std::optional<V>> {
            if (json.is_null()) return std::optional<V>();
            TRY_ASSIGN(V value, inner.read(json, path, limits));
            return std::optional<V>(std::move(value));
          },
          inner.parameter_text};
}

/// An object of its own type, which must live as long as the process.
template <typename T>
ValueType<T> nested(const ObjectType<T>& type) {
  return {[&type](SchemaBook& book) { return type.schema(book); },
          [&type](const Json& json, const FieldPath& path, const ServiceLimits& limits) {
            return type.read(json, path, limits);
          }};
}

}  // namespace sextant
