// PersistentMap: an immutable map; a changed copy shares all but the path to what changed.
//
// A hash array mapped trie (Bagwell, 2001) of 32-way nodes over a 64-bit hash. A copy costs O(log32 n).
// Values are copied with their leaf: keep them small (shared pointers). Thread rule: a value; share it const.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sextant {

/// `Hash` maps a key to 64 well-mixed bits; keys compare by ==.
template <typename Key, typename Value, typename Hash>
class PersistentMap {
 public:
  const Value* find(const auto& key) const {
    const std::uint64_t hash = Hash{}(key);
    const Node* node = root_.get();
    for (unsigned shift = 0; node != nullptr && !node->is_leaf; shift += kBits) {
      const std::uint32_t bit = bit_of(hash, shift);
      if ((node->bitmap & bit) == 0) return nullptr;
      node = node->children[node->position(bit)].get();
    }
    if (node == nullptr) return nullptr;
    for (const auto& [k, v] : node->items) {
      if (k == key) return &v;
    }
    return nullptr;
  }

  /// This with `key` set to `value`.
  PersistentMap with(Key key, Value value) const {
    PersistentMap copy = *this;
    const std::uint64_t hash = Hash{}(key);
    if (find(key) == nullptr) ++copy.size_;
    copy.root_ = insert(root_.get(), root_, 0, hash, std::move(key), std::move(value));
    return copy;
  }

  /// This without `key`; the same if it has none.
  PersistentMap without(const auto& key) const {
    if (find(key) == nullptr) return *this;
    PersistentMap copy = *this;
    --copy.size_;
    copy.root_ = remove(root_, 0, Hash{}(key), key);
    return copy;
  }

  std::size_t size() const { return size_; }

  /// Calls visit(key, value) for all, in an order that depends on the keys' hashes alone.
  void for_each(auto&& visit) const { walk(root_.get(), visit); }

 private:
  static constexpr unsigned kBits = 5;
  struct Node;
  using NodePointer = std::shared_ptr<const Node>;
  struct Node {
    bool is_leaf = false;
    std::uint64_t hash = 0;                    // leaf
    std::vector<std::pair<Key, Value>> items;  // leaf: keys of one hash
    std::uint32_t bitmap = 0;                  // branch
    std::vector<NodePointer> children;         // branch
    std::size_t position(std::uint32_t bit) const { return std::popcount(bitmap & (bit - 1)); }
  };
  static std::uint32_t bit_of(std::uint64_t hash, unsigned shift) { return 1U << (hash >> shift & 31U); }

  static NodePointer insert(const Node* node, const NodePointer& shared, unsigned shift, std::uint64_t hash,
                            Key key, Value value) {
    if (node == nullptr) {
      auto leaf = std::make_shared<Node>();
      leaf->is_leaf = true;
      leaf->hash = hash;
      leaf->items.emplace_back(std::move(key), std::move(value));
      return leaf;
    }
    if (node->is_leaf) {
      if (node->hash == hash) {
        auto leaf = std::make_shared<Node>(*node);
        for (auto& [k, v] : leaf->items) {
          if (k == key) {
            v = std::move(value);
            return leaf;
          }
        }
        leaf->items.emplace_back(std::move(key), std::move(value));
        return leaf;
      }
      auto branch = std::make_shared<Node>();
      branch->bitmap = bit_of(node->hash, shift);
      branch->children.push_back(shared);
      return insert(branch.get(), branch, shift, hash, std::move(key), std::move(value));
    }
    auto copy = std::make_shared<Node>(*node);
    const std::uint32_t bit = bit_of(hash, shift);
    const std::size_t at = copy->position(bit);
    if ((copy->bitmap & bit) == 0) {
      copy->bitmap |= bit;
      copy->children.insert(copy->children.begin() + static_cast<std::ptrdiff_t>(at),
                            insert(nullptr, nullptr, shift + kBits, hash, std::move(key), std::move(value)));
    } else {
      const NodePointer child = copy->children[at];
      copy->children[at] = insert(child.get(), child, shift + kBits, hash, std::move(key), std::move(value));
    }
    return copy;
  }

  static NodePointer remove(const NodePointer& node, unsigned shift, std::uint64_t hash, const auto& key) {
    auto copy = std::make_shared<Node>(*node);
    if (node->is_leaf) {
      std::erase_if(copy->items, [&](const auto& item) { return item.first == key; });
      return copy->items.empty() ? nullptr : NodePointer(copy);
    }
    const std::uint32_t bit = bit_of(hash, shift);
    const std::size_t at = copy->position(bit);
    NodePointer child = remove(copy->children[at], shift + kBits, hash, key);
    if (child != nullptr) {
      copy->children[at] = std::move(child);
      return copy;
    }
    copy->bitmap &= ~bit;
    copy->children.erase(copy->children.begin() + static_cast<std::ptrdiff_t>(at));
    return copy->children.empty() ? nullptr : NodePointer(copy);
  }

  static void walk(const Node* node, auto&& visit) {
    if (node == nullptr) return;
    for (const auto& [k, v] : node->items) visit(k, v);
    for (const auto& child : node->children) walk(child.get(), visit);
  }

  NodePointer root_;
  std::size_t size_ = 0;
};

}  // namespace sextant
