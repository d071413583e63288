// TableProvider: the one runtime object that serves a library, to every user. It holds the library's embedder
// and database provider, and no user: who asks comes with each call.
//
// Here text becomes vectors: chunks without a vector are embedded before the write leaves for the database
// provider, so what reaches the log is complete and replays without a model. Thread-safe; lives as long as
// anyone holds it, also after the library was dropped (verbs then answer kLibraryNotFound).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <span>
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

/// The field of a part of a query: "text" when it is alone, "queries[2].text" when it is one of several.
std::string query_field(std::size_t query, std::size_t of, std::string_view part);

/// Which of several operations failed, and why; the field is below the operation ("document.chunks[2].text").
struct OperationError {
  std::size_t operation = 0;
  Error error;
};

class TableProvider {
 public:
  /// `embedder` may be null: then text without vectors is kEmbeddingUnavailable.
  TableProvider(std::string library, std::shared_ptr<DatabaseProvider> database,
                std::shared_ptr<Embedder> embedder);

  const std::string& library() const { return library_; }
  const std::shared_ptr<Embedder>& embedder() const { return embedder_; }

  /// Gives the operations, which are all on this library, what they lack: vectors of texts that have none,
  /// with the model's name; ids of documents (UUIDv7) and of their chunks ("{document}#{n}", n from 0). All
  /// texts are embedded together. kInvalidArgument for a chunk with neither text nor vector;
  /// kEmbeddingContractViolation, before anything is embedded, when the library's contract is for another
  /// model than its embedder's; kEmbeddingUnavailable; the embedder's own. After an error the operations
  /// before the failed one may lack vectors too: a call with those alone completes them.
  std::expected<void, OperationError> complete(const RequestContext& context,
                                               std::span<Operation* const> operations);
  /// Splits a document's text into chunks by the library's chunking settings; kInvalidArgument when there is
  /// none in it.
  Result<std::vector<ChunkInput>> split(const RequestContext& context, const std::string& text);

  Result<LibraryInfo> info(const RequestContext& context);
  Result<Document> document(const RequestContext& context, const std::string& id, const Include& include);
  Result<DocumentPage> documents(const RequestContext& context, const PageRequest& page);
  Result<std::uint64_t> count_documents(const RequestContext& context, const Filter& where);
  Result<std::vector<Chunk>> chunks_by_id(const RequestContext& context, std::span<const std::string> ids,
                                          const Include& include);
  Result<ChunkPage> chunks(const RequestContext& context, const PageRequest& page, const Include& include);
  Result<std::uint64_t> count_chunks(const RequestContext& context, const Filter& where,
                                     const Filter& where_document);
  /// Texts are embedded first, all together; errors as those of complete(), fields as query_field() has them.
  Result<std::vector<SearchResult>> search(const RequestContext& context, std::vector<TableQuery> queries);
  /// The neighbours of a stored chunk, itself left out. kChunkNotFound.
  Result<SearchResult> similar(const RequestContext& context, const std::string& chunk_id, SearchQuery query);

 private:
  Status check_embedder(const RequestContext& context, std::string field);

  std::string library_;
  std::shared_ptr<DatabaseProvider> database_;
  std::shared_ptr<Embedder> embedder_;
};

}  // namespace sextant
