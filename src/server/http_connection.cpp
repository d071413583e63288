#include "server/http_connection.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <exception>
#include <functional>
#include <limits>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

namespace sextant {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kStreamPiece = 256U << 10U;  // what a streamed body collects before a worker is asked
constexpr std::size_t kBodyStep = 64U << 10U;      // bytes of a whole body reserved ahead of those that came
constexpr std::size_t kAsideThreads = 2;           // one that waits does not keep the other from answering
constexpr std::uint64_t kSkippedBody =
    64U << 10U;                         // an unwanted body up to this size is read to keep the connection
constexpr std::size_t kInlineRun = 16;  // pipelined requests answered before other connections have a turn
constexpr std::size_t kReadRun = 16;    // reads of a fast sender likewise
constexpr std::size_t kKeptBuffer = 4U << 10U;  // of an idle connection
constexpr int kLingerMs = 10'000;               // for a client to stop sending what nobody reads
constexpr std::string_view kTooManyBytes =
    "too many bytes of requests and answers are being worked on; try again";

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// How long a client may still be waited for: the grace without progress, and in all no longer than the grace
// beside the time that its bytes take at the lowest rate.
class Pace {
 public:
  explicit Pace(const HttpServerOptions& options)
      : grace_ms_(options.transfer_timeout_ms),
        bytes_per_second_(std::max<std::size_t>(1, options.min_transfer_rate)),
        started_ns_(system_clock().monotonic_ns()) {}

  /// Of a client that has sent or taken `bytes` so far; not above 0: it was too slow.
  std::int64_t left_ms(std::uint64_t bytes) const {
    const std::int64_t spent_ms = (system_clock().monotonic_ns() - started_ns_) / 1'000'000;
    const auto earned_ms = static_cast<std::int64_t>(bytes * 1000 / bytes_per_second_);
    return std::min(grace_ms_ + earned_ms - spent_ms, grace_ms_);
  }
  /// Time that was ours, not the client's.
  void excuse(std::int64_t ns) { started_ns_ += ns; }

 private:
  std::int64_t grace_ms_;
  std::uint64_t bytes_per_second_;
  std::int64_t started_ns_;
};

}  // namespace

HttpCore::HttpCore(HttpServerOptions o, HttpApplication& a)
    : options(std::move(o)),
      application(a),
      readers("sextant-read", options.read_threads != 0 ? options.read_threads
                                                        : std::max(1U, std::thread::hardware_concurrency())),
      writers("sextant-write", std::max<std::size_t>(1, options.write_threads)),
      aside("sextant-aside", kAsideThreads) {}

HttpConnection::HttpConnection(tcp::socket socket, IoThread& thread, HttpCore& core)
    : socket_(std::move(socket)),
      thread_(thread),
      core_(core),
      parser_(core.options.max_header_bytes),
      deadline_ns_(kNever) {}

HttpConnection::~HttpConnection() {
  release();
  error_code ignored;
  socket_.close(ignored);
  const MutexLock lock(core_.mutex);
  --core_.connections;
  core_.quiet.notify_all();
}

asio::awaitable<void> HttpConnection::run() {
  thread_.connections.insert(this);
  error_code ec;
  socket_.non_blocking(true, ec);
  if (!ec) socket_.set_option(tcp::no_delay(true), ec);
  try {
    while (!ec && co_await serve_one()) {
    }
  } catch (const std::exception& exception) {
    // No memory for a body or an answer: this client loses its connection, the others theirs not.
    log_failure("connection_failed", {{"error", exception.what()}});
  }
  thread_.connections.erase(this);
}

// ---- Time ----

void HttpConnection::expires_in(std::int64_t ms) {
  timed_out_ = false;
  deadline_ns_ = system_clock().monotonic_ns() + ms * 1'000'000;
}

void HttpConnection::never_expires() { deadline_ns_ = kNever; }

void HttpConnection::on_tick() {
  if (thread_.now_ns < deadline_ns_) return;
  deadline_ns_ = kNever;
  timed_out_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void HttpConnection::on_stop() {
  if (idle_) cut();
}

void HttpConnection::cut() {
  error_code ignored;
  socket_.close(ignored);
}

// ---- One request ----

asio::awaitable<bool> HttpConnection::serve_one() {
  if (!co_await read_head()) co_return false;
  const RequestHead& head = parser_.head();
  close_ = !head.keep_alive;

  HttpResponse response;
  if (head.http11 && head.count("host") != 1) {
    close_ = true;
    response = core_.application.refuse(
        400, make_error(ErrorCode::kInvalidArgument, "an HTTP/1.1 request has exactly one Host header"));
    co_await send(response);
    co_return false;
  }

  const std::unique_ptr<HttpExchange> exchange = core_.application.begin(head);
  response = co_await answer(*exchange);
  release();
  hold_answer(response.body.size());
  if (core_.stopping.load(std::memory_order_relaxed)) close_ = true;
  if (!co_await send(response)) co_return false;
  response = {};
  release();
  if (close_) {
    if (!parser_.done()) co_await linger();
    co_return false;
  }
  parser_.next();
  if (pending_.empty()) {
    inline_run_ = 0;
  } else if (++inline_run_ >= kInlineRun) {
    inline_run_ = 0;
    co_await asio::post(thread_.context, asio::use_awaitable);
  }
  co_return true;
}

asio::awaitable<bool> HttpConnection::read_head() {
  if (pending_.empty()) {
    if (core_.stopping.load(std::memory_order_relaxed)) co_return false;
    if (pending_.capacity() > kKeptBuffer) pending_ = std::string();
    idle_ = true;
    expires_in(core_.options.idle_timeout_ms);
    const bool received = co_await receive(Wait::kFirst);
    idle_ = false;
    if (!received) co_return false;
  }
  expires_in(core_.options.header_timeout_ms);
  for (;;) {
    const Result<std::size_t> used = parser_.put(pending_);
    if (!used) {
      close_ = true;
      const int status = used.error().code == ErrorCode::kLimitExceeded     ? 431
                         : used.error().code == ErrorCode::kNotSupportedYet ? 501
                                                                            : 400;
      const HttpResponse refusal = core_.application.refuse(status, used.error());
      if (co_await send(refusal)) co_await linger();
      co_return false;
    }
    pending_.erase(0, *used);
    if (parser_.head_done()) break;
    if (co_await receive(Wait::kNoData)) continue;
    if (timed_out_) {
      close_ = true;
      const HttpResponse refusal = core_.application.refuse(
          408, make_error(ErrorCode::kDeadlineExceeded, "the request's head did not arrive within " +
                                                            std::to_string(core_.options.header_timeout_ms) +
                                                            " ms"));
      co_await send(refusal);
    }
    co_return false;
  }
  never_expires();
  co_return true;
}

bool HttpConnection::may_skip_body() const {
  const RequestHead& head = parser_.head();
  return !head.chunked && *head.content_length <= kSkippedBody && !head.expects_continue();
}

asio::awaitable<HttpResponse> HttpConnection::answer(HttpExchange& exchange) {
  HttpResponse response;
  const RequestHead& head = parser_.head();
  if (exchange.body_use == BodyUse::kIgnored && head.has_body()) {
    if (may_skip_body()) {
      exchange.max_body_bytes = kSkippedBody;
      if (!co_await read_whole_body(exchange, response)) co_return response;
      parser_.body().clear();
    } else {
      close_ = true;
    }
  } else if (head.has_body()) {
    const bool fits = head.content_length.value_or(0) <= exchange.max_body_bytes;
    if (head.expects_continue() && (fits || exchange.body_use == BodyUse::kStreamed)) {
      co_await send_bytes("HTTP/1.1 100 Continue\r\n\r\n", {});
    }
    if (exchange.body_use == BodyUse::kStreamed) co_return co_await stream_body(exchange);
    if (!co_await read_whole_body(exchange, response)) co_return response;
  } else if (exchange.body_use == BodyUse::kStreamed) {
    co_return co_await stream_body(exchange);
  }
  if (exchange.place != WorkPlace::kInline && exchange.place != WorkPlace::kAside && !reserve(reserved_)) {
    co_return exchange.refuse(429, make_error(ErrorCode::kBackpressure, std::string(kTooManyBytes)));
  }
  std::move_only_function<void()> job = [&] { response = exchange.respond(std::move(parser_.body())); };
  co_await work(exchange.place, job);
  co_return response;
}

asio::awaitable<bool> HttpConnection::read_whole_body(HttpExchange& exchange, HttpResponse& refusal) {
  const Pace pace(core_.options);
  const auto refuse = [&](int status, ErrorCode code, std::string message) {
    close_ = true;
    refusal = exchange.refuse(status, make_error(code, std::move(message)));
  };
  const std::optional<std::uint64_t> claimed = parser_.head().content_length;
  for (;;) {
    const std::size_t came = parser_.body().size();
    if (std::max<std::uint64_t>(claimed.value_or(0), came) > exchange.max_body_bytes) {
      refuse(413, ErrorCode::kPayloadTooLarge,
             "the request's body exceeds " + std::to_string(exchange.max_body_bytes) + " bytes");
      co_return false;
    }
    // What came and what may come next, not what is claimed: a claim alone must not keep others out.
    const std::size_t next = parser_.done() ? came : came + kBodyStep;
    if (!reserve(static_cast<std::size_t>(std::min<std::uint64_t>(next, claimed.value_or(next))))) {
      refuse(429, ErrorCode::kBackpressure, std::string(kTooManyBytes));
      co_return false;
    }
    if (parser_.done()) break;
    const Result<std::size_t> used = parser_.put(pending_);
    if (!used) {
      refuse(400, ErrorCode::kInvalidArgument, used.error().message);
      co_return false;
    }
    pending_.erase(0, *used);
    if (parser_.done() || parser_.body().size() > came) continue;  // the limits first
    expires_in(pace.left_ms(came));
    if (co_await receive(Wait::kNoData)) continue;
    if (timed_out_) {
      refuse(408, ErrorCode::kDeadlineExceeded, "the request's body did not arrive in time");
    } else {
      refuse(400, ErrorCode::kInvalidArgument, "the connection ended before the request's body");
    }
    co_return false;
  }
  never_expires();
  co_return true;
}

asio::awaitable<HttpResponse> HttpConnection::stream_body(HttpExchange& exchange) {
  HttpResponse response;
  std::optional<HttpResponse> early;
  std::move_only_function<void()> feed = [&] {
    early = exchange.feed(parser_.body());
    parser_.body().clear();
  };
  std::move_only_function<void()> finish = [&] { response = exchange.finish(); };
  const auto refuse = [&](int status, ErrorCode code, std::string message) {
    close_ = true;
    response = exchange.refuse(status, make_error(code, std::move(message)));
  };
  if (!reserve(exchange.max_body_bytes)) {
    refuse(429, ErrorCode::kBackpressure, std::string(kTooManyBytes));
    co_return response;
  }
  Pace pace(core_.options);
  std::uint64_t came = pending_.size();
  for (;;) {
    const Result<std::size_t> used = parser_.done() ? Result<std::size_t>(0) : parser_.put(pending_);
    if (!used) {
      // What came whole before is worth keeping, so the exchange decides what to say of it.
      refuse(400, ErrorCode::kInvalidArgument, used.error().message);
      co_return response;
    }
    pending_.erase(0, *used);
    if (parser_.done() || parser_.body().size() >= kStreamPiece) {
      never_expires();
      const std::int64_t fed_ns = system_clock().monotonic_ns();
      co_await work(exchange.place, feed);
      pace.excuse(system_clock().monotonic_ns() - fed_ns);
      if (early) {
        close_ = close_ || !parser_.done();
        co_return *std::move(early);
      }
      if (parser_.done()) break;
    }
    expires_in(pace.left_ms(came));
    const std::size_t waiting = pending_.size();
    if (co_await receive(Wait::kNoData)) {
      came += pending_.size() - waiting;
      continue;
    }
    if (timed_out_) {
      refuse(408, ErrorCode::kDeadlineExceeded, "the request's body did not arrive in time");
    } else {
      refuse(400, ErrorCode::kInvalidArgument, "the connection ended before the request's body");
    }
    co_return response;
  }
  co_await work(exchange.place, finish);
  co_return response;
}

// ---- Work elsewhere ----

asio::awaitable<void> HttpConnection::work(WorkPlace place, std::move_only_function<void()>& job) {
  if (place == WorkPlace::kInline) {
    job();
    co_return;
  }
  ThreadPool& pool = place == WorkPlace::kRead    ? core_.readers
                     : place == WorkPlace::kWrite ? core_.writers
                                                  : core_.aside;
  const auto initiate = [&pool, &job, this](auto&& handler) {
    const bool submitted =
        pool.submit([&job, this, resume = std::forward<decltype(handler)>(handler)]() mutable {
          job();
          asio::post(thread_.context, std::move(resume));
        });
    CHECK(submitted);  // there are fewer connections than a pool's queue holds
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
}

// Also tells whether what is reserved is still within the limit: answers count without being asked.
bool HttpConnection::reserve(std::size_t bytes) {
  const std::size_t more = std::max(bytes, reserved_) - reserved_;
  if (core_.buffered_bytes.fetch_add(more) + more > core_.options.max_buffered_bytes) {
    core_.buffered_bytes.fetch_sub(more);
    return false;
  }
  reserved_ += more;
  return true;
}

// An answer is there already, so it counts whatever the limit; those who ask next are refused.
void HttpConnection::hold_answer(std::size_t bytes) {
  core_.buffered_bytes.fetch_add(bytes);
  reserved_ += bytes;
}

void HttpConnection::release() {
  core_.buffered_bytes.fetch_sub(reserved_);
  reserved_ = 0;
}

// ---- Bytes ----

asio::awaitable<bool> HttpConnection::receive(Wait wait) {
  error_code ec;
  if (wait == Wait::kFirst) {
    co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) co_return false;
  }
  if (++reads_ >= kReadRun) {
    reads_ = 0;
    co_await asio::post(thread_.context, asio::use_awaitable);
    if (timed_out_) co_return false;  // while others had their turn: nothing would end the wait any more
  }
  for (;;) {
    const std::size_t size = socket_.read_some(asio::buffer(thread_.scratch), ec);
    if (!ec) {
      pending_.append(thread_.scratch.data(), size);
      co_return true;
    }
    if (ec != asio::error::would_block) co_return false;
    reads_ = 0;
    co_await socket_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, ec));
    if (ec || timed_out_) co_return false;
  }
}

std::string HttpConnection::render_head(const HttpResponse& response, bool with_body) const {
  std::string head;
  head.reserve(256);
  head += "HTTP/1.1 ";
  append_number(head, static_cast<std::size_t>(response.status));
  head += ' ';
  head += reason_phrase(response.status);
  head += "\r\nDate: ";
  head += thread_.date;
  if (with_body) {
    head += "\r\nContent-Type: ";
    head += response.content_type;
    head += "\r\nContent-Length: ";
    append_number(head, response.body.size());
  }
  for (const auto& [name, value] : response.headers) {
    head += "\r\n";
    head += name;
    head += ": ";
    head += value;
  }
  if (close_) {
    head += "\r\nConnection: close";
  } else if (!parser_.head().http11) {
    head += "\r\nConnection: keep-alive";
  }
  head += "\r\n\r\n";
  return head;
}

asio::awaitable<bool> HttpConnection::send(const HttpResponse& response) {
  const bool with_body = !response.content_type.empty();
  const std::string head = render_head(response, with_body);
  const bool omit = parser_.head().method == HttpMethod::kHead;
  co_return co_await send_bytes(head, omit ? std::string_view() : std::string_view(response.body));
}

// Bytes that the kernel holds for the client, which has not taken them yet.
std::int64_t HttpConnection::untaken_bytes() {
  int bytes = 0;
  return ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

asio::awaitable<bool> HttpConnection::send_bytes(std::string_view head, std::string_view body) {
  const Pace pace(core_.options);
  std::int64_t written = 0;
  std::optional<std::int64_t> taken_first;  // before the first wait; below 0 while an answer before is left
  error_code ec;
  while (!head.empty() || !body.empty()) {
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head), asio::buffer(body)};
    const std::size_t sent = socket_.write_some(buffers, ec);
    if (!ec) {
      const std::size_t of_head = std::min(sent, head.size());
      head.remove_prefix(of_head);
      body.remove_prefix(sent - of_head);
      written += static_cast<std::int64_t>(sent);
      continue;
    }
    if (ec != asio::error::would_block) co_return false;
    // A slow client takes much of what the kernel holds before there is room for more; that is progress too.
    const std::int64_t taken = written - untaken_bytes();
    if (!taken_first) taken_first = taken;
    const std::int64_t left_ms = pace.left_ms(static_cast<std::uint64_t>(taken - *taken_first));
    if (left_ms <= 0) co_return false;
    expires_in(left_ms);
    co_await socket_.async_wait(tcp::socket::wait_write, asio::redirect_error(asio::use_awaitable, ec));
    if (!ec) continue;
    const bool stuck = written - untaken_bytes() <= taken;
    if (!timed_out_ || stuck) co_return false;
  }
  never_expires();
  co_return true;
}

asio::awaitable<void> HttpConnection::linger() {
  // Closing with unread bytes resets the connection, and the reset can overtake the answer.
  error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  if (ec) co_return;
  idle_ = true;
  expires_in(kLingerMs);
  for (;;) {
    pending_.clear();
    if (core_.stopping.load(std::memory_order_relaxed)) co_return;
    if (!co_await receive(Wait::kNoData)) co_return;
    if (timed_out_) co_return;
  }
}

}  // namespace sextant
