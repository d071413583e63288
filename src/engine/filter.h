// Filter: the `where` (metadata) and `where_document` (text) language, parsed once, evaluated over rows.
//
// Mongo-style, a superset of Chroma's and Pinecone's: {"year": 2024}, $eq $ne $gt $gte $lt $lte $in $nin $exists $contains
// $not_contains $regex $not_regex, $and $or $not, implicit AND over keys, dotted paths. $ne, $nin and $not_contains (and $not_regex) also
// match rows without the key. Comparisons between unlike types are false, never errors. Array metadata: $contains asks for an
// element; $eq against an array compares whole; a scalar $eq/$in/range does not look inside arrays. A literal key with a dot wins over the
// path. A chunk's own metadata wins over its document's, key by key at the top level. Immutable after parsing; any thread.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sextant {

struct FilterLimits {
  std::size_t max_depth = 16;
  std::size_t max_conditions = 1024;     // operators and values of $in together
  std::size_t max_regex_bytes = 1000;
};

/// What one row shows to a filter. Null pointers stand for empty objects.
struct FilterRow {
  const Json* chunk_metadata = nullptr;
  const Json* document_metadata = nullptr;
  std::string_view text;  // only needed where needs_text()
};

class Filter {
 public:
  class Node;
  Filter();  // matches everything
  explicit Filter(std::shared_ptr<const Node> root);
  bool matches(const FilterRow& row) const;
  bool matches_everything() const { return root_ == nullptr; }
  /// Whether matches() reads FilterRow::text.
  bool needs_text() const;
  /// Both must match.
  static Filter all_of(Filter a, Filter b);

 private:
  std::shared_ptr<const Node> root_;
};

/// Parses `where`. An error is kInvalidArgument (kLimitExceeded for limits); its field is the path at fault below `field`,
/// e.g. "where.$and[1].year.$gtt", and the message says what is allowed there.
Result<Filter> parse_where(const Json& where, std::string_view field = "where", FilterLimits limits = {});
/// Parses `where_document`: $contains $not_contains $regex $not_regex $and $or $not on the chunk's text.
Result<Filter> parse_where_document(const Json& where, std::string_view field = "where_document",
                                    FilterLimits limits = {});

}  // namespace sextant
