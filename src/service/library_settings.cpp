#include "service/library_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "providers/chunking_settings.h"
#include "providers/hashed_embedder.h"
#include "service/request_checks.h"

namespace sextant {

namespace {

std::unexpected<Error> invalid(std::string_view field, std::string message) {
  return fail(field_error(ErrorCode::kInvalidArgument, std::string(field), std::move(message)));
}

std::unexpected<Error> not_yet(std::string_view field, std::string message) {
  return fail(field_error(ErrorCode::kNotSupportedYet, std::string(field), std::move(message)));
}

constexpr std::array<std::string_view, 2> kBuiltKinds = {"auto", "flat"};
constexpr std::array<std::string_view, 6> kPlannedKinds = {"kdtree", "lsh",   "hnsw",
                                                           "ivfpq",  "graph", "hybrid"};

Status check_index_kind(const Json& kind) {
  if (!kind.is_string())
    return invalid("index.kind", fmt::format("must be a string, not {}", kind.type_name()));
  const std::string& name = kind.as_string();
  if (std::ranges::find(kBuiltKinds, name) != kBuiltKinds.end()) return {};
  if (std::ranges::find(kPlannedKinds, name) != kPlannedKinds.end()) {
    return not_yet("index.kind",
                   fmt::format("index kind '{}' is not supported yet; there are auto and flat", name));
  }
  return invalid("index.kind", fmt::format("there is no index kind '{}'; there are auto and flat", name));
}

Status check_field(const VectorField& field, const ServiceLimits& limits) {
  if (field.element != ElementType::kF32) {
    return not_yet("vectors.embedding.element", "elements of type f16 are not supported yet; there is f32");
  }
  if (field.metric == Metric::kCosine && !field.normalize) {
    return invalid("vectors.embedding.normalize", "vectors compared by cosine are always normalised");
  }
  if (field.dimension > limits.max_dimension) {
    return fail(field_error(ErrorCode::kLimitExceeded, "vectors.embedding.dimension",
                            fmt::format("is {}, the limit is {}", field.dimension, limits.max_dimension)));
  }
  return {};
}

}  // namespace

Status check_library_spec(const LibrarySpec& spec, std::string_view provider, const ServiceLimits& limits) {
  switch (spec.kind) {
    case LibraryKind::kShared:
      break;
    case LibraryKind::kUser:
      return not_yet("kind", "libraries of kind user are not supported yet; there is shared");
    case LibraryKind::kStream:
      return not_yet("kind", "libraries of kind stream are not supported yet; there is shared");
    case LibraryKind::kSystem:
      return invalid("kind", "libraries of kind system are not made by request");
  }
  if (spec.provider != provider) {
    return not_yet("provider", fmt::format("storage provider '{}' is not supported yet; there is {}",
                                           spec.provider, provider));
  }
  TRY(check_field(spec.field, limits));
  TRY(check_index_settings(spec.index));
  TRY(check_chunking_settings(spec.chunking, limits));
  return check_metadata(spec.metadata, "metadata", limits);
}

Status check_embedding_settings(const Json& embedding) {
  if (!embedding.is_object())
    return invalid("embedding", fmt::format("must be an object, not {}", embedding.type_name()));
  const Json* provider = embedding.find("provider");
  if (provider == nullptr || !provider->is_string())
    return invalid("embedding.provider", "must name an embedding provider");
  const bool hashed = provider->as_string() == kHashedProvider;
  for (const auto& [key, value] : embedding.as_object()) {
    if (key == "provider" || key == "model" || (key == "dimension" && hashed)) continue;
    return invalid(
        "embedding." + key,
        fmt::format("a library's embedder takes no '{}': provider, model and, for {}, dimension are "
                    "the library's, all else is set in the server's configuration",
                    key, kHashedProvider));
  }
  return {};
}

Status check_index_settings(const Json& index) {
  if (!index.is_object())
    return invalid("index", fmt::format("must be an object, not {}", index.type_name()));
  for (const auto& [key, value] : index.as_object()) {
    if (key == "kind") {
      TRY(check_index_kind(value));
    } else if (key == "target_recall") {
      if (!value.is_number() || !(value.as_number() > 0 && value.as_number() <= 1)) {
        return invalid("index.target_recall", "must be a number above 0 and at most 1");
      }
    } else {
      return invalid("index." + key, "is no index setting; there are kind and target_recall");
    }
  }
  return {};
}

Status check_chunking_settings(const Json& chunking, const ServiceLimits& limits) {
  TRY_ASSIGN(const ChunkingSettings settings, parse_chunking(chunking));
  if (settings.sizes.max_bytes <= limits.max_text_bytes) return {};
  return fail(field_error(ErrorCode::kLimitExceeded, "chunking.max_bytes",
                          fmt::format("is {}, more than a chunk's text may have: {}",
                                      settings.sizes.max_bytes, limits.max_text_bytes)));
}

}  // namespace sextant
