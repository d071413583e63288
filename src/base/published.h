// Published<T>: one shared_ptr that a writer replaces and any number of readers copy, without a lock on
// either side.
//
// The word holds a pointer to a node and, in its upper 16 bits, how many readers are between taking the
// pointer and having counted themselves in the node (split reference counts; Williams, "C++ Concurrency in
// Action", 7.2.4). Readers must be fewer than 32,768 at one instant. Pointers must fit 48 bits, as they do on
// x86-64 and AArch64 user space.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/check.h"

namespace sextant {

template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<T> value) : word_(pack(new Node(std::move(value)))) {}
  ~Published() { delete node_of(word_.load(std::memory_order_acquire)); }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  /// The value most recently stored. Any thread, lock-free.
  std::shared_ptr<T> load() const {
    const std::uint64_t entered = word_.fetch_add(kOneReader, std::memory_order_acq_rel) + kOneReader;
    Node* node = node_of(entered);
    std::shared_ptr<T> copy = node->value;
    // Leave through the word while the node is still current, else through the node's own count.
    std::uint64_t expected = word_.load(std::memory_order_relaxed);
    while (node_of(expected) == node && (expected >> kPointerBits) != 0) {
      if (word_.compare_exchange_weak(expected, expected - kOneReader, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        return copy;
      }
    }
    if (node->owed.fetch_sub(1, std::memory_order_acq_rel) == 1) delete node;
    return copy;
  }

  /// Replaces the value; the old one goes with its last holder. One thread at a time.
  void store(std::shared_ptr<T> value) {
    const std::uint64_t old = word_.exchange(pack(new Node(std::move(value))), std::memory_order_acq_rel);
    Node* node = node_of(old);
    const auto readers = static_cast<std::int64_t>(old >> kPointerBits);
    // Readers that were inside have subtracted themselves or will: at zero the node has no user left.
    if (node->owed.fetch_add(readers, std::memory_order_acq_rel) + readers == 0) delete node;
  }

 private:
  struct Node {
    explicit Node(std::shared_ptr<T> v) : value(std::move(v)) {}
    std::shared_ptr<T> value;
    std::atomic<std::int64_t> owed{0};
  };
  static constexpr unsigned kPointerBits = 48;
  static constexpr std::uint64_t kOneReader = 1ULL << kPointerBits;
  static std::uint64_t pack(Node* node) {
    const auto bits = reinterpret_cast<std::uint64_t>(node);
    CHECK(bits >> kPointerBits == 0);
    return bits;
  }
  static Node* node_of(std::uint64_t word) { return reinterpret_cast<Node*>(word & (kOneReader - 1)); }

  mutable std::atomic<std::uint64_t> word_;
};

}  // namespace sextant
