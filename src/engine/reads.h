// Reading documents and chunks from a snapshot: by id, by page, counted.
//
// All reads of one call see one snapshot. Long ones check the context's deadline. Any thread.
#pragma once

#include <optional>
#include <span>

#include "base/request_context.h"
#include "engine/keys.h"
#include "engine/state.h"

namespace sextant {

/// A library found in a snapshot, with what addresses its rows.
struct LibraryView {
  Snapshot snapshot;
  const LibraryState* state = nullptr;
  keys::Place place{};
  const PartitionState* partition() const { return state->partition(place.partition); }
};

/// kLibraryNotFound when the snapshot has no library of this full name.
Result<LibraryView> find_library(Snapshot snapshot, std::string_view full_name);
LibraryInfo describe_library(const LibraryState& library);

Result<std::optional<Document>> find_document(const LibraryView& library, std::string_view id);
Result<std::optional<keys::ChunkPlace>> find_chunk(const LibraryView& library, std::string_view chunk_id);

/// Chunks of rows, in their order, with what is included. A row without payload is kDamaged.
Result<std::vector<Chunk>> read_chunks(const LibraryView& library, std::span<const RowId> rows,
                                       const Include& include);

/// In id order behind page.after_id; only page.where is looked at.
Result<DocumentPage> list_documents(const RequestContext& context, const LibraryView& library,
                                    const PageRequest& page);
Result<ChunkPage> list_chunks(const RequestContext& context, const LibraryView& library,
                              const PageRequest& page, const Include& include);
Result<std::uint64_t> count_documents(const RequestContext& context, const LibraryView& library,
                                      const Filter& where);

/// Which live rows of the partition match both filters: bit r says that row r does. `count` is how many.
struct RowMatches {
  std::vector<std::uint64_t> bits;
  std::uint64_t count = 0;
};
Result<RowMatches> match_rows(const RequestContext& context, const LibraryView& library, const Filter& where,
                              const Filter& where_document);

}  // namespace sextant
