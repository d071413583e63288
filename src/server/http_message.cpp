#include "server/http_message.h"

#include <algorithm>
#include <array>

namespace sextant {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view method_name(HttpMethod method) {
  static constexpr std::array<std::string_view, 8> kNames = {"GET",   "HEAD",   "POST",    "PUT",
                                                             "PATCH", "DELETE", "OPTIONS", "other"};
  return kNames[static_cast<std::size_t>(method)];
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> RequestHead::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers_) {
    if (at(name) == lower_case_name) return at(value);
  }
  return std::nullopt;
}

std::size_t RequestHead::count(std::string_view lower_case_name) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      headers_, [&](const auto& header) { return at(header.first) == lower_case_name; }));
}

bool RequestHead::expects_continue() const {
  return http11 && equals_ignoring_case(header("expect").value_or(""), "100-continue");
}

void RequestHead::clear() {
  text_.clear();
  headers_.clear();
  method = HttpMethod::kOther;
  http11 = true;
  keep_alive = true;
  chunked = false;
  content_length.reset();
  target_ = {};
}

void RequestHead::add_header(std::string_view name, std::string_view value) {
  const Span kept = keep(name);
  std::ranges::transform(text_.begin() + kept.offset, text_.end(), text_.begin() + kept.offset, lower);
  headers_.emplace_back(kept, keep(value));
}

RequestHead::Span RequestHead::keep(std::string_view text) {
  const Span span{static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())};
  text_.append(text);
  return span;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

}  // namespace sextant
