// The whole server over TCP, on the engine.
#include "server/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <latch>
#include <thread>

#include "providers/testing/fake_embedder.h"
#include "server/testing/hooked_database.h"
#include "server/testing/http_client.h"

namespace sextant {
namespace {

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options_.listen = "127.0.0.1:0";
    options_.access_log = false;
  }
  Server& server() {
    if (!server_) server_ = Server::start(service_, options_).value();
    return *server_;
  }
  HttpClient connect() { return HttpClient(server().address()); }
  static constexpr std::string_view kNotes =
      R"({"name": "notes", "vectors": {"embedding": {"dimension": 4}}})";

  std::shared_ptr<HookedDatabase> database_ = std::make_shared<HookedDatabase>();
  Service service_{database_, std::make_shared<FakeEmbedder>(), {}};
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, ServesWriteAndSearch) {
  HttpClient client = connect();
  ASSERT_EQ(client.ask("POST", "/v1/libraries", kNotes).status, 201);
  ASSERT_EQ(client.ask("PUT", "/v1/libraries/notes/documents/a%2Fb", R"({"text": "hello"})").status, 201);
  const HttpAnswer answer = client.ask("POST", "/v1/libraries/notes/search", R"({"text": "hello"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(R"("chunk_id":"a/b#0")"), std::string::npos) << answer.body;
  const HttpAnswer head = client.ask("HEAD", "/v1/libraries/notes/documents/a%2Fb");
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(head.header("ETag"), "");
  EXPECT_EQ(client.ask("OPTIONS", "/v1/libraries").status, 204);
  EXPECT_EQ(client.ask("GET", "/health/live").body, R"({"status":"ok"})");
}

TEST_F(ServerTest, RefusesAnAddressThatOthersReachWithoutAKey) {
  options_.listen = "0.0.0.0:0";
  const auto refused = Server::start(service_, options_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Server::check(options_).error().code, ErrorCode::kInvalidArgument);
  options_.api_keys = {{.secret = ""}};
  EXPECT_EQ(Server::start(service_, options_).error().code, ErrorCode::kInvalidArgument);
  options_.api_keys = {{.secret = "key"}};
  EXPECT_TRUE(Server::start(service_, options_).has_value());
  options_.listen = "nowhere:1";
  EXPECT_EQ(Server::start(service_, options_).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ServerTest, AsksForTheKey) {
  options_.api_keys = {{.secret = "key"}};
  HttpClient client = connect();
  EXPECT_EQ(client.ask("GET", "/v1/libraries").status, 401);
  EXPECT_EQ(client.ask("POST", "/v1/libraries", std::string(50'000, 'x')).status, 401)
      << "its body is skipped";
  EXPECT_EQ(client.ask("GET", "/v1/libraries", {}, "Authorization: Bearer key\r\n").status, 200);
}

TEST_F(ServerTest, RefusesABodyBeforeReadingIt) {
  HttpClient client = connect();
  client.send(
      "POST /v1/libraries HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
      "99999999999\r\n"
      "Expect: 100-continue\r\n\r\n");
  const HttpAnswer answer = client.read();
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_NE(answer.body.find("payload_too_large"), std::string::npos);
}

TEST_F(ServerTest, UploadsLinesWithoutALengthAndSaysWhichOneFailed) {
  HttpClient client = connect();
  ASSERT_EQ(client.ask("POST", "/v1/libraries", kNotes).status, 201);
  client.send(
      "POST /v1/libraries/notes/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/x-ndjson\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  const std::string line = R"({"chunks": [{"vector": [1, 0, 0, 0]}]})"
                           "\n";
  char size[16];
  for (int i = 0; i < 3000; ++i) {
    const std::string text = i == 2500 ? "oops\n" : line;
    client.send(std::string(size, static_cast<std::size_t>(
                                      std::snprintf(size, sizeof(size), "%zx\r\n", text.size()))) +
                text + "\r\n");
  }
  client.send("0\r\n\r\n");
  const HttpAnswer answer = client.read();
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find(R"("committed":2500,"failed":{"line":2501)"), std::string::npos) << answer.body;
}

TEST_F(ServerTest, AnUploadThatBreaksOffCommitsNoPartOfItsLastBatch) {
  HttpClient client = connect();
  ASSERT_EQ(client.ask("POST", "/v1/libraries", kNotes).status, 201);
  client.send(
      "POST /v1/libraries/notes/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "application/x-ndjson\r\n"
      "Content-Length: 100\r\n\r\n"
      R"({"id": "a"})"
      "\n");
  client.finish_sending();
  const HttpAnswer answer = client.read();
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(connect().ask("GET", "/v1/libraries/notes/documents/a").status, 404);
}

TEST_F(ServerTest, FinishesAWriteInFlightBeforeItStops) {
  HttpClient client = connect();
  ASSERT_EQ(client.ask("POST", "/v1/libraries", kNotes).status, 201);
  std::latch entered{1};
  std::latch let_go{1};
  database_->before_write([&] {
    entered.count_down();
    let_go.wait();
  });
  client.send(http_request("PUT", "/v1/libraries/notes/documents/a", "{}"));
  entered.wait();
  HttpClient idle = connect();
  std::jthread stopping([&] { server_->stop(HttpClient::kPatienceMs); });
  EXPECT_TRUE(idle.is_closed());
  let_go.count_down();
  EXPECT_EQ(client.read().status, 201);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(ServerTest, ManyClientsAtOnceGetTheirOwnAnswers) {
  ASSERT_EQ(connect().ask("POST", "/v1/libraries", kNotes).status, 201);
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> clients;
    for (int c = 0; c < 8; ++c) {
      clients.emplace_back([&, c] {
        HttpClient client(server_->address());
        for (int i = 0; i < 25; ++i) {
          const std::string id = std::to_string(c) + "-" + std::to_string(i);
          client.ask("PUT", "/v1/libraries/notes/documents/" + id, R"({"metadata": {"id": ")" + id + "\"}}");
          const HttpAnswer answer = client.ask("GET", "/v1/libraries/notes/documents/" + id);
          right += answer.body.find(R"("metadata":{"id":")" + id + "\"}") != std::string::npos ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(right.load(), 200);
}

}  // namespace
}  // namespace sextant
