// What the HTTP server asks of whoever answers requests: an exchange for each, told apart by where it works
// and what it wants of the body.
//
// Thread rule: begin() and refuse() are called on I/O threads and must not block. The calls of one exchange
// come one after another, each on the thread its `place` names. Nothing here throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "server/http_message.h"

namespace sextant {

enum class WorkPlace : std::uint8_t {
  kInline,  // on the I/O thread: for what takes microseconds and never waits
  kRead,    // on the pool of one thread a core
  kWrite,   // on the pool of many threads, which wait for commits
  kAside,   // on threads that nothing else uses: for what must be answered while all others are busy
};

enum class BodyUse : std::uint8_t {
  kIgnored,   // respond("") at once
  kWhole,     // respond(body)
  kStreamed,  // feed() piece by piece, then finish()
};

/// One request being answered. Destroyed when its answer is written or its connection is gone.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  WorkPlace place = WorkPlace::kInline;
  BodyUse body_use = BodyUse::kIgnored;
  std::size_t max_body_bytes =
      0;  // of a whole body: beyond it refuse(413); of a streamed one: what is held of it

  virtual HttpResponse respond(std::string body) = 0;
  /// Takes the next piece of a streamed body. An answer ends the request, whatever of the body is still to
  /// come.
  virtual std::optional<HttpResponse> feed(std::string_view /*piece*/) { return std::nullopt; }
  /// The whole of a streamed body was fed.
  virtual HttpResponse finish() { return {}; }
  /// The request ends without an answer of the exchange: its body was too large, malformed or too slow.
  virtual HttpResponse refuse(int status, Error error) = 0;
};

class HttpApplication {
 public:
  virtual ~HttpApplication() = default;
  virtual std::unique_ptr<HttpExchange> begin(const RequestHead& head) = 0;
  /// An answer for what never became a request: not HTTP, a head too large or too slow, too many connections.
  virtual HttpResponse refuse(int status, Error error) = 0;
};

}  // namespace sextant
