// DatabaseProvider: where libraries live. `native` is our own engine; others adapt foreign stores to the same
// verbs.
//
// Every call takes the RequestContext; a provider keeps no user. Vectors are complete when they come here:
// text was embedded by the TableProvider. A provider that is not thread_safe() is wrapped to run serially by
// whoever makes it. Errors are those of base/error.h; each verb's are the engine's (engine/database.h). Names
// are full library names.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/request_context.h"
#include "engine/types.h"

namespace sextant {

struct ProviderStats {
  Sequence sequence = 0;
  Sequence durable_through = 0;
  std::uint64_t libraries = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t record_bytes = 0;         // files
  std::uint64_t record_memory_bytes = 0;  // resident
  std::uint64_t vector_bytes = 0;         // resident
};

class DatabaseProvider {
 public:
  virtual ~DatabaseProvider() = default;
  virtual std::string_view name() const = 0;
  virtual bool thread_safe() const = 0;
  /// Ok while writes and reads can be served.
  virtual Status health() = 0;
  virtual ProviderStats stats() = 0;

  /// Opaque text for a sequence, for `after`; and back (kInvalidArgument for one that is not ours).
  virtual std::string commit_token(Sequence sequence) const = 0;
  /// Returns when the commits of these tokens are visible. kCommitNotVisible, kDeadlineExceeded.
  virtual Status wait_for(const RequestContext& context, std::span<const std::string> tokens) = 0;

  virtual Result<WriteResult> write(const RequestContext& context, WriteRequest request) = 0;
  /// What an earlier write with this idempotency key was answered; nullopt when there was none. Asked before
  /// anything is embedded; write() settles it for good. kIdempotencyKeyReused.
  virtual Result<std::optional<WriteResult>> remembered(const RequestContext& context,
                                                        const IdempotencyKey& idempotency) = 0;

  virtual Result<LibraryInfo> library(const RequestContext& context, const std::string& name) = 0;
  /// In order of full names, behind `after_name`; one more than `limit` tells that there are more.
  virtual Result<std::vector<LibraryInfo>> libraries(const RequestContext& context,
                                                     const std::string& after_name, std::size_t limit) = 0;

  virtual Result<Document> document(const RequestContext& context, const std::string& library,
                                    const std::string& id, const Include& include) = 0;
  virtual Result<DocumentPage> documents(const RequestContext& context, const std::string& library,
                                         const PageRequest& page) = 0;
  virtual Result<std::uint64_t> count_documents(const RequestContext& context, const std::string& library,
                                                const Filter& where) = 0;
  /// In the order of the ids; one that does not exist is left out.
  virtual Result<std::vector<Chunk>> chunks_by_id(const RequestContext& context, const std::string& library,
                                                  std::span<const std::string> ids,
                                                  const Include& include) = 0;
  virtual Result<ChunkPage> chunks(const RequestContext& context, const std::string& library,
                                   const PageRequest& page, const Include& include) = 0;
  virtual Result<std::uint64_t> count_chunks(const RequestContext& context, const std::string& library,
                                             const Filter& where, const Filter& where_document) = 0;
  /// All queries see one snapshot.
  virtual Result<std::vector<SearchResult>> search(const RequestContext& context, const std::string& library,
                                                   std::span<const SearchQuery> queries) = 0;
  /// Syncs and closes; afterwards every verb is kShuttingDown.
  virtual Status close() = 0;
};

}  // namespace sextant
