#include "service/metrics.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <set>
#include <sstream>
#include <thread>
#include <vector>

namespace sextant {
namespace {

std::string line_with(const std::string& text, const std::string& start) {
  const auto at = text.find("\n" + start);
  return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

TEST(Metrics, EveryLineIsATextExpositionLineAndEveryNameHasHelpAndType) {
  Metrics metrics([] { return GaugeReadings(); });
  metrics.count_verb(Verb::kSearch, std::nullopt, 1'500'000);
  metrics.count_verb(Verb::kWrite, ErrorCode::kInternal, 1);
  metrics.count_embedding("local", EmbeddingPurpose::kQuery, 3, true, 5);
  const RE2 sample(R"re([a-z_]+(\{([a-z]+="[^"]*",?)+\})? ([-+0-9.e]+|\+Inf|NaN))re");
  const RE2 comment(R"(# (?:HELP|TYPE) ([a-z_]+) .+)");
  std::set<std::string> described;
  std::istringstream lines(metrics.render());
  int samples = 0;
  for (std::string line; std::getline(lines, line);) {
    std::string of;
    if (RE2::FullMatch(line, comment, &of)) {
      described.insert(of);
      continue;
    }
    ASSERT_TRUE(RE2::FullMatch(line, sample)) << line;
    ++samples;
    std::string name = line.substr(0, line.find_first_of("{ "));
    for (const char* suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix)) name.resize(name.size() - std::string(suffix).size());
    }
    EXPECT_TRUE(described.contains(name)) << name;
  }
  EXPECT_GT(samples, 20);
}

TEST(Metrics, DurationsFallIntoCumulativeBuckets) {
  Metrics metrics([] { return GaugeReadings(); });
  metrics.count_verb(Verb::kSearch, std::nullopt, 60'000);          // 60 microseconds
  metrics.count_verb(Verb::kSearch, std::nullopt, 2'000'000);       // 2 ms
  metrics.count_verb(Verb::kSearch, std::nullopt, 90'000'000'000);  // beyond the last bucket
  const std::string text = metrics.render();
  EXPECT_EQ(line_with(text, R"(sextant_verb_duration_seconds_bucket{verb="search",le="5e-05"})").back(), '0');
  EXPECT_EQ(line_with(text, R"(sextant_verb_duration_seconds_bucket{verb="search",le="0.0001"})").back(),
            '1');
  EXPECT_EQ(line_with(text, R"(sextant_verb_duration_seconds_bucket{verb="search",le="0.0025"})").back(),
            '2');
  EXPECT_EQ(line_with(text, R"(sextant_verb_duration_seconds_bucket{verb="search",le="60"})").back(), '2');
  EXPECT_EQ(line_with(text, R"(sextant_verb_duration_seconds_bucket{verb="search",le="+Inf"})").back(), '3');
}

TEST(Metrics, GaugesAreReadAtEachScrapeAndCountersNeverFall) {
  GaugeReadings now;
  Metrics metrics([&] { return now; });
  now.database.sequence = 7;
  now.database.vector_bytes = 1'000'000;
  now.requests_refused = 5;
  std::string text = metrics.render();
  EXPECT_EQ(line_with(text, "sextant_commit_sequence "), "sextant_commit_sequence 7");
  EXPECT_EQ(line_with(text, "sextant_vector_bytes "), "sextant_vector_bytes 1000000");
  EXPECT_EQ(line_with(text, "sextant_requests_refused_total "), "sextant_requests_refused_total 5");
  now.database.vector_bytes = 10;
  now.requests_refused = 4;
  text = metrics.render();
  EXPECT_EQ(line_with(text, "sextant_vector_bytes "), "sextant_vector_bytes 10");
  EXPECT_EQ(line_with(text, "sextant_requests_refused_total "), "sextant_requests_refused_total 5");
}

TEST(Metrics, CountsFromManyThreadsAddUp) {
  Metrics metrics([] { return GaugeReadings(); });
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        metrics.count_verb(Verb::kSearch, i % 2 == 0 ? std::nullopt : std::optional(ErrorCode::kBackpressure),
                           1000);
        if (i % 100 == 0) static_cast<void>(metrics.render());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = metrics.render();
  EXPECT_EQ(line_with(text, R"(sextant_verb_calls_total{outcome="ok",verb="search"})"),
            R"(sextant_verb_calls_total{outcome="ok",verb="search"} 4000)");
  EXPECT_EQ(line_with(text, R"(sextant_verb_calls_total{outcome="backpressure",verb="search"})"),
            R"(sextant_verb_calls_total{outcome="backpressure",verb="search"} 4000)");
}

TEST(Metrics, EveryVerbHasItsName) {
  std::set<std::string_view> names;
  for (std::size_t v = 0; v < kVerbCount; ++v) names.insert(verb_name(static_cast<Verb>(v)));
  EXPECT_EQ(names.size(), kVerbCount);
  EXPECT_EQ(verb_name(Verb::kSearch), "search");
  EXPECT_EQ(verb_name(Verb::kChunksById), "chunks_by_id");
  EXPECT_EQ(verb_name(Verb::kWaitFor), "wait_for");
}

}  // namespace
}  // namespace sextant
