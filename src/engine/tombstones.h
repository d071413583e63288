// Tombstones: which rows of a partition are dead. An immutable array of immutable pages, shared between
// snapshots.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/types.h"

namespace sextant {

class Tombstones {
 public:
  static constexpr std::size_t kRowsPerPage = 65'536;

  /// These and `rows` besides; only the pages of `rows` are copied. A row already dead is counted once.
  Tombstones with(std::span<const RowId> rows) const;
  bool contains(RowId row) const;
  std::uint64_t count() const { return count_; }
  /// Writes ceil(count / 64) words: bit i says that row first + i is alive. Bits beyond `count` are 0.
  void live_bits(RowId first, std::size_t count, std::uint64_t* out) const;

 private:
  using Page = std::array<std::uint64_t, kRowsPerPage / 64>;
  using Pages = std::vector<std::shared_ptr<const Page>>;  // null: no dead row in it
  std::uint64_t dead_word(RowId first) const;              // of rows first..first+63

  std::shared_ptr<const Pages> pages_;
  std::uint64_t count_ = 0;
};

}  // namespace sextant
