// HttpConnection: one client's connection, and what all connections of a server share. Private to the HTTP
// server: this header includes Asio.
//
// Thread rule: a connection lives on one I/O thread; only the work of its exchanges leaves it.
#pragma once

// clang-format off
#include <utility>  // first: Asio of Boost 1.74 uses std::exchange and does not include it
// clang-format on
#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>

#include "base/mutex.h"
#include "base/thread_pool.h"
#include "server/http_server.h"
#include "server/request_parser.h"

namespace sextant {

class HttpConnection;

/// An I/O thread: its queue of work, its connections, and what they share because only one of them runs at a
/// time.
struct IoThread {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
  boost::asio::steady_timer timer{context};
  std::unordered_set<HttpConnection*> connections;
  std::int64_t now_ns = 0;  // of the last tick
  std::string date;         // as the Date header has it
  std::array<char, 64U << 10U> scratch{};
  std::thread thread;
};

/// What all connections of a server share.
struct HttpCore {
  HttpCore(HttpServerOptions o, HttpApplication& a);

  const HttpServerOptions options;
  HttpApplication& application;
  std::atomic<bool> stopping{false};
  std::atomic<std::size_t> buffered_bytes{0};
  ThreadPool readers;
  ThreadPool writers;
  ThreadPool aside;

  Mutex mutex;
  ConditionVariable quiet;
  std::size_t connections GUARDED_BY(mutex) = 0;
};

class HttpConnection {
 public:
  /// The server has counted the connection; its end counts it off.
  HttpConnection(boost::asio::ip::tcp::socket socket, IoThread& thread, HttpCore& core);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// Serves until either side has had enough.
  boost::asio::awaitable<void> run();

  void on_tick();
  /// The server stops: a connection that waits for its next request has nothing to wait for.
  void on_stop();
  /// Ends it now; an exchange at work ends by itself.
  void cut();

 private:
  enum class Wait : std::uint8_t {
    kNoData,
    kFirst
  };  // kFirst: nothing is expected yet, so do not try to read before waiting

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<bool> read_head();
  boost::asio::awaitable<HttpResponse> answer(HttpExchange& exchange);
  boost::asio::awaitable<bool> read_whole_body(HttpExchange& exchange, HttpResponse& refusal);
  boost::asio::awaitable<HttpResponse> stream_body(HttpExchange& exchange);
  boost::asio::awaitable<void> work(WorkPlace place, std::move_only_function<void()>& job);
  boost::asio::awaitable<bool> receive(Wait wait);
  boost::asio::awaitable<bool> send(const HttpResponse& response);
  boost::asio::awaitable<bool> send_bytes(std::string_view head, std::string_view body);
  std::int64_t untaken_bytes();
  boost::asio::awaitable<void> linger();

  std::string render_head(const HttpResponse& response, bool with_body) const;
  bool may_skip_body() const;
  bool reserve(std::size_t bytes);
  void hold_answer(std::size_t bytes);
  void release();
  void expires_in(std::int64_t ms);
  void never_expires();

  boost::asio::ip::tcp::socket socket_;
  IoThread& thread_;
  HttpCore& core_;
  RequestParser parser_;
  std::string pending_;  // received, not parsed
  std::int64_t deadline_ns_;
  std::size_t reserved_ = 0;    // of core_.buffered_bytes
  std::size_t inline_run_ = 0;  // requests answered since this connection last let others run
  std::size_t reads_ = 0;       // likewise
  bool idle_ = false;           // may be closed without anyone missing anything
  bool timed_out_ = false;
  bool close_ = false;  // after the answer that comes next
};

}  // namespace sextant
