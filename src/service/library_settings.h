// Checks of what the creator of a library may choose: the values, once the shape of the request is known to
// be right.
//
// Fields of errors are those of POST /v1/libraries. What is specified and not built is kNotSupportedYet.
// Stateless; any thread.
#pragma once

#include <string_view>

#include "engine/types.h"
#include "service/limits.h"

namespace sextant {

/// Everything but the name and the embedding settings. `provider` is the one storage provider there is.
Status check_library_spec(const LibrarySpec& spec, std::string_view provider, const ServiceLimits& limits);
/// What a request may say of a library's embedder: {"provider", "model"?} and, for hashed, "dimension"?. All
/// else (a model's directory, its threads, its prefixes) is the server's configuration: no client opens files
/// or loads models. Fields below "embedding"; whether there is such an embedder is not asked here.
Status check_embedding_settings(const Json& embedding);
/// {"kind"?: "auto" | "flat", "target_recall"?: (0, 1]}
Status check_index_settings(const Json& index);
/// Chunking settings, also against the limit on a chunk's text.
Status check_chunking_settings(const Json& chunking, const ServiceLimits& limits);

}  // namespace sextant
