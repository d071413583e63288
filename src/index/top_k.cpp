#include "index/top_k.h"

#include <algorithm>
#include <utility>

namespace sextant {

namespace {
constexpr std::size_t kReservedAtMost =
    1024;  // k is the caller's wish; most of a huge one may never be found
}

TopK::TopK(std::size_t k) : k_(k) {
  heap_.reserve(std::min(k, kReservedAtMost));
  if (k_ == 0) bound_ = -std::numeric_limits<float>::infinity();
}

void TopK::offer(float distance, std::uint64_t row) {
  const Neighbor neighbor{distance, row};
  if (heap_.size() < k_) {
    heap_.push_back(neighbor);
    std::push_heap(heap_.begin(), heap_.end());
    if (heap_.size() == k_) bound_ = heap_.front().distance;
  } else if (k_ != 0 && neighbor < heap_.front()) {
    replace_farthest(neighbor);
    bound_ = heap_.front().distance;
  }
}

void TopK::merge(const TopK& other) {
  for (const Neighbor& neighbor : other.heap_) offer(neighbor.distance, neighbor.row);
}

std::vector<Neighbor> TopK::take_sorted() {
  std::sort_heap(heap_.begin(), heap_.end());
  if (k_ != 0) bound_ = std::numeric_limits<float>::infinity();
  return std::exchange(heap_, {});
}

void TopK::replace_farthest(Neighbor neighbor) {
  // One walk down from the root: half the work of pop_heap and push_heap.
  std::size_t hole = 0;
  for (;;) {
    std::size_t child = 2 * hole + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child] < heap_[child + 1]) ++child;
    if (!(neighbor < heap_[child])) break;
    heap_[hole] = heap_[child];
    hole = child;
  }
  heap_[hole] = neighbor;
}

}  // namespace sextant
