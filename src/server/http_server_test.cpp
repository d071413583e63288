// The HTTP server alone, over an application made for the purpose, against a client that misbehaves.
#include "server/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "server/testing/http_client.h"

namespace sextant {
namespace {

/// Answers by path: /echo the body, /inline at once, /aside on threads of its own, /lines the size of a
/// streamed body, /hold when it is let go, on a writer, and /hold/read on a reader, /big many bytes.
class TestApplication final : public HttpApplication {
 public:
  std::unique_ptr<HttpExchange> begin(const RequestHead& head) override {
    auto exchange = std::make_unique<TestExchange>(*this, std::string(head.target()));
    const std::string& path = exchange->path;
    exchange->place = path == "/inline"  ? WorkPlace::kInline
                      : path == "/aside" ? WorkPlace::kAside
                      : path == "/hold"  ? WorkPlace::kWrite
                                         : WorkPlace::kRead;
    exchange->body_use = path.starts_with("/lines") ? BodyUse::kStreamed
                         : path == "/echo"          ? BodyUse::kWhole
                                                    : BodyUse::kIgnored;
    exchange->max_body_bytes = max_body_bytes;
    return exchange;
  }
  HttpResponse refuse(int status, Error error) override { return text(status, error.message); }

  static HttpResponse text(int status, std::string body) {
    return {.status = status, .content_type = "text/plain", .body = std::move(body)};
  }

  std::latch entered{1};
  std::latch let_go{1};
  std::atomic<int> alive{0};
  std::size_t max_body_bytes = 100'000;  // to be set before the first request

 private:
  struct TestExchange final : HttpExchange {
    TestExchange(TestApplication& a, std::string p) : application(a), path(std::move(p)) {
      ++application.alive;
    }
    ~TestExchange() override { --application.alive; }
    TestExchange(const TestExchange&) = delete;
    TestExchange& operator=(const TestExchange&) = delete;

    HttpResponse respond(std::string body) override {
      if (path == "/hold/read") application.let_go.wait();
      if (path == "/hold") {
        application.entered.count_down();
        application.let_go.wait();
      }
      if (path == "/big") return text(200, std::string(64U << 20U, 'b'));
      return text(200, path == "/echo" ? std::move(body) : path);
    }
    std::optional<HttpResponse> feed(std::string_view piece) override {
      fed += piece.size();
      if (path == "/lines/early" && fed > 0) return text(422, "enough");
      return std::nullopt;
    }
    HttpResponse finish() override { return text(200, std::to_string(fed)); }
    HttpResponse refuse(int status, Error error) override { return text(status, error.message); }

    TestApplication& application;
    std::string path;
    std::size_t fed = 0;
  };
};

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    options_.address = *parse_listen_address("127.0.0.1:0");
    options_.tick_ms = 10;
    options_.read_threads = 2;
    options_.write_threads = 4;
  }
  HttpServer& server() {
    if (!server_) {
      auto started = HttpServer::start(options_, application_);
      if (!started) throw std::runtime_error(started.error().to_string());
      server_ = *std::move(started);
    }
    return *server_;
  }
  HttpClient connect() { return HttpClient(server().address()); }

  TestApplication application_;
  HttpServerOptions options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersManyRequestsOnOneConnection) {
  HttpClient client = connect();
  for (int i = 0; i < 20; ++i) {
    const HttpAnswer answer = client.ask("POST", "/echo", "body " + std::to_string(i));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "body " + std::to_string(i));
    EXPECT_EQ(answer.header("Content-Type"), "text/plain");
    EXPECT_EQ(answer.header("Date").size(), 29U);
    EXPECT_EQ(answer.header("Connection"), "");
  }
  EXPECT_EQ(server().stats().connections, 1U);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInTheirOrder) {
  HttpClient client = connect();
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests +=
        i % 3 == 0 ? http_request("GET", "/inline") : http_request("POST", "/echo", std::to_string(i));
  }
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(client.read().body, i % 3 == 0 ? "/inline" : std::to_string(i));
}

TEST_F(HttpServerTest, ServesManyConnectionsAtOnce) {
  std::vector<HttpClient> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(connect());
  for (auto& client : clients) ASSERT_TRUE(client.send(http_request("POST", "/echo", "hello")));
  for (auto& client : clients) EXPECT_EQ(client.read().body, "hello");
  EXPECT_EQ(server().stats().connections, 200U);
}

TEST_F(HttpServerTest, RunsOnSeveralThreads) {
  options_.io_threads = 3;
  std::vector<std::jthread> threads;
  std::atomic<int> right{0};
  server();
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      HttpClient client(server_->address());
      for (int i = 0; i < 100; ++i) right += client.ask("POST", "/echo", "x").body == "x" ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(right.load(), 400);
}

TEST_F(HttpServerTest, ReadsChunkedBodies) {
  HttpClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().body, "abcde");
  EXPECT_EQ(client.ask("GET", "/inline").body, "/inline");
}

TEST_F(HttpServerTest, RefusesALargeBodyBeforeItIsSent) {
  HttpClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n");
  const HttpAnswer answer = client.read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body, "the request's body exceeds 100000 bytes");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, RefusesAChunkedBodyWhereItGrowsTooLarge) {
  HttpClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  for (int i = 0; i < 10; ++i) client.send(chunk);
  EXPECT_EQ(client.read().status, 413);
}

TEST_F(HttpServerTest, AClientThatSendsOnSeesTheRefusalAllTheSame) {
  HttpClient client = connect();
  const std::string body(20U << 20U, 'x');
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  EXPECT_TRUE(client.send(body)) << "the server reads on until the client is through";
  client.finish_sending();
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, InvitesABodyThatFits) {
  HttpClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100);
  client.send("ok");
  EXPECT_EQ(client.read().body, "ok");
}

TEST_F(HttpServerTest, SkipsASmallBodyThatNobodyWants) {
  HttpClient client = connect();
  EXPECT_EQ(client.ask("POST", "/inline", std::string(50'000, 'x')).body, "/inline");
  EXPECT_EQ(client.ask("GET", "/inline").body, "/inline");
  const HttpAnswer large = client.ask("POST", "/inline", std::string(70'000, 'x'));
  EXPECT_EQ(large.body, "/inline");
  EXPECT_EQ(large.header("Connection"), "close");
}

TEST_F(HttpServerTest, StreamsABodyOfAnySize) {
  HttpClient client = connect();
  EXPECT_EQ(client.ask("POST", "/lines", std::string(3U << 20U, 'x')).body, std::to_string(3U << 20U));
  EXPECT_EQ(client.ask("POST", "/lines").body, "0");
  client.send("POST /lines HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().body, "1");
  while (server().stats().buffered_bytes > 0) std::this_thread::yield();
}

TEST_F(HttpServerTest, AnAnswerMayEndAStream) {
  HttpClient client = connect();
  const std::string body(10U << 20U, 'x');
  EXPECT_TRUE(client.send(http_request("POST", "/lines/early", body)));
  client.finish_sending();
  const HttpAnswer answer = client.read();
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.header("Connection"), "close");
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  const auto status_of = [&](std::string_view bytes) {
    HttpClient client = connect();
    client.send(bytes);
    const HttpAnswer answer = client.read();
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_TRUE(client.is_closed());
    return answer.status;
  };
  EXPECT_EQ(status_of("hello\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"), 501);
  EXPECT_EQ(status_of("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400);
  EXPECT_EQ(status_of("POST /lines HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), 400);
}

TEST_F(HttpServerTest, KeepsOrClosesAConnectionAsTheClientAsks) {
  HttpClient old = connect();
  old.send("GET /inline HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read().header("Connection"), "close");
  EXPECT_TRUE(old.is_closed());
  HttpClient kept = connect();
  kept.send("GET /inline HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.read().header("Connection"), "keep-alive");
  EXPECT_EQ(kept.ask("GET", "/inline", {}, "Connection: close\r\n").header("Connection"), "close");
  EXPECT_TRUE(kept.is_closed());
}

TEST_F(HttpServerTest, HeadGetsTheHeadAlone) {
  HttpClient client = connect();
  const HttpAnswer answer = client.ask("HEAD", "/inline");
  EXPECT_EQ(answer.header("Content-Length"), "7");
  EXPECT_EQ(client.ask("GET", "/inline").body, "/inline");
}

TEST_F(HttpServerTest, AnswersAClientThatStopsSending) {
  HttpClient client = connect();
  client.send(http_request("POST", "/echo", "last"));
  client.finish_sending();
  EXPECT_EQ(client.read().body, "last");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, ClientsThatVanishHarmNobody) {
  for (const char* part : {"", "GET", "GET / HTTP/1.1\r\nHost: h\r\n",
                           "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
                           "POST /lines HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"}) {
    HttpClient client = connect();
    client.send(part);
    client.close();
  }
  HttpClient waiting = connect();
  waiting.send(http_request("GET", "/hold"));
  application_.entered.wait();
  waiting.close();
  application_.let_go.count_down();
  EXPECT_EQ(connect().ask("POST", "/echo", "still here").body, "still here");
  server_->stop(HttpClient::kPatienceMs);
  EXPECT_EQ(application_.alive.load(), 0);
}

TEST_F(HttpServerTest, EndsRequestsThatDoNotArrive) {
  options_.header_timeout_ms = 50;
  options_.transfer_timeout_ms = 50;
  HttpClient head = connect();
  head.send("GET /inline HTTP/1.1\r\nHost:");
  EXPECT_EQ(head.read().status, 408);
  EXPECT_TRUE(head.is_closed());
  for (const char* path : {"/echo", "/lines"}) {
    HttpClient body = connect();
    body.send("POST " + std::string(path) + " HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
    EXPECT_EQ(body.read().status, 408) << path;
    EXPECT_TRUE(body.is_closed());
  }
}

TEST_F(HttpServerTest, EndsABodyThatTricklesIn) {
  options_.transfer_timeout_ms = 100;
  options_.min_transfer_rate = 1'000'000'000;
  HttpClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  // Each byte comes in time, and all of them never would.
  for (int i = 0; i < 90'000 && !client.has_answer(); ++i) client.send("x");
  EXPECT_EQ(client.read().status, 408);
}

TEST_F(HttpServerTest, EndsAStreamThatTricklesIn) {
  options_.transfer_timeout_ms = 100;
  options_.min_transfer_rate = 1'000'000'000;
  HttpClient client = connect();
  client.send("POST /lines HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 90'000 && !client.has_answer(); ++i) client.send("x");
  EXPECT_EQ(client.read().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, ClosesConnectionsThatAskNothing) {
  options_.idle_timeout_ms = 50;
  HttpClient never = connect();
  EXPECT_TRUE(never.is_closed());
  HttpClient once = connect();
  EXPECT_EQ(once.ask("GET", "/inline").status, 200);
  EXPECT_TRUE(once.is_closed());
}

TEST_F(HttpServerTest, CutsClientsThatDoNotTakeTheirAnswer) {
  options_.transfer_timeout_ms = 50;
  options_.min_transfer_rate = 1'000'000'000;
  HttpClient client = connect();
  client.send(http_request("GET", "/big"));
  while (server().stats().connections == 0) std::this_thread::yield();
  while (server().stats().connections > 0) std::this_thread::yield();
  EXPECT_EQ(client.read().status, 0) << "the answer was cut";
}

TEST_F(HttpServerTest, CutsClientsThatTakeNothingHoweverLongTheirAnswerMayTake) {
  options_.transfer_timeout_ms = 50;
  options_.min_transfer_rate = 1;  // two years for this answer
  HttpClient client = connect();
  client.send(http_request("GET", "/big"));
  while (server().stats().connections == 0) std::this_thread::yield();
  while (server().stats().connections > 0) std::this_thread::yield();
  EXPECT_EQ(client.read().status, 0) << "the answer was cut";
}

TEST_F(HttpServerTest, CountsAnswersUntilTheyAreTaken) {
  options_.max_buffered_bytes = 1U << 20U;
  HttpClient slow = connect();
  slow.send(http_request("GET", "/big"));
  while (server().stats().buffered_bytes < (64U << 20U)) std::this_thread::yield();
  HttpClient other = connect();
  EXPECT_EQ(other.ask("GET", "/read").status, 429) << "no more answers than there is memory for";
  EXPECT_EQ(other.ask("POST", "/echo", "x").status, 429);
  EXPECT_EQ(connect().ask("GET", "/inline").status, 200);
  EXPECT_EQ(slow.read().body.size(), 64U << 20U);
  while (server().stats().buffered_bytes > 0) std::this_thread::yield();
  EXPECT_EQ(connect().ask("GET", "/read").status, 200);
}

TEST_F(HttpServerTest, AnswersAsideWhileAllOthersAreBusy) {
  options_.read_threads = 1;
  options_.write_threads = 1;
  HttpClient busy = connect();
  busy.send(http_request("GET", "/hold"));
  HttpClient busy_reader = connect();
  busy_reader.send(http_request("GET", "/hold/read"));
  application_.entered.wait();
  EXPECT_EQ(connect().ask("GET", "/aside").body, "/aside");
  application_.let_go.count_down();
  EXPECT_EQ(busy.read().body, "/hold");
  EXPECT_EQ(busy_reader.read().body, "/hold/read");
}

TEST_F(HttpServerTest, TurnsAwayConnectionsBeyondTheLimit) {
  options_.max_connections = 2;
  HttpClient a = connect();
  HttpClient b = connect();
  EXPECT_EQ(a.ask("GET", "/inline").status, 200);
  EXPECT_EQ(b.ask("GET", "/inline").status, 200);
  HttpClient c = connect();
  const HttpAnswer refused = c.read();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "1");
  EXPECT_TRUE(c.is_closed());
  EXPECT_EQ(a.ask("GET", "/inline").status, 200);
}

TEST_F(HttpServerTest, RefusesBodiesBeyondTheMemoryForThem) {
  options_.max_buffered_bytes = 60'000;
  HttpClient first = connect();
  first.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\nx");
  while (server().stats().buffered_bytes == 0) std::this_thread::yield();
  HttpClient second = connect();
  EXPECT_EQ(second.ask("POST", "/echo", std::string(20'000, 'x')).status, 429);
  first.send(std::string(49'999, 'x'));
  EXPECT_EQ(first.read().status, 200);
  while (server().stats().buffered_bytes > 0) std::this_thread::yield();
  EXPECT_EQ(connect().ask("POST", "/echo", std::string(20'000, 'x')).status, 200);
}

TEST_F(HttpServerTest, ABodyCountsAsFarAsItCameNotAsItIsClaimed) {
  application_.max_body_bytes = 50U << 20U;
  options_.max_buffered_bytes = 1U << 20U;
  std::vector<HttpClient> claimers;
  for (int i = 0; i < 4; ++i) {
    claimers.push_back(connect());
    claimers.back().send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\nx");
  }
  while (server().stats().buffered_bytes == 0) std::this_thread::yield();
  EXPECT_EQ(connect().ask("POST", "/echo", std::string(20'000, 'x')).status, 200);
  claimers.front().send(std::string(2U << 20U, 'x'));
  EXPECT_EQ(claimers.front().read().status, 429) << "where it grows beyond the memory";
}

TEST_F(HttpServerTest, StopsWhenRequestsInFlightAreAnswered) {
  HttpClient idle = connect();
  EXPECT_EQ(idle.ask("GET", "/inline").status, 200);
  HttpClient busy = connect();
  busy.send(http_request("GET", "/hold"));
  application_.entered.wait();
  std::jthread stopping([&] { server_->stop(HttpClient::kPatienceMs); });
  EXPECT_TRUE(idle.is_closed()) << "an idle connection is closed at once";
  EXPECT_EQ(application_.alive.load(), 1);
  application_.let_go.count_down();
  const HttpAnswer answer = busy.read();
  EXPECT_EQ(answer.body, "/hold");
  EXPECT_EQ(answer.header("Connection"), "close");
  stopping.join();
  EXPECT_EQ(application_.alive.load(), 0);
  EXPECT_EQ(server_->stats().connections, 0U);
}

TEST_F(HttpServerTest, StopsThoughAClientDoesNotTakeItsAnswer) {
  HttpClient client = connect();
  client.send(http_request("GET", "/big"));
  HttpClient half = connect();
  half.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  while (server().stats().buffered_bytes <= (64U << 20U)) std::this_thread::yield();
  server_->stop(20);
  EXPECT_EQ(server_->stats().connections, 0U);
  EXPECT_TRUE(half.is_closed());
}

TEST_F(HttpServerTest, SaysThatAnAddressIsInUse) {
  HttpServerOptions second = options_;
  second.address = *parse_listen_address(server().address());
  const auto started = HttpServer::start(second, application_);
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().message,
            "cannot listen on " + server().address() + ": the address is already in use by another process");
}

TEST_F(HttpServerTest, ListensOnVersionSixToo) {
  options_.address = *parse_listen_address("[::1]:0");
  auto started = HttpServer::start(options_, application_);
  if (!started) GTEST_SKIP() << "no IPv6 here: " << started.error().message;
  server_ = *std::move(started);
  EXPECT_EQ(connect().ask("GET", "/inline").body, "/inline");
}

}  // namespace
}  // namespace sextant
