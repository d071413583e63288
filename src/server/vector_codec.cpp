#include "server/vector_codec.h"

#include <fmt/format.h>

#include <cmath>
#include <span>

#include "base/bytes.h"

namespace sextant {

namespace {

Result<std::vector<float>> from_base64(const std::string& text, const FieldPath& path) {
  const std::size_t bytes = base64_decoded_size(text);
  std::vector<float> vector((bytes + sizeof(float) - 1) / sizeof(float));
  if (!decode_base64(text, std::span(reinterpret_cast<char*>(vector.data()), bytes))) {
    return path.refuse("is not base64 (with padding)");
  }
  if (bytes % sizeof(float) != 0) {
    return path.refuse(fmt::format("holds {} bytes, which are no whole number of float32", bytes));
  }
  return vector;
}

std::unexpected<Error> too_large(const FieldPath& path, std::size_t i) {
  return FieldPath(path, i).refuse(ErrorCode::kInvalidVector, "the number does not fit a float32");
}

Result<std::vector<float>> from_packed(const Json::Doubles& numbers, const FieldPath& path) {
  std::vector<float> vector(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) vector[i] = static_cast<float>(numbers[i]);
  // JSON has no infinity, so one that is there now was made by the cast.
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (std::isinf(vector[i])) return too_large(path, i);
  }
  return vector;
}

Result<std::vector<float>> from_array(const Json::Array& elements, const FieldPath& path) {
  std::vector<float> vector;
  vector.reserve(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!elements[i].is_number()) return FieldPath(path, i).expected("a number", elements[i]);
    vector.push_back(static_cast<float>(elements[i].as_number()));
    if (std::isinf(vector.back())) return too_large(path, i);
  }
  return vector;
}

Json schema() {
  Json array = array_schema(number_schema());
  array.set("minItems", 1);
  Json text = string_schema("Little-endian float32, base64.");
  text.set("contentEncoding", "base64");
  text.set("minLength", 8);
  Json choice = Json::object();
  choice.set("anyOf", Json::Array{std::move(array), std::move(text)});
  return choice;
}

}  // namespace

Result<std::vector<float>> read_vector(const Json& json, const FieldPath& path) {
  if (!json.is_array() && !json.is_string())
    return path.expected("an array of numbers or a base64 string", json);
  TRY_ASSIGN(std::vector<float> vector, json.is_string()   ? from_base64(json.as_string(), path)
                                        : json.is_packed() ? from_packed(json.as_packed(), path)
                                                           : from_array(json.as_plain_array(), path));
  if (vector.empty()) return path.refuse("must not be empty");
  return vector;
}

ValueType<std::vector<float>> vector_value() {
  return {
      [](SchemaBook& book) { return book.reference("Vector", [](SchemaBook&) { return schema(); }); },
      [](const Json& json, const FieldPath& path, const ServiceLimits&) { return read_vector(json, path); }};
}

}  // namespace sextant
