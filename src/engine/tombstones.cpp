#include "engine/tombstones.h"

#include <map>

namespace sextant {

Tombstones Tombstones::with(std::span<const RowId> rows) const {
  if (rows.empty()) return *this;
  Tombstones result = *this;
  auto pages = pages_ ? std::make_shared<Pages>(*pages_) : std::make_shared<Pages>();
  std::map<std::size_t, std::shared_ptr<Page>> copies;
  for (const RowId row : rows) {
    const std::size_t p = row / kRowsPerPage;
    auto [it, inserted] = copies.try_emplace(p);
    if (inserted) {
      if (p >= pages->size()) pages->resize(p + 1);
      it->second = (*pages)[p] ? std::make_shared<Page>(*(*pages)[p]) : std::make_shared<Page>();
      (*pages)[p] = it->second;
    }
    std::uint64_t& word = (*it->second)[row % kRowsPerPage / 64];
    const std::uint64_t bit = 1ULL << (row % 64);
    result.count_ += (word & bit) == 0 ? 1 : 0;
    word |= bit;
  }
  result.pages_ = std::move(pages);
  return result;
}

bool Tombstones::contains(RowId row) const {
  const std::size_t p = row / kRowsPerPage;
  if (!pages_ || p >= pages_->size() || !(*pages_)[p]) return false;
  return ((*(*pages_)[p])[row % kRowsPerPage / 64] >> (row % 64) & 1) != 0;
}

std::uint64_t Tombstones::dead_word(RowId first) const {
  const auto word = [&](std::uint64_t w) -> std::uint64_t {
    constexpr std::size_t kWords = kRowsPerPage / 64;
    const std::size_t p = w / kWords;
    if (!pages_ || p >= pages_->size() || !(*pages_)[p]) return 0;
    return (*(*pages_)[p])[w % kWords];
  };
  const unsigned shift = first % 64;
  const std::uint64_t low = word(first / 64) >> shift;
  return shift == 0 ? low : low | word(first / 64 + 1) << (64 - shift);
}

void Tombstones::live_bits(RowId first, std::size_t count, std::uint64_t* out) const {
  for (std::size_t i = 0; i < count; i += 64) {
    std::uint64_t live = ~dead_word(first + i);
    if (count - i < 64) live &= (1ULL << (count - i)) - 1;
    out[i / 64] = live;
  }
}

}  // namespace sextant
