// What holds for every route: bodies, keys, deadlines, traces, limits, idempotency, methods, what is not
// built.
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "base/checksum.h"
#include "base/clock.h"
#include "server/testing/api_fixture.h"

namespace sextant {
namespace {

using ApiRules = ApiFixture;

TEST_F(ApiRules, BodiesAreJsonAndSayNothingUnknown) {
  make_notes();
  const std::string path = "/v1/libraries/notes/search";
  EXPECT_EQ(told(post(path, "{")), "400 invalid_argument");
  EXPECT_EQ(told(post(path, "[]")), "400 invalid_argument");
  EXPECT_EQ(told(post(path, R"({"k": 1, "k": 2})")), "400 invalid_argument");
  EXPECT_EQ(told(post(path, "")), "400 invalid_argument");
  EXPECT_EQ(told(post(path, R"({"vektor": [1]})")), "422 invalid_argument vektor");
  EXPECT_EQ(told(post(path, "{}", {{"Content-Type", "text/plain"}})), "415 unsupported_media_type");
  EXPECT_EQ(told(post(path, "{}", {{"Content-Type", "application/x-ndjson"}})), "415 unsupported_media_type");
  EXPECT_EQ(told(post(path, "{}", {{"Content-Encoding", "gzip"}})), "415 unsupported_media_type");
  EXPECT_EQ(post(path, R"({"text": "x"})", {{"Content-Type", "Application/JSON; charset=utf-8"}}).status,
            200);
}

TEST_F(ApiRules, UnknownPathsAndMethodsAreTold) {
  EXPECT_EQ(told(get("/v2")), "404 route_not_found");
  EXPECT_EQ(told(get("/v1/libraries/%ff")), "400 invalid_argument");
  const HttpAnswer wrong = ask(HttpMethod::kPut, "/v1/libraries");
  EXPECT_EQ(told(wrong), "405 method_not_allowed");
  EXPECT_EQ(wrong.header("Allow"), "GET, HEAD, POST, OPTIONS");
  const HttpAnswer options = ask(HttpMethod::kOptions, "/v1/libraries");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(ask(HttpMethod::kHead, "/health/live").status, 200);
}

TEST_F(ApiRules, RoutesThatAreNotBuiltSaySo) {
  for (const Route& route : api().routes()) {
    if (route.built) continue;
    std::string path = route.pattern;
    for (std::size_t open = path.find('{'); open != std::string::npos; open = path.find('{')) {
      path.replace(open, path.find('}') - open + 1, "x");
    }
    EXPECT_EQ(told(ask(route.method, path, route.method == HttpMethod::kPost ? "{}" : "")),
              "422 not_supported_yet")
        << path;
  }
}

TEST_F(ApiRules, WithAKeyAlmostEverythingWantsIt) {
  api_options_.keys = {{.name = "ann", .secret = "k1", .role = Role::kReader},
                       {.name = "bob", .secret = "k2"}};
  const HttpAnswer refused = get("/v1/libraries");
  EXPECT_EQ(told(refused), "401 unauthenticated");
  EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(told(get("/v1/nothing")), "401 unauthenticated") << "not even what exists is told";
  EXPECT_EQ(told(get("/metrics")), "401 unauthenticated");
  EXPECT_EQ(told(get("/v1/libraries", {{"Authorization", "Bearer k3"}})), "401 unauthenticated");
  for (const char* open : {"/health/live", "/health/ready", "/openapi.json", "/docs"})
    EXPECT_EQ(get(open).status, 200);
  EXPECT_EQ(get("/v1/libraries", {{"Authorization", "Bearer k1"}}).status, 200);
  EXPECT_EQ(told(post("/v1/libraries", R"({"name": "x"})", {{"Authorization", "Bearer k1"}})),
            "403 permission_denied");
  EXPECT_EQ(post("/v1/libraries", R"({"name": "x"})", {{"Authorization", "Bearer k2"}}).status, 201);
}

TEST_F(ApiRules, TracesGoOnAndComeBack) {
  const HttpAnswer answer =
      get("/v1/nothing", {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
  EXPECT_EQ(at(answer, "trace_id"), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(answer.header("traceparent").substr(0, 36), "00-0af7651916cd43dd8448eb211c80319c-");
}

TEST_F(ApiRules, DeadlinesEndWorkThatTakesTooLong) {
  EXPECT_EQ(told(get("/v1/libraries", {{"X-Deadline-Ms", "soon"}})), "422 invalid_argument X-Deadline-Ms");
  EXPECT_EQ(get("/v1/libraries", {{"X-Deadline-Ms", "60000"}}).status, 200);
  RequestHead head;
  head.set_target("/v1/libraries");
  head.method = HttpMethod::kGet;
  head.add_header("X-Deadline-Ms", "1");
  const auto exchange = api().begin(head);
  const std::int64_t passed_ns = system_clock().monotonic_ns() + 1'000'000;
  while (system_clock().monotonic_ns() < passed_ns) std::this_thread::yield();
  EXPECT_EQ(exchange->respond({}).status, 504);
}

TEST_F(ApiRules, ADeadlineThatPassesAfterTheCommitMakesNoFailureOfIt) {
  constexpr std::int64_t kDeadlineMs = 2'000;  // enough to get to the commit on a slow machine
  api();
  const std::int64_t passed_ns = system_clock().monotonic_ns() + (kDeadlineMs + 100) * 1'000'000;
  database_->after_write([&] {
    while (system_clock().monotonic_ns() <= passed_ns) std::this_thread::yield();
  });
  const HttpAnswer made =
      post("/v1/libraries", R"({"name": "late"})", {{"X-Deadline-Ms", std::to_string(kDeadlineMs)}});
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(at(made, "library", "name"), "default.late");
}

TEST_F(ApiRules, WithoutAKeyOnlyNamesOfThisMachineAreAnswered) {
  for (const char* host :
       {"localhost", "LocalHost:7878", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:7878"}) {
    EXPECT_EQ(get("/v1/libraries", {{"Host", host}}).status, 200) << host;
  }
  for (const char* host :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7878", "10.0.0.1:7878",
        "0.0.0.0", "[::2]", "[::1", "localhost:80:80", "localhost@evil"}) {
    const HttpAnswer refused = get("/v1/libraries", {{"Host", host}});
    EXPECT_EQ(told(refused), "403 permission_denied") << host;
    EXPECT_NE(at(refused, "detail").as_string().find("'" + std::string(host) + "'"), std::string::npos);
  }
  EXPECT_EQ(told(get("/openapi.json", {{"Host", "evil.example"}})), "403 permission_denied");
  reset();
  api_options_.keys = {{.secret = "k"}};
  EXPECT_EQ(get("/v1/libraries", {{"Host", "any.example"}, {"Authorization", "Bearer k"}}).status, 200);
  EXPECT_EQ(get("/health/live", {{"Host", "any.example"}}).status, 200);
}

TEST_F(ApiRules, ABodyWhereNoneIsTakenIsRefused) {
  make_notes();
  const std::string path = "/v1/libraries/notes/documents/a";
  ASSERT_EQ(ask(HttpMethod::kPut, path, "{}").status, 201);
  const HttpAnswer refused = ask(HttpMethod::kDelete, path, R"({"if_match": "9"})");
  EXPECT_EQ(told(refused), "400 invalid_argument");
  EXPECT_EQ(at(refused, "detail"), "DELETE /v1/libraries/{library}/documents/{id} takes no body");
  EXPECT_EQ(told(ask(HttpMethod::kGet, path, "{}")), "400 invalid_argument");
  EXPECT_EQ(told(ask(HttpMethod::kGet, "/health/live", "{}")), "400 invalid_argument");
  EXPECT_EQ(get(path).status, 200) << "nothing was deleted";
}

TEST_F(ApiRules, RequestsBeyondTheLimitAreToldToComeBack) {
  service_options_.limits.max_in_flight = 1;
  make_notes();
  std::latch entered{1};
  std::latch let_go{1};
  database_->before_write([&] {
    entered.count_down();
    let_go.wait();
  });
  std::jthread writer(
      [&] { EXPECT_EQ(ask(HttpMethod::kPut, "/v1/libraries/notes/documents/a", "{}").status, 201); });
  entered.wait();
  const HttpAnswer refused = get("/v1/libraries");
  EXPECT_EQ(told(refused), "429 backpressure");
  EXPECT_EQ(refused.header("Retry-After"), "1");
  for (const char* always : {"/health/live", "/health/ready", "/health", "/metrics"}) {
    EXPECT_EQ(get(always).status, 200) << always << " says how it is above all when much is to be done";
  }
  let_go.count_down();
  writer.join();
  EXPECT_EQ(get("/v1/libraries").status, 200);
}

TEST_F(ApiRules, IdempotencyKeysNameUserRouteAndRequest) {
  make_notes();
  const std::string path = "/v1/libraries/notes/documents/a";
  const std::string body = R"({"metadata": {}})";
  ASSERT_EQ(ask(HttpMethod::kPut, path, body, {{"Idempotency-Key", "k1"}}).status, 201);
  const auto key = database_->writes().back().idempotency;
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->key, "k1");
  EXPECT_EQ(key->scope, "local PUT /v1/libraries/default.notes/documents/{id}");
  EXPECT_EQ(key->request_hash, sha256_hex("PUT " + path + "\n" + body));
  ASSERT_EQ(ask(HttpMethod::kDelete, path).status, 200);
  EXPECT_FALSE(database_->writes().back().idempotency.has_value());
  EXPECT_EQ(told(ask(HttpMethod::kPut, path, body, {{"Idempotency-Key", ""}})),
            "422 invalid_argument Idempotency-Key");
  EXPECT_EQ(get(path + "", {{"Idempotency-Key", "\x01"}}).status, 404) << "reads do not look at it";
}

TEST_F(ApiRules, ARepeatGetsTheFirstAnswerByteForByte) {
  make_notes();
  const std::string path = "/v1/libraries/notes/documents";
  const std::string body = R"({"documents": [{"metadata": {"n": 1}}, {"metadata": {"n": 2}}]})";
  const HttpAnswer first = post(path, body, {{"Idempotency-Key", "k"}});
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.header("Idempotency-Replayed"), "");
  const HttpAnswer again = post(path, body, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(again.body, first.body) << "the ids that were given too";
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(at(get(path + "?count=true"), "total"), 2);
  EXPECT_EQ(told(post(path, R"({"documents": [{}]})", {{"Idempotency-Key", "k"}})),
            "422 idempotency_key_reused");

  const HttpAnswer lines = upload(path, "{\"id\": \"l\"}\n", 100, {{"Idempotency-Key", "k2"}});
  const HttpAnswer lines_again = upload(path, "{\"id\": \"l\"}\n", 3, {{"Idempotency-Key", "k2"}});
  EXPECT_EQ(lines_again.body, lines.body);
  EXPECT_EQ(lines_again.header("Idempotency-Replayed"), "true");

  const std::string library = R"({"name": "once"})";
  ASSERT_EQ(post("/v1/libraries", library, {{"Idempotency-Key", "k3"}}).status, 201);
  ASSERT_EQ(ask(HttpMethod::kDelete, "/v1/libraries/once").status, 200);
  const HttpAnswer dropped = post("/v1/libraries", library, {{"Idempotency-Key", "k3"}});
  EXPECT_EQ(dropped.status, 201);
  EXPECT_TRUE(at(dropped, "library").is_null()) << "it was created then, and is gone now";
}

TEST_F(ApiRules, HealthSaysWhatIsWrong) {
  EXPECT_EQ(json(get("/health/live")).to_string(), R"({"status":"ok"})");
  EXPECT_EQ(at(get("/health/ready"), "status"), "ready");
  database_->fail_health(make_error(ErrorCode::kStorePoisoned, "a sync failed"));
  const HttpAnswer failed = get("/health/ready");
  EXPECT_EQ(failed.status, 503);
  EXPECT_EQ(at(failed, "status"), "failed");
  EXPECT_EQ(at(failed, "checks", 0, "ok"), false);
  const HttpAnswer details = get("/health");
  EXPECT_EQ(details.status, 200);
  EXPECT_EQ(at(details, "status"), "failed");
  api().facts().stopping.store(true);
  EXPECT_EQ(at(get("/health/ready"), "status"), "stopping");
}

TEST_F(ApiRules, StatusAndMetricsTellTheState) {
  make_notes();
  const HttpAnswer status = get("/v1/status");
  EXPECT_EQ(at(status, "version"), build_version());
  EXPECT_EQ(at(status, "libraries"), 1);
  EXPECT_EQ(at(status, "embedder", "dimension"), 4);
  EXPECT_EQ(get("/v1/nothing").status, 404);
  const std::string metrics = get("/metrics").body;
  EXPECT_NE(metrics.find("sextant_http_requests_total{status=\"404\"} 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("create_library"), std::string::npos) << "the service's own metrics are there too";
}

TEST_F(ApiRules, ErrorsOfTheStoreBecomeTheirStatus) {
  make_notes();
  service().close().value();
  const HttpAnswer closed = ask(HttpMethod::kPut, "/v1/libraries/notes/documents/a", "{}");
  EXPECT_EQ(told(closed), "503 shutting_down");
  EXPECT_EQ(closed.header("Retry-After"), "5");
}

TEST_F(ApiRules, TextWithoutAnEmbedderIsUnavailable) {
  embedder_ = nullptr;
  make_notes();
  EXPECT_EQ(told(post("/v1/libraries/notes/search", R"({"text": "x"})")).substr(0, 25),
            "503 embedding_unavailable");
  EXPECT_EQ(post("/v1/libraries/notes/search", R"({"vector": [1, 0, 0, 0]})").status, 200);
  EXPECT_TRUE(at(get("/v1/status"), "embedder").is_null());
}

}  // namespace
}  // namespace sextant
