// NativeDatabase: Sextant's own engine behind the DatabaseProvider interface.
#pragma once

#include <memory>
#include <string>

#include "base/mutex.h"
#include "engine/database.h"
#include "providers/database.h"

namespace sextant {

class NativeDatabase final : public DatabaseProvider {
 public:
  explicit NativeDatabase(std::unique_ptr<Database> database);
  ~NativeDatabase() override;

  std::string_view name() const override { return "native"; }
  bool thread_safe() const override { return true; }
  Status health() override;
  ProviderStats stats() override;
  std::string commit_token(Sequence sequence) const override;
  Status wait_for(const RequestContext& context, std::span<const std::string> tokens) override;
  Result<WriteResult> write(const RequestContext& context, WriteRequest request) override;
  Result<std::optional<WriteResult>> remembered(const RequestContext& context,
                                                const IdempotencyKey& idempotency) override;
  Result<LibraryInfo> library(const RequestContext& context, const std::string& name) override;
  Result<std::vector<LibraryInfo>> libraries(const RequestContext& context, const std::string& after_name,
                                             std::size_t limit) override;
  Result<Document> document(const RequestContext& context, const std::string& library, const std::string& id,
                            const Include& include) override;
  Result<DocumentPage> documents(const RequestContext& context, const std::string& library,
                                 const PageRequest& page) override;
  Result<std::uint64_t> count_documents(const RequestContext& context, const std::string& library,
                                        const Filter& where) override;
  Result<std::vector<Chunk>> chunks_by_id(const RequestContext& context, const std::string& library,
                                          std::span<const std::string> ids, const Include& include) override;
  Result<ChunkPage> chunks(const RequestContext& context, const std::string& library, const PageRequest& page,
                           const Include& include) override;
  Result<std::uint64_t> count_chunks(const RequestContext& context, const std::string& library,
                                     const Filter& where, const Filter& where_document) override;
  Result<std::vector<SearchResult>> search(const RequestContext& context, const std::string& library,
                                           std::span<const SearchQuery> queries) override;
  /// Waits for the calls that are under way.
  Status close() override;

 private:
  // Calls in progress hold the engine; close() takes it away from new ones and waits for theirs to end.
  Result<std::shared_ptr<Database>> engine() const;
  Result<LibraryView> open_library(const std::string& name) const;

  mutable SharedMutex mutex_;
  std::shared_ptr<Database> database_ GUARDED_BY(mutex_);
};

}  // namespace sextant
