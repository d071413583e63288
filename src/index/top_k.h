// The k nearest of a stream of (distance, row), ties to the lower row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace sextant {

struct Neighbor {
  float
      distance;  // the metric's own: 1 - cosine, negative dot product, Euclidean; may be infinite, never NaN
  std::uint64_t row;
  friend bool operator==(const Neighbor&, const Neighbor&) = default;
  friend bool operator<(const Neighbor& a, const Neighbor& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
  }
};

/// A bounded max-heap. What it holds does not depend on the order of the offers. Not thread-safe; merge()
/// joins the results of several threads or segments.
class TopK {
 public:
  explicit TopK(std::size_t k);
  /// A candidate with a distance above this cannot enter; infinity while fewer than k are held. Cheap: for
  /// the loop.
  float bound() const { return bound_; }
  /// `distance` must not be NaN.
  void offer(float distance, std::uint64_t row);
  void merge(const TopK& other);
  std::size_t size() const { return heap_.size(); }
  /// The neighbours, nearest first. Leaves this empty, ready for another stream.
  std::vector<Neighbor> take_sorted();

 private:
  void replace_farthest(Neighbor neighbor);

  std::size_t k_;
  float bound_ = std::numeric_limits<float>::infinity();
  std::vector<Neighbor> heap_;  // the farthest first
};

}  // namespace sextant
