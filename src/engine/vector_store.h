// VectorStore: the only owner of a partition's vectors. Rows never move; a view is O(1) and lives as long as
// it is held.
//
// Rows are 64-byte aligned in blocks that start at 16 rows and double up to 4,096, so that ten thousand small
// partitions stay small. One writer appends; readers hold a VectorStoreView of a committed length and never
// see what is being appended behind it. Beside each vector stands what filters read of the row: the chunk's
// and its document's metadata.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/json.h"
#include "engine/types.h"
#include "index/vector_view.h"

namespace sextant {

/// What filters see of a row. Null = empty object. Documents' metadata are shared by their rows.
struct RowMetadata {
  std::shared_ptr<const Json> chunk;
  std::shared_ptr<const Json> document;
};

class VectorBlock {
 public:
  VectorBlock(std::size_t stride, std::size_t capacity);
  std::size_t capacity() const { return metadata_.size(); }
  const float* row(std::size_t i) const { return values_.get() + i * stride_; }
  const RowMetadata& metadata(std::size_t i) const { return metadata_[i]; }

 private:
  friend class VectorStore;
  struct FreeAligned {
    void operator()(float* values) const;
  };
  std::size_t stride_;
  std::unique_ptr<float, FreeAligned> values_;
  std::vector<RowMetadata> metadata_;
};

/// Rows [0, size()) of a store at one moment. Copying is cheap. Slots count from 0 in order of appending.
class VectorStoreView {
 public:
  VectorStoreView() = default;
  std::size_t size() const { return size_; }
  std::size_t dimension() const { return dimension_; }
  std::size_t stride() const { return stride_; }
  /// `dimension()` floats, 64-byte aligned; valid while this view or any later one is held. Requires slot <
  /// size().
  const float* vector(std::size_t slot) const;
  const RowMetadata& metadata(std::size_t slot) const;
  std::size_t block_count() const;
  /// Block b as a view of its committed rows, and its first slot.
  VectorView block(std::size_t b) const;
  static std::size_t first_slot(std::size_t b);
  /// Memory of the blocks' vectors, unused capacity included.
  std::size_t vector_bytes() const;

 private:
  friend class VectorStore;
  using Directory = std::vector<std::shared_ptr<VectorBlock>>;
  std::shared_ptr<const Directory> blocks_;
  std::size_t size_ = 0;
  std::size_t dimension_ = 0;
  std::size_t stride_ = 0;
};

class VectorStore {
 public:
  explicit VectorStore(std::size_t dimension);
  /// Requires values.size() == dimension.
  void append(std::span<const float> values, RowMetadata metadata);
  VectorStoreView view() const { return view_; }

 private:
  VectorStoreView view_;
};

}  // namespace sextant
