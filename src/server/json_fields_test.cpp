#include "server/json_fields.h"

#include <gtest/gtest.h>

#include "server/json_codec_document.h"
#include "server/json_codec_library.h"
#include "server/json_codec_search.h"
#include "server/testing/schema_check.h"

namespace sextant {
namespace {

struct Inner {
  std::size_t count = 0;
};
struct Outer {
  std::string name;
  std::vector<Inner> items;
  std::optional<bool> flag;
};

const ObjectType<Inner>& inner_type() {
  static const ObjectType<Inner> type("Inner", "",
                                      {field<Inner>("count", "", count_value(1), &Inner::count)});
  return type;
}

const ObjectType<Outer>& outer_type() {
  static const ObjectType<Outer> type(
      "Outer", "",
      {
          field<Outer>("name", "", string_value(), &Outer::name, Presence::kRequired),
          field<Outer>("items", "", list_of(nested(inner_type())), &Outer::items),
          field<Outer>("flag", "", boolean_value(), &Outer::flag),
          unbuilt_field<Outer>("later"),
      });
  return type;
}

const ServiceLimits kLimits;

template <typename T>
Result<T> read(const ObjectType<T>& type, std::string_view json) {
  return type.read(*parse_json(json), FieldPath(), kLimits);
}

std::string refusal(std::string_view json) {
  const auto value = read(outer_type(), json);
  return value ? "" : value.error().to_string();
}

TEST(JsonFields, ReadsWhatIsThereAndLeavesTheRest) {
  const auto value = read(outer_type(), R"({"items": [{"count": 3}, {}], "name": "n"})");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->name, "n");
  ASSERT_EQ(value->items.size(), 2U);
  EXPECT_EQ(value->items[0].count, 3U);
  EXPECT_EQ(value->flag, std::nullopt);
}

TEST(JsonFields, NamesTheExactPathOfWhatIsWrong) {
  EXPECT_EQ(refusal(R"({"name": "n", "items": [{}, {"count": "3"}]})"),
            "invalid_argument: must be an integer, not a string (items[1].count)");
  EXPECT_EQ(refusal(R"({"name": "n", "items": [{}, {"count": 0}]})"),
            "invalid_argument: must be at least 1 (items[1].count)");
  EXPECT_EQ(refusal(R"({"name": "n", "items": [{}, {"cuont": 1}]})"),
            "invalid_argument: unknown; there are count (items[1].cuont)");
  EXPECT_EQ(refusal(R"({"name": "n", "items": {}})"),
            "invalid_argument: must be an array, not an object (items)");
  EXPECT_EQ(refusal(R"({"name": "n", "items": [1]})"),
            "invalid_argument: must be an object, not an integer (items[0])");
  EXPECT_EQ(refusal(R"({"name": null})"), "invalid_argument: must be a string, not null (name)");
  EXPECT_EQ(refusal(R"({"flag": true})"), "invalid_argument: must be given (name)");
  EXPECT_EQ(refusal(R"({"name": "n", "flag": 1})"),
            "invalid_argument: must be true or false, not an integer (flag)");
  EXPECT_EQ(refusal(R"({"name": "n", "later": 1})"),
            "not_supported_yet: 'later' is not supported yet (later)");
  EXPECT_EQ(refusal("[]"), "invalid_argument: the request's body must be an object, not an array");
}

TEST(JsonFields, TellsUnknownNamesFromThoseThatAreNotBuilt) {
  const auto element = [](const char* name) {
    const std::string text =
        R"({"name": "x", "vectors": {"embedding": {"element": ")" + std::string(name) + R"("}}})";
    const auto spec = read(library_spec_type(), text);
    return spec ? "" : spec.error().to_string();
  };
  EXPECT_EQ(element("f32"), "");
  EXPECT_EQ(element("f16"),
            "not_supported_yet: 'f16' is not supported yet; supported is f32 (vectors.embedding.element)");
  EXPECT_EQ(element("f8"), "invalid_argument: must be one of f32 (vectors.embedding.element)");
  const auto two = read(library_spec_type(), R"({"name": "x", "vectors": {"embedding": {}, "image": {}}})");
  EXPECT_EQ(two.error().code, ErrorCode::kNotSupportedYet);
  EXPECT_EQ(two.error().field, "vectors.image");
}

TEST(JsonFields, FilterErrorsAreBelowTheirField) {
  const auto search = read(search_type(), R"({"vector": [1], "where": {"$and": [{"a": {"$gtt": 1}}]}})");
  ASSERT_FALSE(search.has_value());
  EXPECT_EQ(search.error().field.substr(0, 6), "where.") << search.error().to_string();
}

TEST(JsonFields, ASearchIsOneQueryOrSeveral) {
  EXPECT_TRUE(read(search_type(), R"({"vector": [1, 2]})").has_value());
  EXPECT_TRUE(read(search_type(), R"({"vectors": {"embedding": [1, 2]}, "field": "embedding"})").has_value());
  EXPECT_TRUE(read(search_type(), R"({"queries": [{"text": "a"}, {"vector": [1]}]})").has_value());
  EXPECT_EQ(read(search_type(), "{}").error().field, "vector");
  EXPECT_EQ(read(search_type(), R"({"vector": [1], "text": "a"})").error().field, "text");
  EXPECT_EQ(read(search_type(), R"({"vector": [1], "vectors": {"embedding": [1]}})").error().field,
            "vectors");
  EXPECT_EQ(read(search_type(), R"({"queries": [{"text": "a"}, {}]})").error().field, "queries[1].vector");
  EXPECT_EQ(read(search_type(), R"({"queries": [], "k": 3})").error().field, "queries");
  EXPECT_EQ(read(search_type(), R"({"text": "a", "field": "image"})").error().code,
            ErrorCode::kNotSupportedYet);
  EXPECT_EQ(read(search_type(), R"({"text": "a", "target_recall": 0})").error().field, "target_recall");
  EXPECT_EQ(read(search_type(), R"({"text": "a", "timeout_ms": 600001})").error().field, "timeout_ms");
  EXPECT_EQ(read(search_type(), R"({"text": "a", "include": ["vector", "size"]})").error().field,
            "include[1]");
}

TEST(JsonFields, ADocumentHasATextOrChunks) {
  EXPECT_TRUE(read(document_type(), R"({"text": "a", "if_match": "1f"})").has_value());
  EXPECT_TRUE(read(document_type(), R"({"chunks": [{"text": "a"}], "if_match": "*"})").has_value());
  EXPECT_TRUE(read(document_type(), "{}").has_value());
  EXPECT_EQ(read(document_type(), R"({"text": "a", "chunks": []})").error().field, "text");
  EXPECT_EQ(read(document_type(), R"({"if_match": ""})").error().field, "if_match");
  EXPECT_EQ(
      read(document_type(), R"({"chunks": [{"vector": [1], "vectors": {"embedding": [1]}}]})").error().field,
      "chunks[0].vectors");
}

// A value that a schema allows.
Json sample(const Json& document, const Json& schema) {
  if (const Json* reference = schema.find("$ref")) {
    const std::string name = reference->as_string().substr(std::string_view("#/components/schemas/").size());
    return sample(document, *document.find("components")->find("schemas")->find(name));
  }
  if (const Json* names = schema.find("enum")) return names->element(0);
  if (const Json* choices = schema.find("anyOf")) return sample(document, choices->element(0));
  const std::string& type = schema.find("type")->as_string();
  if (type == "string") return "1f";
  if (type == "boolean") return true;
  if (type == "integer" || type == "number")
    return schema.find("maximum") ? *schema.find("maximum") : Json(1);
  if (type == "array") return Json::Array{sample(document, *schema.find("items"))};
  Json object = Json::object();
  if (const Json* required = schema.find("required")) {
    for (const Json& name : required->as_plain_array()) {
      object.set(name.as_string(), sample(document, *schema.find("properties")->find(name.as_string())));
    }
  }
  return object;
}

// Every field that a schema lists is one the reader takes, and one more it refuses.
template <typename T>
void expect_agreement(const ObjectType<T>& type) {
  SchemaBook book(kLimits);
  const Json reference = type.schema(book);
  Json components = Json::object();
  components.set("schemas", book.definitions());
  Json document = Json::object();
  document.set("components", std::move(components));
  const Json schema = *book.definitions().find(type.name());
  for (const auto& [name, of] : schema.find("properties")->as_object()) {
    Json body = sample(document, reference);
    body.set(name, sample(document, of));
    EXPECT_EQ(schema_violation(document, reference, body), "") << body.to_string();
    const auto value = type.read(body, FieldPath(), kLimits);
    const bool known = value.has_value() || !value.error().message.starts_with("unknown");
    const bool typed = value.has_value() || value.error().message.find(", not ") == std::string::npos ||
                       value.error().field != name;
    EXPECT_TRUE(known && typed) << type.name() << "." << name << ": " << value.error().to_string();
    body.set("no_such_field", 1);
    EXPECT_FALSE(type.read(body, FieldPath(), kLimits).has_value());
    EXPECT_NE(schema_violation(document, reference, body), "");
  }
}

TEST(JsonFields, SchemasAndReadersAgree) {
  expect_agreement(library_spec_type());
  expect_agreement(update_library_type());
  expect_agreement(documents_type());
  expect_agreement(document_type());
  expect_agreement(put_document_type());
  expect_agreement(write_settings_type());
  expect_agreement(put_chunk_type());
  expect_agreement(patch_chunk_type());
  expect_agreement(chunk_patch_type());
  expect_agreement(search_type());
  expect_agreement(similar_type());
}

}  // namespace
}  // namespace sextant
