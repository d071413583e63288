// HTTP messages as plain data: the head of a request as it was read, and the answer to it.
//
// Nothing here knows sockets or Beast. Values; a RequestHead's views live as long as it does and is not
// changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sextant {

enum class HttpMethod : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

/// "GET", ...; "other" for methods we do not serve.
std::string_view method_name(HttpMethod method);

/// Request line and headers. All text lies in one string, so that reading a request allocates little.
class RequestHead {
 public:
  HttpMethod method = HttpMethod::kOther;
  bool http11 = true;
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length = {};

  std::string_view target() const { return at(target_); }
  /// The first header of this name, which must be given in lower case.
  std::optional<std::string_view> header(std::string_view lower_case_name) const;
  std::size_t count(std::string_view lower_case_name) const;
  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
  bool expects_continue() const;
  std::size_t bytes() const { return text_.size(); }

  void clear();
  void set_target(std::string_view target) { target_ = keep(target); }
  void add_header(std::string_view name, std::string_view value);

 private:
  struct Span {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  Span keep(std::string_view text);
  std::string_view at(Span span) const { return std::string_view(text_).substr(span.offset, span.size); }

  std::string text_;
  Span target_;
  std::vector<std::pair<Span, Span>> headers_;  // names in lower case
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // empty: there is no body
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};

/// "OK", "Not Found", ...
std::string_view reason_phrase(int status);

/// Equal but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace sextant
