#include "providers/testing/fake_database.h"

#include <algorithm>
#include <numeric>

#include "engine/contract.h"

namespace sextant {

namespace {

std::unexpected<Error> missing(ErrorCode code, const std::string& id) {
  return fail(code, "there is no '" + id + "'");
}

Chunk shown(Chunk chunk, const Include& include) {
  if (!include.text) chunk.text.clear();
  if (!include.metadata) chunk.metadata = Json::object();
  if (!include.vector) chunk.vector.clear();
  return chunk;
}

}  // namespace

/// One operation on a draft of everything.
struct FakeDatabase::Apply {
  Libraries& libraries;
  Sequence sequence;

  Result<Library*> find(const std::string& name) {
    const auto found = libraries.find(name);
    if (found == libraries.end()) return missing(ErrorCode::kLibraryNotFound, name);
    return &found->second;
  }

  Status put(Library& library, const std::string& document, const ChunkInput& input) {
    VectorField& field = library.definition.spec.field;
    TRY(check_contract(field, static_cast<std::uint32_t>(input.vector.size()), input.model));
    if (!field.established()) {
      field.dimension = static_cast<std::uint32_t>(input.vector.size());
      if (!field.model) field.model = input.model;
    }
    Chunk chunk;
    chunk.id = input.id;
    chunk.document_id = document;
    chunk.text = input.text;
    chunk.metadata = input.metadata;
    chunk.vector = input.vector;
    library.chunks[input.id] = std::move(chunk);
    return {};
  }

  Result<OperationOutcome> operator()(const UpsertDocument& o) {
    TRY_ASSIGN(Library * library, find(o.library));
    const bool existed = library->documents.contains(o.document.id);
    std::erase_if(library->chunks,
                  [&](const auto& entry) { return entry.second.document_id == o.document.id; });
    Document& document = library->documents[o.document.id];
    document = {};
    document.id = o.document.id;
    document.version = sequence;
    document.metadata = o.document.metadata;
    for (const ChunkInput& chunk : o.document.chunks) {
      TRY(put(*library, o.document.id, chunk));
      document.chunk_ids.push_back(chunk.id);
    }
    return OperationOutcome{o.document.id, o.document.id, sequence,
                            existed ? Effect::kReplaced : Effect::kCreated};
  }
  Result<OperationOutcome> operator()(const PutChunk& o) {
    TRY_ASSIGN(Library * library, find(o.library));
    TRY(put(*library, o.document_id, o.chunk));
    return OperationOutcome{o.chunk.id, o.document_id, sequence, Effect::kReplaced};
  }
  Result<OperationOutcome> operator()(const PatchChunk& o) {
    TRY_ASSIGN(Library * library, find(o.library));
    const auto found = library->chunks.find(o.id);
    if (found == library->chunks.end()) return missing(ErrorCode::kChunkNotFound, o.id);
    if (o.text) found->second.text = *o.text;
    if (!o.vector.empty()) found->second.vector = o.vector;
    found->second.metadata.merge_patch(o.metadata_patch);
    return OperationOutcome{o.id, found->second.document_id, sequence, Effect::kPatched};
  }
  Result<OperationOutcome> operator()(const DeleteChunk& o) {
    TRY_ASSIGN(Library * library, find(o.library));
    if (library->chunks.erase(o.id) == 0) {
      if (o.missing == MissingPolicy::kError) return missing(ErrorCode::kChunkNotFound, o.id);
      return OperationOutcome{o.id, "", 0, Effect::kIgnored};
    }
    return OperationOutcome{o.id, "", sequence, Effect::kDeleted};
  }
  Result<OperationOutcome> operator()(const CreateLibrary& o) {
    if (libraries.contains(o.spec.name))
      return fail(ErrorCode::kLibraryExists, "there is a library '" + o.spec.name + "'");
    LibraryDefinition& definition = libraries[o.spec.name].definition;
    definition.id = static_cast<LibraryId>(sequence);
    definition.spec = o.spec;
    return OperationOutcome{o.spec.name, "", sequence, Effect::kCreated};
  }
  Result<OperationOutcome> operator()(const UpdateLibrary& o) {
    TRY_ASSIGN(Library * library, find(o.library));
    LibrarySpec& spec = library->definition.spec;
    spec.metadata.merge_patch(o.metadata_patch);
    spec.index.merge_patch(o.index_patch);
    spec.chunking.merge_patch(o.chunking_patch);
    return OperationOutcome{o.library, "", sequence, Effect::kPatched};
  }
  Result<OperationOutcome> operator()(const DropLibrary& o) {
    TRY_ASSIGN(Library * library, find(o.library));
    libraries.erase(library->definition.spec.name);
    return OperationOutcome{o.library, "", 0, Effect::kDeleted};
  }
  Result<OperationOutcome> operator()(const auto&) {
    return fail(ErrorCode::kNotSupportedYet, "not in this fake");
  }
};

void FakeDatabase::add_library(LibrarySpec spec) {
  const MutexLock lock(mutex_);
  const std::string name = spec.name;
  libraries_[name].definition.spec = std::move(spec);
}

void FakeDatabase::on_library(std::function<void()> hook) {
  const MutexLock lock(mutex_);
  on_library_ = std::move(hook);
}

void FakeDatabase::before_write(std::function<void()> hook) {
  const MutexLock lock(mutex_);
  before_write_ = std::move(hook);
}

void FakeDatabase::fail_health(Error error) {
  const MutexLock lock(mutex_);
  health_error_ = std::move(error);
}

void FakeDatabase::fail_close(Error error) {
  const MutexLock lock(mutex_);
  close_error_ = std::move(error);
}

std::size_t FakeDatabase::library_reads() const {
  const MutexLock lock(mutex_);
  return library_reads_;
}

std::size_t FakeDatabase::close_calls() const {
  const MutexLock lock(mutex_);
  return close_calls_;
}

std::vector<WriteRequest> FakeDatabase::writes() const {
  const MutexLock lock(mutex_);
  return writes_;
}

std::optional<Chunk> FakeDatabase::stored(const std::string& library, const std::string& chunk_id) const {
  const MutexLock lock(mutex_);
  const auto found = find(library);
  if (!found) return std::nullopt;
  const auto chunk = (*found)->chunks.find(chunk_id);
  return chunk == (*found)->chunks.end() ? std::nullopt : std::optional(chunk->second);
}

Result<const FakeDatabase::Library*> FakeDatabase::find(const std::string& name) const {
  const auto found = libraries_.find(name);
  if (found == libraries_.end()) return missing(ErrorCode::kLibraryNotFound, name);
  return &found->second;
}

Status FakeDatabase::health() {
  const MutexLock lock(mutex_);
  if (health_error_) return fail(*health_error_);
  return {};
}

ProviderStats FakeDatabase::stats() {
  const MutexLock lock(mutex_);
  ProviderStats stats;
  stats.sequence = stats.durable_through = sequence_;
  stats.libraries = libraries_.size();
  stats.log_bytes = 4096;
  return stats;
}

std::string FakeDatabase::commit_token(Sequence sequence) const { return std::to_string(sequence); }

Status FakeDatabase::wait_for(const RequestContext&, std::span<const std::string>) { return {}; }

Result<std::optional<WriteResult>> FakeDatabase::remembered(const RequestContext&, const IdempotencyKey&) {
  return std::optional<WriteResult>();
}

Result<WriteResult> FakeDatabase::write(const RequestContext&, WriteRequest request) {
  std::function<void()> hook;
  {
    const MutexLock lock(mutex_);
    hook = before_write_;
  }
  if (hook) hook();
  const MutexLock lock(mutex_);
  writes_.push_back(request);
  WriteResult result;
  for (const TransactionInput& transaction : request.transactions) {
    Libraries draft = libraries_;
    Result<TransactionOutcome> outcome = TransactionOutcome{};
    if (transaction.rejected) outcome = fail(*transaction.rejected);
    for (const Operation& operation : transaction.operations) {
      if (!outcome) break;
      auto done = std::visit(Apply{draft, sequence_ + 1}, operation);
      if (done) {
        outcome->operations.push_back(*std::move(done));
      } else {
        outcome = fail(std::move(done).error());
      }
    }
    if (outcome && !transaction.operations.empty()) {
      outcome->sequence = ++sequence_;
      libraries_ = std::move(draft);
    }
    result.transactions.push_back(std::move(outcome));
    if (!result.transactions.back()) break;
  }
  result.sequence = sequence_;
  return result;
}

Result<LibraryInfo> FakeDatabase::library(const RequestContext&, const std::string& name) {
  std::function<void()> hook;
  {
    const MutexLock lock(mutex_);
    ++library_reads_;
    hook = on_library_;
  }
  LibraryInfo info;
  {
    const MutexLock lock(mutex_);
    TRY_ASSIGN(const Library* found, find(name));
    info.definition = found->definition;
    info.documents = found->documents.size();
    info.chunks = found->chunks.size();
  }
  if (hook) hook();
  return info;
}

Result<std::vector<LibraryInfo>> FakeDatabase::libraries(const RequestContext& context,
                                                         const std::string& after_name, std::size_t limit) {
  std::vector<std::string> names;
  {
    const MutexLock lock(mutex_);
    for (auto it = libraries_.upper_bound(after_name); it != libraries_.end() && names.size() <= limit;
         ++it) {
      names.push_back(it->first);
    }
  }
  std::vector<LibraryInfo> infos;
  for (const std::string& name : names) {
    TRY_ASSIGN(auto info, library(context, name));
    infos.push_back(std::move(info));
  }
  return infos;
}

Result<Document> FakeDatabase::document(const RequestContext&, const std::string& library,
                                        const std::string& id, const Include&) {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(const Library* found, find(library));
  const auto document = found->documents.find(id);
  if (document == found->documents.end()) return missing(ErrorCode::kDocumentNotFound, id);
  return document->second;
}

Result<DocumentPage> FakeDatabase::documents(const RequestContext&, const std::string& library,
                                             const PageRequest& page) {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(const Library* found, find(library));
  DocumentPage answer;
  for (auto it = found->documents.upper_bound(page.after_id); it != found->documents.end(); ++it) {
    if (!page.where.matches({.document_metadata = &it->second.metadata, .text = {}})) continue;
    if (answer.documents.size() == page.limit) {
      answer.more = true;
      break;
    }
    answer.documents.push_back(it->second);
  }
  return answer;
}

Result<std::uint64_t> FakeDatabase::count_documents(const RequestContext& context, const std::string& library,
                                                    const Filter& where) {
  TRY_ASSIGN(const auto page,
             documents(context, library, {.where = where, .limit = static_cast<std::size_t>(-1)}));
  return page.documents.size();
}

Result<std::vector<Chunk>> FakeDatabase::chunks_by_id(const RequestContext&, const std::string& library,
                                                      std::span<const std::string> ids,
                                                      const Include& include) {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(const Library* found, find(library));
  std::vector<Chunk> chunks;
  for (const std::string& id : ids) {
    if (const auto chunk = found->chunks.find(id); chunk != found->chunks.end()) {
      chunks.push_back(shown(chunk->second, include));
    }
  }
  return chunks;
}

Result<ChunkPage> FakeDatabase::chunks(const RequestContext&, const std::string& library,
                                       const PageRequest& page, const Include& include) {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(const Library* found, find(library));
  ChunkPage answer;
  for (auto it = found->chunks.upper_bound(page.after_id); it != found->chunks.end(); ++it) {
    const FilterRow row{.chunk_metadata = &it->second.metadata, .text = it->second.text};
    if (!page.where.matches(row) || !page.where_document.matches(row)) continue;
    if (answer.chunks.size() == page.limit) {
      answer.more = true;
      break;
    }
    answer.chunks.push_back(shown(it->second, include));
  }
  return answer;
}

Result<std::uint64_t> FakeDatabase::count_chunks(const RequestContext& context, const std::string& library,
                                                 const Filter& where, const Filter& where_document) {
  const PageRequest all{
      .where = where, .where_document = where_document, .limit = static_cast<std::size_t>(-1)};
  TRY_ASSIGN(const auto page, chunks(context, library, all, {}));
  return page.chunks.size();
}

Result<std::vector<SearchResult>> FakeDatabase::search(const RequestContext&, const std::string& library,
                                                       std::span<const SearchQuery> queries) {
  const MutexLock lock(mutex_);
  TRY_ASSIGN(const Library* found, find(library));
  std::vector<SearchResult> results;
  for (const SearchQuery& query : queries) {
    SearchResult result;
    result.sequence = sequence_;
    for (const auto& [id, chunk] : found->chunks) {
      if (id == query.exclude_chunk || chunk.vector.size() != query.vector.size()) continue;
      Hit hit;
      hit.chunk = shown(chunk, query.include);
      hit.score = std::inner_product(chunk.vector.begin(), chunk.vector.end(), query.vector.begin(), 0.0F);
      hit.distance = 1 - hit.score;
      result.hits.push_back(std::move(hit));
    }
    std::ranges::sort(result.hits, std::greater(), &Hit::score);
    if (result.hits.size() > query.k) result.hits.resize(query.k);
    results.push_back(std::move(result));
  }
  return results;
}

Status FakeDatabase::close() {
  const MutexLock lock(mutex_);
  ++close_calls_;
  if (close_error_) return fail(*close_error_);
  return {};
}

}  // namespace sextant
