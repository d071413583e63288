#include "engine/vector_store.h"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"

namespace sextant {

namespace {

constexpr std::size_t kFirstBlock = 16;
constexpr std::size_t kFullBlock = 4096;
constexpr std::size_t kDoublings = 8;                                       // 16 * 2^8 = 4096
constexpr std::size_t kSmallRows = kFirstBlock * ((1U << kDoublings) - 1);  // in blocks below full size
constexpr std::size_t kFloatsPerLine = 16;                                  // 64 bytes

std::size_t block_of(std::size_t slot) {
  if (slot >= kSmallRows) return kDoublings + (slot - kSmallRows) / kFullBlock;
  return std::bit_width(slot / kFirstBlock + 1) - 1;
}

std::size_t capacity_of(std::size_t block) { return block >= kDoublings ? kFullBlock : kFirstBlock << block; }

}  // namespace

void VectorBlock::FreeAligned::operator()(float* values) const { std::free(values); }

VectorBlock::VectorBlock(std::size_t stride, std::size_t capacity) : stride_(stride), metadata_(capacity) {
  const std::size_t bytes = stride * capacity * sizeof(float);
  values_.reset(static_cast<float*>(std::aligned_alloc(64, bytes)));
  if (!values_) throw std::bad_alloc();
}

std::size_t VectorStoreView::first_slot(std::size_t b) {
  return b >= kDoublings ? kSmallRows + (b - kDoublings) * kFullBlock
                         : kFirstBlock * ((std::size_t{1} << b) - 1);
}

const float* VectorStoreView::vector(std::size_t slot) const {
  const std::size_t b = block_of(slot);
  return (*blocks_)[b]->row(slot - first_slot(b));
}

const RowMetadata& VectorStoreView::metadata(std::size_t slot) const {
  const std::size_t b = block_of(slot);
  return (*blocks_)[b]->metadata(slot - first_slot(b));
}

std::size_t VectorStoreView::block_count() const { return size_ == 0 ? 0 : block_of(size_ - 1) + 1; }

VectorView VectorStoreView::block(std::size_t b) const {
  const std::size_t first = first_slot(b);
  const std::size_t count = std::min(capacity_of(b), size_ - first);
  return {(*blocks_)[b]->row(0), stride_, count, dimension_};
}

std::size_t VectorStoreView::vector_bytes() const {
  std::size_t rows = 0;
  if (blocks_) {
    for (const auto& block : *blocks_) rows += block->capacity();
  }
  return rows * stride_ * sizeof(float);
}

VectorStore::VectorStore(std::size_t dimension) {
  CHECK(dimension > 0);
  view_.dimension_ = dimension;
  view_.stride_ = (dimension + kFloatsPerLine - 1) / kFloatsPerLine * kFloatsPerLine;
  view_.blocks_ = std::make_shared<const VectorStoreView::Directory>();
}

void VectorStore::append(std::span<const float> values, RowMetadata metadata) {
  CHECK(values.size() == view_.dimension_);
  const std::size_t slot = view_.size_;
  const std::size_t b = block_of(slot);
  if (b == view_.blocks_->size()) {
    // Readers keep the directory they hold; a new one shares the blocks.
    auto grown = std::make_shared<VectorStoreView::Directory>(*view_.blocks_);
    grown->push_back(std::make_shared<VectorBlock>(view_.stride_, capacity_of(b)));
    view_.blocks_ = std::move(grown);
  }
  VectorBlock& block = *(*view_.blocks_)[b];
  const std::size_t i = slot - VectorStoreView::first_slot(b);
  float* row = block.values_.get() + i * view_.stride_;
  std::memcpy(row, values.data(), values.size_bytes());
  std::fill(row + values.size(), row + view_.stride_, 0.0F);
  block.metadata_[i] = std::move(metadata);
  ++view_.size_;
}

}  // namespace sextant
