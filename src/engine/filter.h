// Filter: the `where` (metadata) and `where_document` (text) language, parsed once, evaluated over rows.
//
// A `where` is an object; all of its members must hold, so {} matches everything. A member is one of
//   "key": value           equal to the value, which is no object
//   "key": {"$op": ...}    every operator holds: $eq $ne $gt $gte $lt $lte $in $nin $exists $contains
//                          $not_contains $regex $not_regex, and $not around an object of these
//   "$and" | "$or": [...]  of one or more `where` objects;  "$not": a `where` object
//   "#document": {...}     a `where_document` on the text: $contains $not_contains $regex $not_regex $and
//                          $or $not
//
// Finding the value. A key is looked up as it is written; failing that, its part before the first dot names
// an object in which the rest is looked up the same way. Arrays are not descended. A chunk's own metadata
// hides its document's, key by key at the top level.
//
// Comparing. Integers and doubles compare by exact value, strings by bytes, booleans with booleans only
// (false first); unlike types are unequal and unordered, which is no error. Arrays and objects are equal as a
// whole or not. null equals null and the absence of the key; $exists is about the key, so it holds where the
// value is null. $contains asks an array for an element and a string for a part; $regex asks a string for a
// match anywhere (RE2 syntax, UTF-8, time linear in the string). $ne, $nin, $not_contains and $not_regex hold
// exactly where their opposite does not, so also where the key is absent or the type another.
//
// Thread rule: immutable, any thread; copies share the parsed form.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sextant {

struct FilterLimits {
  std::size_t max_depth = 16;          // objects within objects, the outermost counted
  std::size_t max_conditions = 1024;   // operators, plain values and values of $in and $nin together
  std::size_t max_regex_bytes = 1000;  // of one pattern
  std::size_t max_regexes = 32;        // each may keep up to 4 MiB
};

/// What one row shows to a filter. Null pointers stand for empty objects.
struct FilterRow {
  const Json* chunk_metadata = nullptr;
  const Json* document_metadata = nullptr;
  std::string_view text = {};  // only needed where needs_text()
};

class Filter {
 public:
  class Node;
  Filter();  // matches everything
  explicit Filter(std::shared_ptr<const Node> root);
  bool matches(const FilterRow& row) const;
  /// False says only that rows have to be looked at.
  bool matches_everything() const { return root_ == nullptr; }
  /// Whether matches() reads FilterRow::text.
  bool needs_text() const;
  /// Both must match.
  static Filter all_of(Filter a, Filter b);

 private:
  std::shared_ptr<const Node> root_;
};

/// Parses `where`. An error is kInvalidArgument (kLimitExceeded for limits); its field is the path at fault
/// below `field`, e.g. "where.$and[1].year.$gtt", and the message says what is allowed there.
Result<Filter> parse_where(const Json& where, std::string_view field = "where", FilterLimits limits = {});
/// Parses `where_document`; errors as above.
Result<Filter> parse_where_document(const Json& where, std::string_view field = "where_document",
                                    FilterLimits limits = {});

}  // namespace sextant
