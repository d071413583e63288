// Exact search: every allowed row of a view is compared with the query. No structure, no state.
#pragma once

#include <cstdint>
#include <span>

#include "base/request_context.h"
#include "base/result.h"
#include "index/top_k.h"
#include "index/vector_view.h"

namespace sextant {

/// Which slots of a view may be answered: bit (slot % 64) of word slot / 64. Empty = all. Otherwise it has a
/// word for every 64 slots of the view; bits beyond the last slot are ignored.
using SlotBitmap = std::span<const std::uint64_t>;

/// The distance in its metric (1 - dot, -dot, sqrt of squared l2) from what the kernel computed. Never NaN
/// and never -0: a sum that overflowed to NaN is infinitely far.
float distance_from_kernel(Metric metric, float kernel_value);
/// Higher is better: cosine similarity, dot product, 1 / (1 + Euclidean distance).
float score_from_distance(Metric metric, float distance);

struct FlatScan {
  Metric metric = Metric::kCosine;
  VectorView view = {};
  std::uint64_t first_row = 0;  // row of slot 0; slot s is row first_row + s
  SlotBitmap allowed = {};      // of the view's slots
};

/// Offers every allowed row to each query's TopK: queries[i] (scan.view.dimension floats) to results[i]; as
/// many of one as of the other. Several queries at once read each block of rows from memory once. What is
/// found equals sorting all allowed rows by (distance, row), whatever the processor and the number of
/// queries. The context's deadline is checked at the start and every few thousand comparisons
/// (kDeadlineExceeded; the results are then partial). For cosine the queries must be of unit length.
/// Thread-safe; allocates nothing.
Status flat_scan(const RequestContext& context, const FlatScan& scan, std::span<const float* const> queries,
                 std::span<TopK> results);

}  // namespace sextant
