// FakeDatabase: a DatabaseProvider for tests of what stands above one: maps in memory, answers found by
// looking at everything.
//
// Thread-safe. Transactions are all or nothing; nothing else of the engine's promises is kept.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/mutex.h"
#include "providers/database.h"

namespace sextant {

class FakeDatabase final : public DatabaseProvider {
 public:
  /// A library without going through a write; `spec.name` is its full name.
  void add_library(LibrarySpec spec);
  /// Called by every library() that found one, before it answers, outside of the lock.
  void on_library(std::function<void()> hook);
  /// Called by every write() before it does anything, outside of the lock.
  void before_write(std::function<void()> hook);
  void fail_health(Error error);
  void fail_close(Error error);

  /// How often library() was called.
  std::size_t library_reads() const;
  std::size_t close_calls() const;
  /// The requests that write() got.
  std::vector<WriteRequest> writes() const;
  /// A chunk as it is stored; nothing when there is none.
  std::optional<Chunk> stored(const std::string& library, const std::string& chunk_id) const;

  std::string_view name() const override { return "native"; }
  bool thread_safe() const override { return true; }
  Status health() override;
  ProviderStats stats() override;
  std::string commit_token(Sequence sequence) const override;
  Status wait_for(const RequestContext& context, std::span<const std::string> tokens) override;
  Result<WriteResult> write(const RequestContext& context, WriteRequest request) override;
  /// Nothing is remembered.
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
  Status close() override;

 private:
  struct Library {
    LibraryDefinition definition;
    std::map<std::string, Document> documents;
    std::map<std::string, Chunk> chunks;
  };
  using Libraries = std::map<std::string, Library>;
  struct Apply;

  Result<const Library*> find(const std::string& name) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  Libraries libraries_ GUARDED_BY(mutex_);
  Sequence sequence_ GUARDED_BY(mutex_) = 0;
  std::function<void()> on_library_ GUARDED_BY(mutex_);
  std::function<void()> before_write_ GUARDED_BY(mutex_);
  std::optional<Error> health_error_ GUARDED_BY(mutex_);
  std::optional<Error> close_error_ GUARDED_BY(mutex_);
  std::size_t library_reads_ GUARDED_BY(mutex_) = 0;
  std::size_t close_calls_ GUARDED_BY(mutex_) = 0;
  std::vector<WriteRequest> writes_ GUARDED_BY(mutex_);
};

}  // namespace sextant
