// Libraries as JSON: what creates and changes them, and how they are shown.
//
// Stateless; any thread.
#pragma once

#include "engine/types.h"
#include "server/json_fields.h"
#include "server/json_writer.h"

namespace sextant {

/// The body of POST /v1/libraries.
const ObjectType<LibrarySpec>& library_spec_type();
/// The body of PATCH /v1/libraries/{library}; the library's name is the caller's to fill in.
const ObjectType<UpdateLibrary>& update_library_type();

void write_library(JsonWriter& writer, const LibraryInfo& info);
Json library_schema(SchemaBook& book);

/// A value that is given for each vector field by name: {"embedding": ...}. There is one field yet, and it
/// has this name.
template <typename V>
ValueType<V> by_field(ValueType<V> inner) {
  return {[inner](SchemaBook& book) { return record_schema({{"embedding", inner.schema(book)}}); },
          [inner](const Json& json, const FieldPath& path, const ServiceLimits& limits) -> Result<V> {
            if (!json.is_object()) return path.expected("an object", json);
            for (const auto& [key, value] : json.as_object()) {
              if (key == "embedding") continue;
              return FieldPath(path, key).refuse(
                  ErrorCode::kNotSupportedYet,
                  "several vector fields are not supported yet; there is 'embedding'");
            }
            const Json* value = json.find("embedding");
            if (value == nullptr) return FieldPath(path, "embedding").refuse("must be given");
            return inner.read(*value, FieldPath(path, "embedding"), limits);
          }};
}

}  // namespace sextant
