#include "index/flat/flat_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "kernels/distance.h"

namespace sextant {
namespace {

constexpr std::size_t kBlockSlots = 1024;  // whole words of a bitmap
/// A block that several queries read must stay in the second-level cache between them.
constexpr std::size_t kSharedBlockBytes = std::size_t{256} * 1024;
constexpr std::size_t kComparisonsPerDeadlineCheck = 4096;

/// Slots whose rows are compared together: a run, in which disallowed ones may lie, or a list of allowed
/// ones.
struct Block {
  bool is_run = false;
  std::size_t first = 0;  // of a run
  std::size_t count = 0;
  std::array<std::uint32_t, kBlockSlots> list;  // not of a run

  std::size_t slot(std::size_t i) const { return is_run ? first + i : list[i]; }
};

bool is_allowed(SlotBitmap allowed, std::size_t slot) {
  return allowed.empty() || (allowed[slot / 64] >> (slot % 64) & 1) != 0;
}

/// Cuts a view into blocks of at most `limit` rows, a multiple of 64.
class BlockReader {
 public:
  BlockReader(const FlatScan& scan, std::size_t limit)
      : allowed_(scan.allowed), end_(scan.view.count), limit_(limit) {}

  /// The next block; a count of 0 is the end.
  void next(Block& block) {
    block.is_run = false;
    block.count = 0;
    while (next_ < end_) {
      const std::size_t stop = std::min(next_ + limit_, end_);
      const std::size_t matches = count_allowed(stop);
      // One stream over all rows costs less than scattered fetches of half of them: a scattered row takes as
      // long as two to three in a stream.
      if (2 * matches >= stop - next_) {
        if (block.count != 0) return;  // the list before it
        block.is_run = true;
        block.first = next_;
        block.count = stop - next_;
        next_ = stop;
        return;
      }
      if (block.count + matches > limit_) return;
      for (; next_ < stop; next_ += 64) {
        for (std::uint64_t word = word_at(next_); word != 0; word &= word - 1) {
          block.list[block.count++] = static_cast<std::uint32_t>(next_ + std::countr_zero(word));
        }
      }
    }
  }

 private:
  /// The bits of the 64 slots from `slot` on, a multiple of 64, less those beyond the view.
  std::uint64_t word_at(std::size_t slot) const {
    const std::uint64_t word = allowed_[slot / 64];
    const std::size_t left = end_ - slot;
    return left < 64 ? word & ((std::uint64_t{1} << left) - 1) : word;
  }

  std::size_t count_allowed(std::size_t stop) const {
    if (allowed_.empty()) return stop - next_;
    std::size_t count = 0;
    for (std::size_t slot = next_; slot < stop; slot += 64) count += std::popcount(word_at(slot));
    return count;
  }

  const SlotBitmap allowed_;
  const std::size_t end_;
  const std::size_t limit_;
  std::size_t next_ = 0;  // the first slot not yet dealt with; a multiple of 64 before the end
};

/// What the kernel gives for each slot of the block.
void compute(const DistanceKernels& kernels, const FlatScan& scan, const Block& block, const float* query,
             float* out) {
  const VectorView& view = scan.view;
  const bool l2 = scan.metric == Metric::kL2;
  if (block.is_run) {
    (l2 ? kernels.l2_squared_rows : kernels.dot_rows)(query, view.row(block.first), view.stride, block.count,
                                                      view.dimension, out);
  } else {
    (l2 ? kernels.l2_squared_gather : kernels.dot_gather)(query, view.base, view.stride, block.list.data(),
                                                          block.count, view.dimension, out);
  }
}

/// The largest squared distance that may still have a root within `bound`. A little more than bound * bound:
/// two squares can round to one root, so what is within the bound is decided on the root, and this only
/// spares the root of rows that are far. Rounding a root moves it by at most 2^-24 of itself, its square by
/// 2^-23; 2^-20 covers both.
float squared_limit(float bound) {
  const double wide = bound;
  const double limit = wide * wide * (1.0 + 0x1p-20);
  return limit > std::numeric_limits<float>::max() ? std::numeric_limits<float>::infinity()
                                                   : static_cast<float>(limit);
}

/// Offers a block's allowed rows. Written so that a row that cannot enter costs one comparison, its bit in
/// the bitmap included; NaN passes that comparison and is judged by its distance.
template <Metric kMetric>
void offer_all(const FlatScan& scan, const Block& block, const float* values, TopK& result) {
  const auto limit_of = [](float bound) { return kMetric == Metric::kL2 ? squared_limit(bound) : bound; };
  const auto quick_distance = [](float value) {
    return kMetric == Metric::kCosine ? 1.0F - value : kMetric == Metric::kDot ? -value : value;
  };
  float limit = limit_of(result.bound());
  for (std::size_t i = 0; i < block.count; ++i) {
    if (quick_distance(values[i]) > limit) [[likely]]
      continue;
    const std::size_t slot = block.slot(i);
    if (!is_allowed(scan.allowed, slot)) continue;
    result.offer(distance_from_kernel(kMetric, values[i]), scan.first_row + slot);
    limit = limit_of(result.bound());
  }
}

void offer_all(const FlatScan& scan, const Block& block, const float* values, TopK& result) {
  switch (scan.metric) {
    case Metric::kCosine:
      return offer_all<Metric::kCosine>(scan, block, values, result);
    case Metric::kDot:
      return offer_all<Metric::kDot>(scan, block, values, result);
    case Metric::kL2:
      return offer_all<Metric::kL2>(scan, block, values, result);
  }
}

std::size_t block_limit(const VectorView& view, std::size_t queries) {
  if (queries == 1) return kBlockSlots;
  const std::size_t row_bytes = std::max<std::size_t>(view.stride, 1) * sizeof(float);
  return std::clamp<std::size_t>(kSharedBlockBytes / row_bytes / 64 * 64, 64, kBlockSlots);
}

}  // namespace

float distance_from_kernel(Metric metric, float kernel_value) {
  if (std::isnan(kernel_value)) return std::numeric_limits<float>::infinity();
  switch (metric) {
    case Metric::kCosine:
      return 1.0F - kernel_value;
    case Metric::kDot:
      return 0.0F - kernel_value;
    case Metric::kL2:
      return std::sqrt(kernel_value);
  }
  return std::numeric_limits<float>::infinity();
}

float score_from_distance(Metric metric, float distance) {
  switch (metric) {
    case Metric::kCosine:
      return 1.0F - distance;
    case Metric::kDot:
      return 0.0F - distance;
    case Metric::kL2:
      return 1.0F / (1.0F + distance);
  }
  return 0.0F;
}

Status flat_scan(const RequestContext& context, const FlatScan& scan, std::span<const float* const> queries,
                 std::span<TopK> results) {
  CHECK(queries.size() == results.size());
  CHECK(scan.view.count <= std::uint64_t{1} << 32);
  CHECK(scan.allowed.empty() || scan.allowed.size() * 64 >= scan.view.count);
  TRY(context.check_deadline("scanning vectors"));
  if (queries.empty()) return {};

  const DistanceKernels& kernels = distance_kernels();
  BlockReader reader(scan, block_limit(scan.view, queries.size()));
  Block block;
  std::array<float, kBlockSlots> values;
  std::size_t comparisons = 0;
  for (reader.next(block); block.count != 0; reader.next(block)) {
    if (comparisons >= kComparisonsPerDeadlineCheck) {
      TRY(context.check_deadline("scanning vectors"));
      comparisons = 0;
    }
    for (std::size_t q = 0; q < queries.size(); ++q) {
      compute(kernels, scan, block, queries[q], values.data());
      offer_all(scan, block, values.data(), results[q]);
    }
    comparisons += block.count * queries.size();
  }
  return {};
}

}  // namespace sextant
