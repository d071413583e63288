// Exact search: every allowed row of a view is compared with the query. No structure, no state.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/request_context.h"
#include "base/result.h"
#include "index/top_k.h"
#include "index/vector_view.h"

namespace sextant {

/// Which slots of a view may be answered: bit (slot % 64) of word slot / 64. Empty = all.
using SlotBitmap = std::span<const std::uint64_t>;

/// The distance in its metric (1 - dot, -dot, sqrt of squared l2) from what the kernel computed.
float distance_from_kernel(Metric metric, float kernel_value);
/// Higher is better: cosine similarity, dot product, 1 / (1 + Euclidean distance).
float score_from_distance(Metric metric, float distance);

struct FlatScan {
  Metric metric = Metric::kCosine;
  VectorView view;
  std::uint64_t first_row = 0;  // row of slot 0; slot s is row first_row + s
  SlotBitmap allowed;           // of the view's slots
};

/// Offers every allowed row to each query's TopK: queries[i] (scan.view.dimension floats) to results[i]. Several
/// queries at once read each block of rows once. The context's deadline is checked every few thousand rows
/// (kDeadlineExceeded; the results are then partial). For cosine the queries must be of unit length.
Status flat_scan(const RequestContext& context, const FlatScan& scan, std::span<const float* const> queries,
                 std::span<TopK> results);

}  // namespace sextant
