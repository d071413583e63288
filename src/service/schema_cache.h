// SchemaCache: owns the one TableProvider of each library, the same for every user and call, and the
// embedders they use.
//
// A provider is made at a library's first use and kept until the library is dropped. Looking one up in the
// steady state takes a shared lock and a reference count and allocates nothing, whichever way the name is
// spelt. An embedder that a library names is shared by all that name the same settings and goes with the last
// of them. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/mutex.h"
#include "engine/names.h"
#include "providers/table_provider.h"

namespace sextant {

/// make_embedder, or what a test has in its stead.
using EmbedderFactory =
    std::function<Result<std::shared_ptr<Embedder>>(std::string_view provider, const Json& settings)>;

class SchemaCache {
 public:
  /// `default_embedder` serves libraries that name none; may be null.
  SchemaCache(std::shared_ptr<DatabaseProvider> database, std::shared_ptr<Embedder> default_embedder,
              EmbedderFactory make_embedder);

  /// The library's provider. kLibraryNotFound; for what cannot be a name those of parse_library_name() with
  /// field "library". When the library's embedder cannot be made (its model is gone, say), the provider
  /// serves all the same and text is kEmbeddingUnavailable with the reason.
  Result<std::shared_ptr<TableProvider>> provider(const RequestContext& context, std::string_view name);
  /// Drops a library's provider; those who hold it keep it. To be called after the library was created or
  /// dropped, so that a provider never outlives the library it was made for.
  void forget(std::string_view name);
  std::size_t provider_count() const;

  /// The embedder that a library's settings name: the default for null, or when they say no more than the
  /// default's provider (and model); else one of its own. Fields of errors are below the settings
  /// ("provider", "model", ...).
  Result<std::shared_ptr<Embedder>> embedder(const Json& settings);

 private:
  // Hashes and compares full names by their parts, so that a look-up needs no string made of them.
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(const LibraryName& parts) const;
    std::size_t operator()(std::string_view full) const;
  };
  struct NameEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a == b; }
    bool operator()(const LibraryName& parts, std::string_view full) const;
    bool operator()(std::string_view full, const LibraryName& parts) const { return (*this)(parts, full); }
  };

  std::shared_ptr<Embedder> embedder_or_reason(const LibrarySpec& spec);

  const std::shared_ptr<DatabaseProvider> database_;
  const std::shared_ptr<Embedder> default_embedder_;
  const EmbedderFactory make_embedder_;

  mutable SharedMutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<TableProvider>, NameHash, NameEqual> providers_
      GUARDED_BY(mutex_);
  std::uint64_t forgotten_ GUARDED_BY(mutex_) = 0;  // how often forget() was called

  Mutex embedder_mutex_;  // held while an embedder is made, so that it is made once
  std::map<std::string, std::weak_ptr<Embedder>> embedders_ GUARDED_BY(embedder_mutex_);
};

}  // namespace sextant
