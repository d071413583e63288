#include "server/testing/hooked_database.h"

#include <cstdlib>
#include <filesystem>

#include "base/check.h"

namespace sextant {

HookedDatabase::HookedDatabase() {
  std::string name = (std::filesystem::temp_directory_path() / "sextant-server-test-XXXXXX").string();
  CHECK(mkdtemp(name.data()) != nullptr);
  directory_ = name;
  engine_ = std::make_unique<NativeDatabase>(Database::open(directory_ + "/database", {}).value());
}

HookedDatabase::~HookedDatabase() {
  engine_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void HookedDatabase::before_write(std::function<void()> hook) {
  const MutexLock lock(mutex_);
  before_write_ = std::move(hook);
}

void HookedDatabase::after_write(std::function<void()> hook) {
  const MutexLock lock(mutex_);
  after_write_ = std::move(hook);
}

void HookedDatabase::fail_health(Error error) {
  const MutexLock lock(mutex_);
  health_error_ = std::move(error);
}

std::vector<WriteRequest> HookedDatabase::writes() const {
  const MutexLock lock(mutex_);
  return writes_;
}

Status HookedDatabase::health() {
  const MutexLock lock(mutex_);
  return health_error_ ? Status(fail(*health_error_)) : engine_->health();
}

Status HookedDatabase::wait_for(const RequestContext& context, std::span<const std::string> tokens) {
  return engine_->wait_for(context, tokens);
}

Result<WriteResult> HookedDatabase::write(const RequestContext& context, WriteRequest request) {
  std::function<void()> before;
  std::function<void()> after;
  {
    const MutexLock lock(mutex_);
    before = before_write_;
    after = after_write_;
    writes_.push_back(request);
  }
  if (before) before();
  Result<WriteResult> result = engine_->write(context, std::move(request));
  if (result && after) after();
  return result;
}

Result<std::optional<WriteResult>> HookedDatabase::remembered(const RequestContext& context,
                                                              const IdempotencyKey& idempotency) {
  return engine_->remembered(context, idempotency);
}

Result<LibraryInfo> HookedDatabase::library(const RequestContext& context, const std::string& name) {
  return engine_->library(context, name);
}

Result<std::vector<LibraryInfo>> HookedDatabase::libraries(const RequestContext& context,
                                                           const std::string& after_name, std::size_t limit) {
  return engine_->libraries(context, after_name, limit);
}

Result<Document> HookedDatabase::document(const RequestContext& context, const std::string& library,
                                          const std::string& id, const Include& include) {
  return engine_->document(context, library, id, include);
}

Result<DocumentPage> HookedDatabase::documents(const RequestContext& context, const std::string& library,
                                               const PageRequest& page) {
  return engine_->documents(context, library, page);
}

Result<std::uint64_t> HookedDatabase::count_documents(const RequestContext& context,
                                                      const std::string& library, const Filter& where) {
  return engine_->count_documents(context, library, where);
}

Result<std::vector<Chunk>> HookedDatabase::chunks_by_id(const RequestContext& context,
                                                        const std::string& library,
                                                        std::span<const std::string> ids,
                                                        const Include& include) {
  return engine_->chunks_by_id(context, library, ids, include);
}

Result<ChunkPage> HookedDatabase::chunks(const RequestContext& context, const std::string& library,
                                         const PageRequest& page, const Include& include) {
  return engine_->chunks(context, library, page, include);
}

Result<std::uint64_t> HookedDatabase::count_chunks(const RequestContext& context, const std::string& library,
                                                   const Filter& where, const Filter& where_document) {
  return engine_->count_chunks(context, library, where, where_document);
}

Result<std::vector<SearchResult>> HookedDatabase::search(const RequestContext& context,
                                                         const std::string& library,
                                                         std::span<const SearchQuery> queries) {
  return engine_->search(context, library, queries);
}

}  // namespace sextant
