// Shorthand for tests that use a database. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "engine/database.h"
#include "engine/search.h"
#include "engine/testing/scratch_directory.h"

namespace sextant {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t kSanitizerDivisor =
    20;  // long campaigns run in full where nothing slows them down
#else
inline constexpr std::uint64_t kSanitizerDivisor = 1;
#endif

/// A number from the environment, for longer or other runs.
inline std::uint64_t setting(const char* name, std::uint64_t fallback) {
  const char* value = std::getenv(name);
  return value == nullptr ? fallback : std::strtoull(value, nullptr, 10);
}

inline std::unique_ptr<Database> open_database(const std::string& path, DatabaseOptions options = {}) {
  auto database = Database::open(path, std::move(options));
  if (!database) {
    ADD_FAILURE() << database.error().to_string();
    return nullptr;
  }
  return *std::move(database);
}

inline Operation create_library(const std::string& name, VectorField field = {}) {
  LibrarySpec spec;
  spec.name = name;
  spec.field = std::move(field);
  return CreateLibrary{spec};
}

inline ChunkInput chunk_of(std::vector<float> vector, std::string text = "text", std::string model = {}) {
  ChunkInput chunk;
  chunk.text = std::move(text);
  chunk.vector = std::move(vector);
  chunk.model = std::move(model);
  return chunk;
}

inline UpsertDocument upsert(const std::string& library, const std::string& id,
                             std::vector<ChunkInput> chunks) {
  UpsertDocument operation;
  operation.library = library;
  operation.document.id = id;
  operation.document.chunks = std::move(chunks);
  return operation;
}

/// Writes one transaction.
inline Result<TransactionOutcome> commit(Database& database, std::vector<Operation> operations,
                                         Durability durability = Durability::kFlushed) {
  WriteRequest request;
  request.transactions.push_back({std::move(operations), {}});
  request.durability = durability;
  TRY_ASSIGN(WriteResult result, database.write({}, request));
  return std::move(result.transactions.at(0));
}

inline Result<std::vector<Hit>> nearest(const Snapshot& snapshot, const std::string& library,
                                        std::vector<float> vector, std::size_t k = 10) {
  TRY_ASSIGN(const LibraryView view, find_library(snapshot, library));
  SearchQuery query;
  query.vector = std::move(vector);
  query.k = k;
  TRY_ASSIGN(auto results, search({}, view, {&query, 1}));
  return std::move(results[0].hits);
}

/// The code of a failure, or nullopt.
template <typename T>
std::optional<ErrorCode> failure(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

}  // namespace sextant
