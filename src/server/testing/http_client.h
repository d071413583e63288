// HttpClient: a raw socket for tests, so that they can send what no library would.
//
// One thread. Waits at most kPatienceMs for the server; then it gives up, and the answer is empty.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sextant {

struct HttpAnswer {
  int status = 0;  // 0: the connection ended instead
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};

  /// The value of a header, "" when there is none.
  std::string header(std::string_view name) const;
};

class HttpClient {
 public:
  static constexpr int kPatienceMs = 60'000;

  /// Connects to "127.0.0.1:PORT" or "[::1]:PORT".
  explicit HttpClient(const std::string& address);
  ~HttpClient();
  HttpClient(HttpClient&& other) noexcept;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends all of it; false when the server has closed the connection.
  bool send(std::string_view bytes);
  /// The next answer. `head_only` for the answer to a HEAD.
  enum class Expect : char { kBody, kHeadOnly };
  HttpAnswer read(Expect expect = Expect::kBody);
  /// Sends one request with a JSON body (none if empty) and reads its answer.
  HttpAnswer ask(std::string_view method, std::string_view target, std::string_view body = {},
                 std::string_view more_headers = {});
  /// Whether the server has sent anything that was not read.
  bool has_answer();
  /// Whether the server ends the connection without another byte.
  bool is_closed();
  /// No more from us, while the server's answers are still read.
  void finish_sending();
  void close();

 private:
  bool receive();

  int socket_ = -1;
  std::string buffer_;
};

/// A request as text: Host, and Content-Length with a JSON body.
std::string http_request(std::string_view method, std::string_view target, std::string_view body = {},
                         std::string_view more_headers = {});

}  // namespace sextant
