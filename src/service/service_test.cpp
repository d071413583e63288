// What holds for every verb: roles, deadlines, limits, admission, metrics, health, closing.
#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "service/testing/service_fixture.h"

namespace sextant {
namespace {

using ServiceRules = ServiceFixture;

TEST_F(ServiceRules, AReaderReadsAndDoesNotWrite) {
  context_.user = "ann";
  context_.role = Role::kReader;
  EXPECT_EQ(told(service().write(context_, request({upsert("notes", "x", {"a"})}))),
            "permission_denied : user 'ann' may read only, and write writes");
  const ChunkSelection one{.ids = {"x#0"}, .by_filter = false, .where = {}, .where_document = {}};
  for (const auto& refused :
       {service().create_library(context_, named("other"), {}),
        service().update_library(context_, {"notes", {}, {}, {}}, {}),
        service().drop_library(context_, "notes", {}), service().delete_chunks(context_, "notes", one, {}),
        service().patch_chunks(context_, "notes", one, Json::object(), {})}) {
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied);
  }
  EXPECT_TRUE(database_->writes().empty());
  EXPECT_TRUE(embedder_->calls().empty());
  EXPECT_TRUE(service().library(context_, "notes").has_value());
  EXPECT_TRUE(service().chunks(context_, "notes", {}, {}).has_value());
  context_.role = Role::kWriter;
  EXPECT_TRUE(service().write(context_, request({upsert("notes", "x", {"a"})})).has_value());
}

TEST_F(ServiceRules, ADeadlineThatPassedIsFoundAtTheEntry) {
  ManualClock clock;
  context_.clock = &clock;
  context_.deadline_ns = clock.monotonic_ns() + 1'000'000;
  EXPECT_TRUE(service().library(context_, "notes").has_value());
  clock.advance_ms(1);
  EXPECT_EQ(service().library(context_, "notes").error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(service().write(context_, request({upsert("notes", "x", {"a"})})).error().code,
            ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(service().wait_for(context_, {}).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_TRUE(embedder_->calls().empty());
}

TEST_F(ServiceRules, ReadsHaveLimits) {
  options_.limits.max_page = 10;
  options_.limits.max_k = 5;
  options_.limits.max_queries_per_request = 2;
  options_.limits.max_dimension = 8;
  EXPECT_EQ(told(service().chunks(context_, "notes", {.limit = 11}, {})),
            "limit_exceeded limit: limit is 11, the limit is 10");
  EXPECT_EQ(service().documents(context_, "notes", {.limit = 0}).error().field, "limit");
  EXPECT_EQ(service().libraries(context_, "", 11).error().field, "limit");
  EXPECT_EQ(service().chunks_by_id(context_, "notes", std::vector<std::string>(11, "x"), {}).error().field,
            "ids");
  EXPECT_EQ(service().chunks_by_id(context_, "notes", std::vector<std::string>{"x", ""}, {}).error().field,
            "ids[1]");

  TableQuery query;
  query.text = "a";
  query.query.k = 6;
  EXPECT_EQ(told(service().search(context_, "notes", {query})), "limit_exceeded k: k is 6, the limit is 5");
  EXPECT_EQ(service().search(context_, "notes", {query, query}).error().field, "queries[0].k");
  EXPECT_EQ(service().similar(context_, "notes", "x", {.vector = {}, .k = 0}).error().field, "k");
  EXPECT_EQ(service().search(context_, "notes", {}).error().field, "queries");
  EXPECT_EQ(service().search(context_, "notes", {{}, {}, {}}).error().code, ErrorCode::kLimitExceeded);
  TableQuery wide;
  wide.query.k = 1;
  wide.query.vector.assign(9, 1.0F);
  EXPECT_EQ(service().search(context_, "notes", {wide}).error().field, "vector");
}

TEST_F(ServiceRules, SearchAndSimilarFindWhatWasWritten) {
  ASSERT_TRUE(
      service().write(context_, request({upsert("notes", "x", {"a", "b"})}))->transactions[0].has_value());
  TableQuery query;
  query.text = "b";
  const auto found = service().search(context_, "default:notes", {query});
  ASSERT_TRUE(found.has_value()) << found.error().to_string();
  EXPECT_EQ((*found)[0].hits[0].chunk.id, "x#1");
  const auto similar = service().similar(context_, "notes", "x#1", {});
  ASSERT_TRUE(similar.has_value());
  EXPECT_EQ(similar->hits[0].chunk.id, "x#0");
  EXPECT_EQ(service().document(context_, "notes", "x", {})->chunk_ids.size(), 2U);
  EXPECT_EQ(service().documents(context_, "notes", {})->documents.size(), 1U);
  EXPECT_EQ(service().count_documents(context_, "notes", {}), 1U);
  EXPECT_EQ(service().chunks_by_id(context_, "notes", std::vector<std::string>{"x#1", "y"}, {})->size(), 1U);
  EXPECT_EQ(service().split(context_, "notes", "one\n\ntwo")->size(), 1U);
}

TEST_F(ServiceRules, NoMoreRequestsAreAdmittedThanTheLimit) {
  options_.limits.max_in_flight = 2;
  auto first = service().admit();
  auto second = service().admit();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(service().admit().has_value());
  first.reset();
  auto third = service().admit();
  EXPECT_TRUE(third.has_value());
  auto moved = std::move(third);  // one place, whoever holds it
  EXPECT_FALSE(service().admit().has_value());
  const std::string metrics = service().metrics().render();
  EXPECT_NE(metrics.find("sextant_requests_in_flight 2\n"), std::string::npos);
  EXPECT_NE(metrics.find("sextant_requests_refused_total 2\n"), std::string::npos);
}

TEST_F(ServiceRules, AdmissionHoldsUnderManyThreads) {
  options_.limits.max_in_flight = 3;
  service();
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  threads.reserve(16);
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (const auto ticket = service().admit()) {
          const int now = ++inside;
          int seen = most.load();
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          --inside;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most.load(), 3);
  auto a = service().admit();
  auto b = service().admit();
  auto c = service().admit();
  EXPECT_TRUE(a && b && c);
}

TEST_F(ServiceRules, EveryVerbIsCountedWithItsOutcome) {
  embedder_->refuse("bad");
  ASSERT_TRUE(service().write(context_, request({upsert("notes", "x", {"a", "b"})})).has_value());
  ASSERT_TRUE(service().write(context_, request({upsert("notes", "y", {"bad"})})).has_value());
  static_cast<void>(service().library(context_, "nowhere"));
  TableQuery query;
  query.text = "a";
  ASSERT_TRUE(service().search(context_, "notes", {query}).has_value());
  const std::string metrics = service().metrics().render();
  for (const char* line : {
           R"(sextant_verb_calls_total{outcome="ok",verb="write"} 1)",
           R"(sextant_verb_calls_total{outcome="limit_exceeded",verb="write"} 1)",
           R"(sextant_verb_calls_total{outcome="library_not_found",verb="library"} 1)",
           R"(sextant_verb_duration_seconds_count{verb="write"} 2)",
           R"(sextant_verb_duration_seconds_count{verb="search"} 1)",
           R"(sextant_embedded_texts_total{outcome="ok",provider="fake",purpose="document"} 2)",
           R"(sextant_embedded_texts_total{outcome="failed",provider="fake",purpose="document"} 1)",
           R"(sextant_embedded_texts_total{outcome="ok",provider="fake",purpose="query"} 1)",
           "sextant_commit_sequence 1",
           "sextant_libraries 1",
           "sextant_log_bytes 4096",
           "sextant_table_providers 1",
       }) {
    EXPECT_NE(metrics.find(std::string(line) + "\n"), std::string::npos) << line << " is not in\n" << metrics;
  }
}

TEST_F(ServiceRules, HealthNamesWhatIsWrong) {
  const HealthReport well = service().health();
  EXPECT_TRUE(well.ready);
  ASSERT_EQ(well.checks.size(), 2U);
  EXPECT_EQ(well.checks[0].detail, "'native' serves at commit 0");
  EXPECT_EQ(well.checks[1].detail,
            "'fake' with model 'fake-model' of 4 dimensions, finds words, not meaning");

  embedder_->break_down();
  const HealthReport deaf = service().health();
  EXPECT_FALSE(deaf.ready);
  EXPECT_TRUE(deaf.checks[0].ok);
  EXPECT_FALSE(deaf.checks[1].ok);
  EXPECT_TRUE(deaf.checks[1].detail.ends_with(": broken down"));

  database_->fail_health(make_error(ErrorCode::kStorePoisoned, "a sync failed"));
  EXPECT_EQ(service().health().checks[0].detail, "store_poisoned: a sync failed");
}

TEST_F(ServiceRules, AServerWithoutAnEmbedderIsHealthy) {
  embedder_ = nullptr;
  const HealthReport report = service().health();
  EXPECT_TRUE(report.ready);
  EXPECT_TRUE(report.checks[1].ok);
}

TEST_F(ServiceRules, AfterClosingEveryVerbIsRefusedAndTheDatabaseIsClosedOnce) {
  database_->fail_close(make_error(ErrorCode::kIo, "no"));
  service();
  std::barrier together(4);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      together.arrive_and_wait();
      const Status status = service().close();
      ASSERT_FALSE(status.has_value());
      EXPECT_EQ(status.error().message, "no");
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(database_->close_calls(), 1U);
  EXPECT_EQ(service().library(context_, "notes").error().code, ErrorCode::kShuttingDown);
  EXPECT_EQ(service().write(context_, request({})).error().code, ErrorCode::kShuttingDown);
  EXPECT_FALSE(service().health().ready);
}

}  // namespace
}  // namespace sextant
