// The `local` provider: a published BERT-family encoder run in this process, offline.
#pragma once

#include <memory>

#include "base/json.h"
#include "base/result.h"
#include "providers/embedder.h"

namespace sextant {

/// Loads the model of settings "model_dir" (embedder.h lists the settings). Errors: kInvalidArgument with the
/// setting as field; what is wrong with the model's files is reported with the field "model_dir".
Result<std::unique_ptr<Embedder>> make_local_embedder(const Json& settings);

}  // namespace sextant
