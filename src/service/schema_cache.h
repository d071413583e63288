// SchemaCache: owns the one TableProvider of each library, the same for every user and call, and the
// embedders they use.
//
// A provider is made at a library's first use and kept until the library is dropped. Looking one up in the
// steady state takes a shared lock and a reference count and allocates nothing, whichever way the name is
// spelt. An embedder that a library names is shared by all that name the same settings and goes with the last
// of them; one that could not be made is tried again. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"
#include "engine/names.h"
#include "providers/table_provider.h"

namespace sextant {

/// Makes the embedders that libraries have of their own. `settings` holds at most "dimension".
using EmbedderFactory =
    std::function<Result<std::shared_ptr<Embedder>>(std::string_view provider, const Json& settings)>;

class SchemaCache {
 public:
  /// `default_embedder` serves libraries that name none; may be null.
  SchemaCache(std::shared_ptr<DatabaseProvider> database, std::shared_ptr<Embedder> default_embedder,
              EmbedderFactory make_embedder, Clock& clock = system_clock());

  /// How long the failure to make a library's embedder stands before the next use tries again.
  static constexpr std::int64_t kRetryAfterMs = 5'000;

  /// The library's provider. kLibraryNotFound; for what cannot be a name those of parse_library_name() with
  /// field "library". When the library's embedder cannot be made (its model is gone, say), the provider
  /// serves all the same and text is kEmbeddingUnavailable with the reason; a use kRetryAfterMs later tries
  /// again.
  Result<std::shared_ptr<TableProvider>> provider(const RequestContext& context, std::string_view name);
  /// Drops a library's provider; those who hold it keep it. To be called after the library was created or
  /// dropped, so that a provider never outlives the library it was made for.
  void forget(std::string_view name);
  std::size_t provider_count() const;

  /// The embedder that a library's settings name: the default for null, or when they name the default's
  /// provider (and model, and dimension); else one of its own. Of definitions stored by earlier versions,
  /// "model_dir" and "threads" count for nothing; what would have changed the vectors is kInvalidArgument.
  /// Fields of errors are below the settings ("provider", "model", ...).
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

  struct Entry {
    std::shared_ptr<TableProvider> table;
    std::int64_t retry_at_ns = 0;  // of the monotonic clock; 0: the embedder is there

    bool is_due(std::int64_t now_ns) const { return retry_at_ns != 0 && now_ns >= retry_at_ns; }
  };
  using Entries = std::unordered_map<std::string, Entry, NameHash, NameEqual>;

  /// The kept provider, unless there is none or it is time to try again: of callers at once, one tries.
  std::shared_ptr<TableProvider> kept(const LibraryName& parts, std::uint64_t& forgotten);
  Entry make_entry(const LibrarySpec& spec, const std::string& full);

  const std::shared_ptr<DatabaseProvider> database_;
  const std::shared_ptr<Embedder> default_embedder_;
  const EmbedderFactory make_embedder_;
  Clock& clock_;

  mutable SharedMutex mutex_;
  Entries providers_ GUARDED_BY(mutex_);
  std::uint64_t forgotten_ GUARDED_BY(mutex_) = 0;  // how often forget() was called

  Mutex embedder_mutex_;  // held while an embedder is made, so that it is made once
  std::map<std::string, std::weak_ptr<Embedder>> embedders_ GUARDED_BY(embedder_mutex_);
};

}  // namespace sextant
