// Metrics: what the service counts and times, as Prometheus text.
//
// Verbs are counted by outcome and timed; the state of the database is read when somebody scrapes. No label
// ever holds a user's data: labels are names of verbs, error codes and embedding providers. Thread-safe;
// counting a verb takes no lock once its outcome was seen before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "providers/database.h"
#include "providers/embedder.h"

namespace sextant {

/// The verbs of the Service.
enum class Verb : std::uint8_t {
  kCreateLibrary,
  kLibrary,
  kLibraries,
  kUpdateLibrary,
  kDropLibrary,
  kWrite,
  kDeleteChunks,
  kPatchChunks,
  kDocument,
  kDocuments,
  kCountDocuments,
  kChunksById,
  kChunks,
  kCountChunks,
  kSearch,
  kSimilar,
  kSplit,
  kWaitFor,
};
inline constexpr std::size_t kVerbCount = static_cast<std::size_t>(Verb::kWaitFor) + 1;

/// "create_library", "search", ...
std::string_view verb_name(Verb verb);

/// What is read at a scrape.
struct GaugeReadings {
  ProviderStats database;
  std::size_t requests_in_flight = 0;
  std::size_t requests_refused = 0;
  std::size_t table_providers = 0;
};

class Metrics {
 public:
  /// `read` is called by render(), from its thread.
  explicit Metrics(std::function<GaugeReadings()> read);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// One call of a verb; no error means "ok".
  void count_verb(Verb verb, std::optional<ErrorCode> error, std::int64_t duration_ns);
  /// One call of an embedder for `texts` texts.
  void count_embedding(std::string_view provider, EmbeddingPurpose purpose, std::size_t texts, bool ok,
                       std::int64_t duration_ns);

  /// The text exposition format, version 0.0.4.
  std::string render();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sextant
