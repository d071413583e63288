// HttpClient: outgoing HTTP requests, by libcurl. One connection is kept open between requests to the same
// server.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace sextant {

struct OutgoingRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  long timeout_ms = 60'000;
};

struct OutgoingResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

/// One thread at a time. Proxies of the environment are not used for loopback addresses nor for the hosts
/// of no_proxy (or NO_PROXY). Redirects are not
/// followed.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  /// Any status is a response; kUnavailable when there is none (no connection, time-out, cut off) saying why.
  Result<OutgoingResponse> send(const OutgoingRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sextant
