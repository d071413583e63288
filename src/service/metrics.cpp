#include "service/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <atomic>

#include "base/check.h"
#include "base/mutex.h"

namespace sextant {

namespace {

constexpr std::array<std::string_view, kVerbCount> kVerbNames = {
    "create_library", "library",      "libraries", "update_library", "drop_library",    "write",
    "delete_chunks",  "patch_chunks", "document",  "documents",      "count_documents", "chunks_by_id",
    "chunks",         "count_chunks", "search",    "similar",        "split",           "wait_for"};

constexpr std::size_t kOutcomes = static_cast<std::size_t>(ErrorCode::kInternal) + 2;  // "ok", then the codes

// From half a millisecond's tenth to a minute: a search in memory at the low end, a large load at the high
// one.
const prometheus::Histogram::BucketBoundaries kDurationBuckets = {
    50e-6,  100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3,
    100e-3, 0.25,   0.5,    1,      2.5,  5,      10,   30,    60};

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace

std::string_view verb_name(Verb verb) { return kVerbNames[static_cast<std::size_t>(verb)]; }

struct Metrics::Impl {
  explicit Impl(std::function<GaugeReadings()> r) : read(std::move(r)) {
    for (std::size_t v = 0; v < kVerbCount; ++v) {
      durations[v] = &duration_family.Add({{"verb", std::string(kVerbNames[v])}}, kDurationBuckets);
      for (auto& counter : calls[v]) counter.store(nullptr, std::memory_order_relaxed);
    }
  }

  // The counter of a verb's outcome; made at its first use, so that a scrape shows only what happens.
  prometheus::Counter& calls_of(Verb verb, std::size_t outcome) {
    std::atomic<prometheus::Counter*>& slot = calls[static_cast<std::size_t>(verb)][outcome];
    prometheus::Counter* counter = slot.load(std::memory_order_acquire);
    if (counter == nullptr) {
      const std::string_view name = outcome == 0 ? "ok" : error_name(static_cast<ErrorCode>(outcome - 1));
      // Adding the same labels twice gives the same counter, so two threads may do so.
      counter = &call_family.Add({{"verb", std::string(verb_name(verb))}, {"outcome", std::string(name)}});
      slot.store(counter, std::memory_order_release);
    }
    return *counter;
  }

  prometheus::Gauge& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

  std::function<GaugeReadings()> read;
  prometheus::Registry registry;

  prometheus::Family<prometheus::Counter>& call_family =
      prometheus::BuildCounter()
          .Name("sextant_verb_calls_total")
          .Help("Calls of a verb by outcome: ok or an error's code")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& duration_family = prometheus::BuildHistogram()
                                                                   .Name("sextant_verb_duration_seconds")
                                                                   .Help("Time in a verb")
                                                                   .Register(registry);
  std::array<std::array<std::atomic<prometheus::Counter*>, kOutcomes>, kVerbCount> calls;
  std::array<prometheus::Histogram*, kVerbCount> durations{};

  prometheus::Family<prometheus::Counter>& text_family = prometheus::BuildCounter()
                                                             .Name("sextant_embedded_texts_total")
                                                             .Help("Texts given to an embedder")
                                                             .Register(registry);
  prometheus::Family<prometheus::Histogram>& embedding_family =
      prometheus::BuildHistogram()
          .Name("sextant_embedding_duration_seconds")
          .Help("Time of one call of an embedder")
          .Register(registry);

  // What the database says of itself at a scrape.
  prometheus::Gauge& sequence = gauge("sextant_commit_sequence", "Last commit that is visible");
  prometheus::Gauge& durable = gauge("sextant_durable_sequence", "Last commit that is on the device");
  prometheus::Gauge& libraries = gauge("sextant_libraries", "Libraries");
  prometheus::Gauge& log_bytes = gauge("sextant_log_bytes", "Size of the commit log");
  prometheus::Gauge& record_bytes = gauge("sextant_record_bytes", "Size of the record store's files");
  prometheus::Gauge& record_memory = gauge("sextant_record_memory_bytes", "Memory of the record store");
  prometheus::Gauge& vector_bytes = gauge("sextant_vector_bytes", "Memory of vectors");
  prometheus::Gauge& in_flight = gauge("sextant_requests_in_flight", "Requests being worked on");
  prometheus::Gauge& table_providers = gauge("sextant_table_providers", "Libraries that have been used");
  prometheus::Counter& refused = prometheus::BuildCounter()
                                     .Name("sextant_requests_refused_total")
                                     .Help("Requests refused because too many were in flight")
                                     .Register(registry)
                                     .Add({});
  Mutex render_mutex;  // readings and their counters go together
};

Metrics::Metrics(std::function<GaugeReadings()> read) : impl_(std::make_unique<Impl>(std::move(read))) {}
Metrics::~Metrics() = default;

void Metrics::count_verb(Verb verb, std::optional<ErrorCode> error, std::int64_t duration_ns) {
  const std::size_t outcome = error ? static_cast<std::size_t>(*error) + 1 : 0;
  CHECK(outcome < kOutcomes);
  impl_->calls_of(verb, outcome).Increment();
  impl_->durations[static_cast<std::size_t>(verb)]->Observe(seconds(duration_ns));
}

void Metrics::count_embedding(std::string_view provider, EmbeddingPurpose purpose, std::size_t texts, bool ok,
                              std::int64_t duration_ns) {
  const prometheus::Labels labels = {
      {"provider", std::string(provider)},
      {"purpose", purpose == EmbeddingPurpose::kQuery ? "query" : "document"},
      {"outcome", ok ? "ok" : "failed"},
  };
  impl_->text_family.Add(labels).Increment(static_cast<double>(texts));
  impl_->embedding_family.Add(labels, kDurationBuckets).Observe(seconds(duration_ns));
}

std::string Metrics::render() {
  const MutexLock lock(impl_->render_mutex);
  const GaugeReadings now = impl_->read();
  impl_->sequence.Set(static_cast<double>(now.database.sequence));
  impl_->durable.Set(static_cast<double>(now.database.durable_through));
  impl_->libraries.Set(static_cast<double>(now.database.libraries));
  impl_->log_bytes.Set(static_cast<double>(now.database.log_bytes));
  impl_->record_bytes.Set(static_cast<double>(now.database.record_bytes));
  impl_->record_memory.Set(static_cast<double>(now.database.record_memory_bytes));
  impl_->vector_bytes.Set(static_cast<double>(now.database.vector_bytes));
  impl_->in_flight.Set(static_cast<double>(now.requests_in_flight));
  impl_->table_providers.Set(static_cast<double>(now.table_providers));
  const double refused = static_cast<double>(now.requests_refused) - impl_->refused.Value();
  if (refused > 0) impl_->refused.Increment(refused);
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace sextant
