// HookedDatabase: Sextant's own engine on a directory of its own, with hooks, for tests of what stands above.
//
// Thread-safe, as the engine is; the directory goes with the object.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "providers/native_database.h"

namespace sextant {

class HookedDatabase final : public DatabaseProvider {
 public:
  HookedDatabase();
  ~HookedDatabase() override;

  /// Called by every write() before it does anything.
  void before_write(std::function<void()> hook);
  /// Called by every write() that succeeded, before it returns.
  void after_write(std::function<void()> hook);
  void fail_health(Error error);
  /// The requests that write() got, texts and vectors complete.
  std::vector<WriteRequest> writes() const;

  std::string_view name() const override { return engine_->name(); }
  bool thread_safe() const override { return true; }
  Status health() override;
  ProviderStats stats() override { return engine_->stats(); }
  std::string commit_token(Sequence sequence) const override { return engine_->commit_token(sequence); }
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
  Status close() override { return engine_->close(); }

 private:
  std::string directory_;
  std::unique_ptr<NativeDatabase> engine_;
  mutable Mutex mutex_;
  std::function<void()> before_write_ GUARDED_BY(mutex_);
  std::function<void()> after_write_ GUARDED_BY(mutex_);
  std::optional<Error> health_error_ GUARDED_BY(mutex_);
  std::vector<WriteRequest> writes_ GUARDED_BY(mutex_);
};

}  // namespace sextant
