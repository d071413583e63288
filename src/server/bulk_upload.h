// Bulk upload: documents as lines of JSON (application/x-ndjson), committed in batches while they arrive.
//
// Memory is bounded by one line and one batch. Where a batch ends depends on the lines alone, not on how they
// arrive, so that a repeat with the same idempotency key meets the same batches. The first document that
// fails ends the upload.
#pragma once

#include <memory>

#include "server/route.h"

namespace sextant {

inline constexpr std::size_t kMaxLineBytes =
    16U << 20U;  // as much as a transaction may have; beyond: kPayloadTooLarge
inline constexpr std::size_t kBatchBytes = 8U << 20U;  // of lines
inline constexpr std::size_t kBatchDocuments = 1'000;
/// What an upload may hold at once: a line, a batch, and the batch as it is written.
inline constexpr std::size_t kUploadBytes = kMaxLineBytes + 2 * kBatchBytes;

/// The consumer of the lines of POST /documents.
Result<std::unique_ptr<LineConsumer>> begin_bulk_upload(Call call);

/// {committed, failed?: {line, error}, commit}
Json bulk_summary_schema(SchemaBook& book);

}  // namespace sextant
