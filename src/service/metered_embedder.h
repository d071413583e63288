// MeteredEmbedder: an embedder whose calls and texts are counted.
#pragma once

#include <memory>

#include "base/clock.h"
#include "providers/embedder.h"
#include "service/metrics.h"

namespace sextant {

/// Passes everything on to `inner` (null stays null). `metrics` and `clock` must outlive the result.
std::shared_ptr<Embedder> metered(std::shared_ptr<Embedder> inner, Metrics& metrics, Clock& clock);

}  // namespace sextant
