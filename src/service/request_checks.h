// Checks of single operations and queries against the limits: ids, texts, metadata, vectors, k, pages.
//
// Fields of errors are relative to what is checked ("document.chunks[2].text", "k"). Stateless; any thread.
#pragma once

#include "engine/types.h"
#include "providers/table_provider.h"
#include "service/limits.h"

namespace sextant {

/// An operation on a document or a chunk. Operations on libraries have verbs of their own and are
/// kInvalidArgument here.
Status check_operation(const Operation& operation, const ServiceLimits& limits);
/// Sums up the texts of a request that are to be embedded: max_embedded_bytes at most, because a model works
/// on them for long. kLimitExceeded at the first text beyond.
class EmbeddedBytes {
 public:
  explicit EmbeddedBytes(const ServiceLimits& limits) : limit_(limits.max_embedded_bytes) {}
  /// The texts without a vector; the field is below the operation.
  Status add(const Operation& operation);
  Status add(std::string_view text, std::string_view field);

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
};

Status check_query(const TableQuery& query, const ServiceLimits& limits);
/// k, the vector's size.
Status check_search(const SearchQuery& query, const ServiceLimits& limits);
/// "limit" within 1 and max_page.
Status check_page(std::size_t limit, const ServiceLimits& limits);
Status check_ids(std::span<const std::string> ids, std::size_t limit, const ServiceLimits& limits);
/// A merge patch of metadata: an object within the limit.
Status check_metadata(const Json& metadata, std::string_view field, const ServiceLimits& limits);

}  // namespace sextant
