#include "engine/search.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/contract.h"
#include "index/flat/flat_scan.h"
#include "kernels/distance.h"

namespace sextant {

namespace {

// Rows of `own.added` are numbered from here in the top-k: behind every row of the snapshot.
constexpr RowId kOwnRows = RowId{1} << 62U;

struct Scanned {
  std::vector<Neighbor> neighbors;
  SearchExplain explain;
};

std::int64_t elapsed_ns(const RequestContext& context, std::int64_t& since) {
  const std::int64_t now = context.clock->monotonic_ns();
  const std::int64_t elapsed = now - since;
  since = now;
  return elapsed;
}

// Copies `count` bits starting at bit `first`, which need not be a multiple of 64.
void copy_bits(const std::vector<std::uint64_t>& bits, std::size_t first, std::size_t count,
               std::vector<std::uint64_t>& out) {
  out.resize((count + 63) / 64);
  const unsigned shift = first % 64;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t w = first / 64 + i;
    out[i] = bits[w] >> shift;
    if (shift != 0 && w + 1 < bits.size()) out[i] |= bits[w + 1] << (64 - shift);
  }
  if (count % 64 != 0) out.back() &= (1ULL << (count % 64)) - 1;
}

void hide(RowMatches& matches, const std::vector<RowId>& rows) {
  for (const RowId row : rows) {
    std::uint64_t& word = matches.bits[row / 64];
    const std::uint64_t bit = 1ULL << (row % 64);
    matches.count -= (word & bit) != 0 ? 1 : 0;
    word &= ~bit;
  }
}

// Scans the partition for all queries that share a filter. `matches` has a bit a row.
Status scan_rows(const RequestContext& context, Metric metric, const PartitionState& partition,
                 const RowMatches& matches, std::span<const float* const> vectors, std::span<TopK> results) {
  const bool all = matches.count == partition.rows.size();
  std::vector<std::uint64_t> allowed;
  for (std::size_t b = 0; b < partition.rows.block_count(); ++b) {
    FlatScan scan;
    scan.metric = metric;
    scan.view = partition.rows.block(b);
    scan.first_row = VectorStoreView::first_slot(b);
    if (!all) {
      copy_bits(matches.bits, scan.first_row, scan.view.count, allowed);
      if (std::ranges::all_of(allowed, [](std::uint64_t word) { return word == 0; })) continue;
      scan.allowed = allowed;
    }
    TRY(flat_scan(context, scan, vectors, results));
  }
  return {};
}

Status scan_own(const RequestContext& context, Metric metric, const PrivateRows& own,
                const SearchQuery& query, const float* vector, std::size_t dimension, TopK& result) {
  for (std::size_t i = 0; i < own.added.size(); ++i) {
    const Chunk& chunk = own.added[i];
    const FilterRow row{&chunk.metadata, &own.documents[i], chunk.text};
    if (!query.where.matches(row) || !query.where_document.matches(row)) continue;
    FlatScan scan;
    scan.metric = metric;
    scan.view = {chunk.vector.data(), dimension, 1, dimension};
    scan.first_row = kOwnRows + i;
    TRY(flat_scan(context, scan, {&vector, 1}, {&result, 1}));
  }
  return {};
}

Result<std::vector<Hit>> collect_hits(const LibraryView& library, const SearchQuery& query,
                                      const PrivateRows* own, const std::vector<Neighbor>& neighbors) {
  const Metric metric = library.state->definition->spec.field.metric;
  std::vector<RowId> rows;
  std::vector<Neighbor> kept;
  for (const Neighbor& neighbor : neighbors) {
    const float score = score_from_distance(metric, neighbor.distance);
    // As float, the precision in which scores are answered. The nearest come first.
    if (query.min_score && score < static_cast<float>(*query.min_score)) break;
    kept.push_back(neighbor);
    if (neighbor.row < kOwnRows) rows.push_back(neighbor.row);
  }
  TRY_ASSIGN(auto chunks, read_chunks(library, rows, query.include));
  std::vector<Hit> hits;
  hits.reserve(kept.size());
  std::size_t next = 0;
  for (const Neighbor& neighbor : kept) {
    Hit hit;
    hit.distance = neighbor.distance;
    hit.score = score_from_distance(metric, neighbor.distance);
    if (neighbor.row >= kOwnRows) {
      hit.chunk = own->added[neighbor.row - kOwnRows];
    } else {
      hit.chunk = std::move(chunks[next++]);
    }
    if (hit.chunk.id == query.exclude_chunk) continue;
    if (query.include.document && neighbor.row < kOwnRows) {
      TRY_ASSIGN(hit.document, find_document(library, hit.chunk.document_id));
    }
    hits.push_back(std::move(hit));
  }
  if (!query.exclude_chunk.empty() && hits.size() > query.k) hits.resize(query.k);
  return hits;
}

}  // namespace

Result<std::vector<SearchResult>> search(const RequestContext& context, const LibraryView& library,
                                         std::span<const SearchQuery> queries, const PrivateRows* own) {
  const VectorField& field = library.state->definition->spec.field;
  const PartitionState* partition = library.partition();
  static const PartitionState kEmpty;
  if (partition == nullptr) partition = &kEmpty;

  std::vector<SearchResult> results(queries.size());
  std::vector<std::vector<float>> vectors(queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    auto prepared = prepare_vector(field, queries[i].vector, queries[i].model);
    if (!prepared) {
      Error error = std::move(prepared).error();
      error.field = queries.size() == 1 ? "vector" : fmt::format("queries[{}].vector", i);
      return fail(std::move(error));
    }
    vectors[i] = std::move(prepared->values);
    results[i].sequence = library.snapshot->sequence;
  }

  // Queries without a filter share one pass over the rows; a filter has its own.
  std::vector<std::vector<std::size_t>> groups;
  std::vector<std::size_t> unfiltered;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (queries[i].where.matches_everything() && queries[i].where_document.matches_everything()) {
      unfiltered.push_back(i);
    } else {
      groups.push_back({i});
    }
  }
  if (!unfiltered.empty()) groups.push_back(std::move(unfiltered));

  for (const std::vector<std::size_t>& group : groups) {
    std::int64_t clock = context.clock->monotonic_ns();
    const SearchQuery& first = queries[group.front()];
    RowMatches matches;
    if (partition->rows.size() > 0) {
      TRY_ASSIGN(matches, match_rows(context, library, first.where, first.where_document));
      if (own != nullptr) hide(matches, own->hidden);
    }
    const std::int64_t filter_ns = elapsed_ns(context, clock);
    std::vector<TopK> tops;
    std::vector<const float*> pointers;
    for (const std::size_t i : group) {
      const std::size_t extra = queries[i].exclude_chunk.empty() ? 0 : 1;
      const std::size_t reachable = matches.count + (own == nullptr ? 0 : own->added.size());
      tops.emplace_back(std::min(queries[i].k + extra, reachable));
      pointers.push_back(vectors[i].data());
    }
    if (matches.count > 0) TRY(scan_rows(context, field.metric, *partition, matches, pointers, tops));
    if (own != nullptr) {
      for (std::size_t g = 0; g < group.size(); ++g) {
        TRY(scan_own(context, field.metric, *own, queries[group[g]], pointers[g], vectors[group[g]].size(),
                     tops[g]));
      }
    }
    const std::int64_t scan_ns = elapsed_ns(context, clock);
    for (std::size_t g = 0; g < group.size(); ++g) {
      SearchResult& result = results[group[g]];
      TRY_ASSIGN(result.hits, collect_hits(library, queries[group[g]], own, tops[g].take_sorted()));
      result.explain = {"exact_scan",
                        partition->rows.size(),
                        matches.count,
                        matches.count,
                        filter_ns,
                        scan_ns,
                        elapsed_ns(context, clock),
                        std::string(instruction_set_name(distance_kernels().set))};
    }
  }
  return results;
}

}  // namespace sextant
