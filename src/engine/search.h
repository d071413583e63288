// Search over a snapshot: filter, exact scan of what matches, payload of the winners.
#pragma once

#include <span>
#include <vector>

#include "base/request_context.h"
#include "engine/reads.h"

namespace sextant {

/// A row the query must not see although the snapshot has it, and chunks it must see although the snapshot
/// has not: what a transaction has written so far.
struct PrivateRows {
  std::vector<RowId> hidden;    // sorted
  std::vector<Chunk> added;     // with vector, text and metadata
  std::vector<Json> documents;  // metadata of added[i]'s document
};

/// One result a query, in order. Errors carry the field "queries[i].vector" only when there are several
/// queries, else "vector": kEmbeddingContractViolation, kInvalidVector, kLimitExceeded; kDeadlineExceeded. A
/// library without any chunk answers nothing.
Result<std::vector<SearchResult>> search(const RequestContext& context, const LibraryView& library,
                                         std::span<const SearchQuery> queries,
                                         const PrivateRows* own = nullptr);

}  // namespace sextant
