#include "engine/reads.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/record_codec.h"

namespace sextant {

namespace {

constexpr std::size_t kRowsBetweenDeadlineChecks = 4096;

// Where a page begins: behind `after`, or at the prefix's first key.
std::string page_start(const std::string& prefix, const std::string& after) {
  if (after.empty()) return prefix;
  std::string start = prefix + after;
  start.push_back('\0');
  return start;
}

// Tells every few thousand calls whether the deadline has passed.
class DeadlineTicker {
 public:
  DeadlineTicker(const RequestContext& context, const char* doing) : context_(context), doing_(doing) {}
  Status tick() {
    if (++ticks_ % kRowsBetweenDeadlineChecks != 0) return {};
    return context_.check_deadline(doing_);
  }

 private:
  const RequestContext& context_;
  const char* doing_;
  std::size_t ticks_ = 0;
};

Status match_texts(DeadlineTicker& ticker, const LibraryView& library, const Filter& filter,
                   RowMatches& matches) {
  const std::string prefix = keys::rows(library.place);
  auto cursor = library.snapshot->records->scan(Family::kPayload, prefix, prefix_end(prefix));
  const VectorStoreView& rows = library.partition()->rows;
  for (; cursor->valid(); cursor->next()) {
    TRY(ticker.tick());
    const RowId row = load_be64(cursor->key(), prefix.size());
    if (row >= rows.size())
      return fail(ErrorCode::kDamaged, fmt::format("the payload of row {} has no vector", row));
    std::uint64_t& word = matches.bits[row / 64];
    const std::uint64_t bit = 1ULL << (row % 64);
    if ((word & bit) == 0) continue;
    TRY_ASSIGN(const record::StoredChunk chunk, parse_stored_chunk(cursor->value()));
    const RowMetadata& metadata = rows.metadata(row);
    if (!filter.matches({metadata.chunk.get(), metadata.document.get(), chunk.text()})) {
      word &= ~bit;
      --matches.count;
    }
  }
  return cursor->status();
}

Status match_metadata(DeadlineTicker& ticker, const PartitionState& partition, const Filter& filter,
                      RowMatches& matches) {
  for (std::size_t w = 0; w < matches.bits.size(); ++w) {
    for (std::uint64_t left = matches.bits[w]; left != 0; left &= left - 1) {
      TRY(ticker.tick());
      const RowId row = w * 64 + static_cast<unsigned>(std::countr_zero(left));
      const RowMetadata& metadata = partition.rows.metadata(row);
      if (!filter.matches({metadata.chunk.get(), metadata.document.get(), {}})) {
        matches.bits[w] &= ~(left & -left);
        --matches.count;
      }
    }
  }
  return {};
}

}  // namespace

Result<LibraryView> find_library(Snapshot snapshot, std::string_view full_name) {
  const LibraryState* state = snapshot->library(full_name);
  if (state == nullptr) {
    return fail(ErrorCode::kLibraryNotFound, fmt::format("there is no library '{}'", full_name));
  }
  const LibraryId id = state->definition->id;
  return LibraryView{std::move(snapshot), state, {id, kSharedPartition}};
}

LibraryInfo describe_library(const LibraryState& library) {
  LibraryInfo info;
  info.definition = *library.definition;
  library.partitions.for_each([&](PartitionId, const std::shared_ptr<const PartitionState>& partition) {
    info.documents += partition->documents;
    info.chunks += partition->live_rows();
    info.dead_chunks += partition->dead.count();
    info.vector_bytes += partition->rows.vector_bytes();
  });
  return info;
}

Result<std::optional<Document>> find_document(const LibraryView& library, std::string_view id) {
  TRY_ASSIGN(const auto value,
             library.snapshot->records->get(Family::kPayload, keys::document(library.place, id)));
  if (!value) return std::optional<Document>();
  TRY_ASSIGN(Document document, decode_document(id, *value));
  return std::optional<Document>(std::move(document));
}

Result<std::optional<keys::ChunkPlace>> find_chunk(const LibraryView& library, std::string_view chunk_id) {
  TRY_ASSIGN(const auto value,
             library.snapshot->records->get(Family::kIds, keys::chunk_id(library.place, chunk_id)));
  if (!value) return std::optional<keys::ChunkPlace>();
  TRY_ASSIGN(keys::ChunkPlace place, keys::decode_chunk_place(*value));
  return std::optional<keys::ChunkPlace>(std::move(place));
}

Result<std::vector<Chunk>> read_chunks(const LibraryView& library, std::span<const RowId> rows,
                                       const Include& include) {
  std::vector<std::string> wanted;
  wanted.reserve(rows.size());
  for (const RowId row : rows) wanted.push_back(keys::row(library.place, row));
  TRY_ASSIGN(const auto values, library.snapshot->records->multi_get(Family::kPayload, wanted));
  std::vector<Chunk> chunks;
  chunks.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!values[i]) return fail(ErrorCode::kDamaged, fmt::format("row {} has no payload", rows[i]));
    TRY_ASSIGN(Chunk chunk, decode_chunk(rows[i], *values[i]));
    if (!include.text) chunk.text.clear();
    if (!include.metadata) chunk.metadata = Json::object();
    if (include.vector) {
      const VectorStoreView& store = library.partition()->rows;
      if (rows[i] >= store.size())
        return fail(ErrorCode::kDamaged, fmt::format("row {} has no vector", rows[i]));
      const float* values_of_row = store.vector(rows[i]);
      chunk.vector.assign(values_of_row, values_of_row + store.dimension());
    }
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

Result<DocumentPage> list_documents(const RequestContext& context, const LibraryView& library,
                                    const PageRequest& page) {
  DeadlineTicker ticker(context, "listing documents");
  const std::string prefix = keys::documents(library.place);
  auto cursor = library.snapshot->records->scan(Family::kPayload, page_start(prefix, page.after_id),
                                                prefix_end(prefix));
  DocumentPage result;
  for (; cursor->valid(); cursor->next()) {
    TRY(ticker.tick());
    TRY_ASSIGN(Document document, decode_document(cursor->key().substr(prefix.size()), cursor->value()));
    if (!page.where.matches({nullptr, &document.metadata, {}})) continue;
    if (result.documents.size() == page.limit) {
      result.more = true;
      return result;
    }
    result.documents.push_back(std::move(document));
  }
  TRY(cursor->status());
  return result;
}

Result<std::uint64_t> count_documents(const RequestContext& context, const LibraryView& library,
                                      const Filter& where) {
  if (where.matches_everything()) {
    const PartitionState* partition = library.partition();
    return partition == nullptr ? 0 : partition->documents;
  }
  DeadlineTicker ticker(context, "counting documents");
  const std::string prefix = keys::documents(library.place);
  auto cursor = library.snapshot->records->scan(Family::kPayload, prefix, prefix_end(prefix));
  std::uint64_t count = 0;
  for (; cursor->valid(); cursor->next()) {
    TRY(ticker.tick());
    TRY_ASSIGN(const record::StoredDocument stored, parse_stored_document(cursor->value()));
    TRY_ASSIGN(const Json metadata, decode_object(stored.metadata()));
    count += where.matches({nullptr, &metadata, {}}) ? 1 : 0;
  }
  TRY(cursor->status());
  return count;
}

Result<ChunkPage> list_chunks(const RequestContext& context, const LibraryView& library,
                              const PageRequest& page, const Include& include) {
  DeadlineTicker ticker(context, "listing chunks");
  const std::string prefix = keys::chunk_ids(library.place);
  auto cursor =
      library.snapshot->records->scan(Family::kIds, page_start(prefix, page.after_id), prefix_end(prefix));
  const bool reads_text = page.where.needs_text() || page.where_document.needs_text();
  ChunkPage result;
  std::vector<RowId> rows;
  for (; cursor->valid(); cursor->next()) {
    TRY(ticker.tick());
    TRY_ASSIGN(const keys::ChunkPlace place, keys::decode_chunk_place(cursor->value()));
    const PartitionState& partition = *library.partition();
    if (place.row >= partition.rows.size()) {
      return fail(ErrorCode::kDamaged, fmt::format("row {} has no vector", place.row));
    }
    std::string text;
    if (reads_text) {
      const RowId row = place.row;
      TRY_ASSIGN(auto chunks, read_chunks(library, {&row, 1}, Include{}));
      text = std::move(chunks[0].text);
    }
    const RowMetadata& metadata = partition.rows.metadata(place.row);
    const FilterRow seen{metadata.chunk.get(), metadata.document.get(), text};
    if (!page.where.matches(seen) || !page.where_document.matches(seen)) continue;
    if (rows.size() == page.limit) {
      result.more = true;
      break;
    }
    rows.push_back(place.row);
  }
  TRY(cursor->status());
  TRY_ASSIGN(result.chunks, read_chunks(library, rows, include));
  return result;
}

Result<RowMatches> match_rows(const RequestContext& context, const LibraryView& library, const Filter& where,
                              const Filter& where_document) {
  DeadlineTicker ticker(context, "filtering");
  RowMatches matches;
  const PartitionState* partition = library.partition();
  if (partition == nullptr) return matches;
  matches.bits.resize((partition->rows.size() + 63) / 64);
  partition->dead.live_bits(0, partition->rows.size(), matches.bits.data());
  matches.count = partition->live_rows();
  const Filter both = Filter::all_of(where, where_document);
  if (both.matches_everything()) return matches;
  // The cheap half first: metadata are in memory, texts are not.
  if (both.needs_text()) {
    if (!where.matches_everything() && !where.needs_text())
      TRY(match_metadata(ticker, *partition, where, matches));
    TRY(match_texts(ticker, library, both, matches));
  } else {
    TRY(match_metadata(ticker, *partition, both, matches));
  }
  return matches;
}

}  // namespace sextant
