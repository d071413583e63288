// TableProvider: the one runtime object that serves a library, to every user. It holds the library's embedder and database
// provider, and no user: who asks comes with each call.
//
// Here text becomes vectors: chunks without a vector are embedded before the write leaves for the database provider, so what reaches the
// log is complete and replays without a model. Thread-safe; lives as long as anyone holds it, also after the library was dropped
// (verbs then answer kLibraryNotFound).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "providers/database.h"
#include "providers/embedder.h"

namespace sextant {

/// A query as a user asks it: a vector, or a text to be embedded.
struct TableQuery {
  SearchQuery query;
  std::optional<std::string> text;
};

class TableProvider {
 public:
  /// `embedder` may be null: then text without vectors is kEmbeddingUnavailable.
  TableProvider(std::string library, std::shared_ptr<DatabaseProvider> database, std::shared_ptr<Embedder> embedder);

  const std::string& library() const { return library_; }
  const std::shared_ptr<Embedder>& embedder() const { return embedder_; }

  /// Gives every chunk of the operation that names this library a vector where it has none, and ids where missing. Errors carry the
  /// field below the operation ("document.chunks[2].text").
  Status complete(const RequestContext& context, std::span<Operation* const> operations);
  /// Splits a document's text into chunks by the library's chunking settings.
  std::vector<ChunkInput> split(const std::string& text) const;

  Result<LibraryInfo> info(const RequestContext& context);
  Result<Document> document(const RequestContext& context, const std::string& id, const Include& include);
  Result<DocumentPage> documents(const RequestContext& context, const PageRequest& page);
  Result<std::uint64_t> count_documents(const RequestContext& context, const Filter& where);
  Result<std::vector<Chunk>> chunks_by_id(const RequestContext& context, std::span<const std::string> ids,
                                          const Include& include);
  Result<ChunkPage> chunks(const RequestContext& context, const PageRequest& page, const Include& include);
  Result<std::uint64_t> count_chunks(const RequestContext& context, const Filter& where, const Filter& where_document);
  Result<std::vector<SearchResult>> search(const RequestContext& context, std::vector<TableQuery> queries);
  /// The neighbours of a stored chunk, itself left out. kChunkNotFound.
  Result<SearchResult> similar(const RequestContext& context, const std::string& chunk_id, SearchQuery query);

 private:
  std::string library_;
  std::shared_ptr<DatabaseProvider> database_;
  std::shared_ptr<Embedder> embedder_;
};

}  // namespace sextant
