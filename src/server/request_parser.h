// RequestParser: bytes of a connection in, one HTTP/1.x request after another out. Boost.Beast's grammar, our
// memory.
//
// Repeat: put() until head_done(); decide about the body; put() until done(), taking body() away meanwhile if
// it is not wanted whole; next(). Thread rule: one thread. The head stays valid until next().
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http_message.h"

namespace sextant {

class RequestParser {
 public:
  explicit RequestParser(std::size_t max_header_bytes);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Reads from the front of `bytes` and returns how many were used up; those left must be given again, with
  /// more behind them. Never reads beyond the head before the head is done, nor beyond the request. Errors:
  /// kInvalidArgument for what is not HTTP, kLimitExceeded for a head beyond the limit, kNotSupportedYet for
  /// a transfer coding we do not know; then nothing more can be read from this connection.
  Result<std::size_t> put(std::string_view bytes);

  bool head_done() const;
  bool done() const;
  const RequestHead& head() const;
  /// What of the body was read and not taken away.
  std::string& body();

  /// Ready for the next request of the connection.
  void next();

 private:
  class Grammar;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sextant
