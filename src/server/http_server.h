// HttpServer: HTTP/1.1 on one address. Coroutines on a few I/O threads read and write; pools of workers
// answer.
//
// A connection has one request worked on at a time; those pipelined behind it wait in its buffer or in the
// kernel. Time-outs are kept by one coarse timer a thread. A body beyond what its exchange allows is refused
// before it is read. Thread rule: stop() and stats() from any thread. The application must outlive the
// server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "server/http_exchange.h"
#include "server/listen_address.h"

namespace sextant {

struct HttpServerOptions {
  ListenAddress address;
  std::size_t io_threads = 1;
  std::size_t read_threads = 0;    // 0: one a core
  std::size_t write_threads = 64;  // most of them wait for commits
  std::size_t max_connections = 10'000;
  std::size_t max_header_bytes = 16U << 10U;
  // Bodies being read or worked on and answers not yet taken, all together: beyond it 429.
  std::size_t max_buffered_bytes = 512ULL << 20U;
  int idle_timeout_ms = 75'000;      // between requests
  int header_timeout_ms = 10'000;    // from a request's first byte to the end of its head
  int transfer_timeout_ms = 30'000;  // without progress of a body or an answer
  // Bytes a second: while we wait for a client, its body or answer must not be slower on average.
  std::size_t min_transfer_rate = 4'096;
  int tick_ms = 250;  // how coarse the timer is
};

struct HttpServerStats {
  std::size_t connections = 0;
  std::size_t buffered_bytes = 0;  // of requests and of answers that are not sent yet
};

class HttpServer {
 public:
  /// Listens and starts the threads. kIo when the address cannot be had; the message says why.
  static Result<std::unique_ptr<HttpServer>> start(const HttpServerOptions& options,
                                                   HttpApplication& application);
  /// stop(0).
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Where it listens, with the port that the system gave: "127.0.0.1:7878".
  std::string address() const;
  HttpServerStats stats() const;

  /// Stops accepting, closes idle connections, lets requests in flight finish and closes their connections.
  /// After `grace_ms` connections that still wait for their client are cut. Returns when everything is quiet;
  /// a second call waits likewise.
  void stop(int grace_ms);

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sextant
