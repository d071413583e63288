// Limits on what a request may ask, all configurable; beyond them 413, 422 or 429, never a crawl or a crash.
#pragma once

#include <algorithm>
#include <cstddef>

#include "engine/filter.h"

namespace sextant {

struct ServiceLimits {
  std::size_t max_request_bytes = 64ULL << 20U;
  std::size_t max_id_bytes = 512;
  std::size_t max_text_bytes = 1ULL << 20U;       // of one chunk
  std::size_t max_embedded_bytes = 8ULL << 20U;   // of the texts of one request that are to be embedded
  std::size_t max_metadata_bytes = 64ULL << 10U;  // of one document or chunk, as JSON text
  std::size_t max_documents_per_request = 10'000;
  std::size_t max_chunks_per_document = 10'000;
  std::size_t max_dimension = 8192;
  std::size_t max_k = 10'000;
  std::size_t max_queries_per_request = 1'000;
  std::size_t max_page = 10'000;
  std::size_t max_selected_chunks = 10'000;  // of one chunks:delete or chunks:patch
  std::size_t max_in_flight = 1'024;  // requests being worked on or queued; beyond: 429 with Retry-After
  FilterLimits filter;

  /// What is answered where the request does not say how much.
  std::size_t default_k() const { return std::min<std::size_t>(10, max_k); }
  std::size_t default_page() const { return std::min<std::size_t>(100, max_page); }
};

}  // namespace sextant
