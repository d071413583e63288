#include "server/http_server.h"

#include <pthread.h>

// clang-format off
#include <utility>  // first, see http_connection.h
// clang-format on
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <ctime>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "server/http_connection.h"

namespace sextant {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when the system has no descriptors left

std::string http_date() {
  const std::time_t now = static_cast<std::time_t>(system_clock().unix_ms() / 1000);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

asio::awaitable<void> run_connection(std::shared_ptr<HttpConnection> connection) {
  co_await connection->run();
}

std::string cannot_listen(const ListenAddress& address, const error_code& ec) {
  const std::string where = "cannot listen on " + address.to_string() + ": ";
  if (ec == asio::error::address_in_use) return where + "the address is already in use by another process";
  return where + ec.message();
}

}  // namespace

struct HttpServer::Impl {
  Impl(const HttpServerOptions& options, HttpApplication& application) : core(options, application) {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, options.io_threads); ++i) {
      threads.push_back(std::make_unique<IoThread>());
    }
    acceptor.emplace(threads.front()->context);
  }

  Status listen() {
    error_code ec;
    const tcp::endpoint endpoint(asio::ip::make_address(core.options.address.host, ec),
                                 core.options.address.port);
    if (!ec) acceptor->open(endpoint.protocol(), ec);
    if (!ec) acceptor->set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor->bind(endpoint, ec);
    if (!ec) acceptor->listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) bound.port = acceptor->local_endpoint(ec).port();
    if (ec) return fail(ErrorCode::kIo, cannot_listen(core.options.address, ec));
    bound.host = core.options.address.host;
    return {};
  }

  void run() {
    for (std::size_t i = 0; i < threads.size(); ++i) {
      IoThread& thread = *threads[i];
      thread.date = http_date();
      tick(thread);
      thread.thread = std::thread([&thread, i] {
        pthread_setname_np(pthread_self(), ("sextant-io-" + std::to_string(i)).c_str());
        thread.context.run();
      });
    }
    asio::co_spawn(threads.front()->context, accept(), asio::detached);
  }

  void tick(IoThread& thread) {
    thread.now_ns = system_clock().monotonic_ns();
    thread.date = http_date();
    for (HttpConnection* connection : thread.connections) connection->on_tick();
    thread.timer.expires_after(std::chrono::milliseconds(core.options.tick_ms));
    thread.timer.async_wait([this, &thread](const error_code& ec) {
      if (!ec) tick(thread);
    });
  }

  asio::awaitable<void> accept() {
    std::size_t next = 0;
    asio::steady_timer pause(threads.front()->context);
    while (!core.stopping.load()) {
      IoThread& thread = *threads[next++ % threads.size()];
      tcp::socket socket(thread.context);
      error_code ec;
      co_await acceptor->async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
      if (ec == asio::error::operation_aborted || !acceptor->is_open()) co_return;
      if (ec) {
        log_warning("accept_failed", {{"error", ec.message()}});
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        continue;
      }
      if (!count_in()) {
        turn_away(socket);
        continue;
      }
      auto connection = std::make_shared<HttpConnection>(std::move(socket), thread, core);
      asio::co_spawn(thread.context, run_connection(std::move(connection)), asio::detached);
    }
  }

  bool count_in() {
    const MutexLock lock(core.mutex);
    if (core.connections >= core.options.max_connections) return false;
    ++core.connections;
    return true;
  }

  void turn_away(tcp::socket& socket) {
    const HttpResponse refusal = core.application.refuse(
        503, make_error(ErrorCode::kBackpressure,
                        "all " + std::to_string(core.options.max_connections) + " connections are taken"));
    const std::string bytes =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: " +
        refusal.content_type + "\r\nContent-Length: " + std::to_string(refusal.body.size()) + "\r\n\r\n" +
        refusal.body;
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(bytes), ignored);
  }

  /// Runs `each` on all connections, each on its own thread.
  void tell_connections(void (HttpConnection::*each)()) {
    for (const auto& thread : threads) {
      asio::post(thread->context, [&thread = *thread, each] {
        for (HttpConnection* connection : thread.connections) (connection->*each)();
      });
    }
  }

  bool quiet_within(std::chrono::milliseconds grace) {
    const auto end = std::chrono::steady_clock::now() + grace;
    const MutexLock lock(core.mutex);
    while (core.connections > 0) {
      const auto left = end - std::chrono::steady_clock::now();
      if (left <= std::chrono::steady_clock::duration::zero()) return false;
      core.quiet.wait_for(core.mutex, left);
    }
    return true;
  }

  void stop(int grace_ms) {
    const MutexLock lock(stop_mutex);
    if (stopped) return;
    stopped = true;
    core.stopping.store(true);
    asio::post(threads.front()->context, [this] {
      error_code ignored;
      acceptor->close(ignored);
    });
    tell_connections(&HttpConnection::on_stop);
    if (!quiet_within(std::chrono::milliseconds(grace_ms))) {
      tell_connections(&HttpConnection::cut);
      // What is left works for clients that are gone; it must end before what it uses does.
      while (!quiet_within(std::chrono::seconds(1))) tell_connections(&HttpConnection::cut);
    }
    for (const auto& thread : threads) thread->context.stop();
    for (const auto& thread : threads) {
      if (thread->thread.joinable()) thread->thread.join();
    }
  }

  HttpCore core;
  std::vector<std::unique_ptr<IoThread>> threads;
  std::optional<tcp::acceptor> acceptor;
  ListenAddress bound;
  Mutex stop_mutex;
  bool stopped GUARDED_BY(stop_mutex) = false;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { stop(0); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpServerOptions& options,
                                                      HttpApplication& application) {
  auto impl = std::make_unique<Impl>(options, application);
  TRY(impl->listen());
  impl->run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::string HttpServer::address() const { return impl_->bound.to_string(); }

HttpServerStats HttpServer::stats() const {
  HttpServerStats stats;
  stats.buffered_bytes = impl_->core.buffered_bytes.load();
  const MutexLock lock(impl_->core.mutex);
  stats.connections = impl_->core.connections;
  return stats;
}

void HttpServer::stop(int grace_ms) { impl_->stop(grace_ms); }

}  // namespace sextant
