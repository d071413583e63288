#include "server/listen_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "server/http_message.h"

namespace sextant {

namespace {

std::unexpected<Error> malformed(std::string_view text) {
  return fail(ErrorCode::kInvalidArgument,
              "'" + std::string(text) +
                  "' is no address to listen on: write an IP address or localhost, a colon and a port, as in "
                  "127.0.0.1:7878 or [::1]:7878");
}

}  // namespace

std::string ListenAddress::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return malformed(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  ListenAddress address;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return malformed(text);

  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    address.host = host.substr(1, host.size() - 2);
    in6_addr v6{};
    if (inet_pton(AF_INET6, address.host.c_str(), &v6) != 1) return malformed(text);
    address.loopback = IN6_IS_ADDR_LOOPBACK(&v6) != 0;
    return address;
  }
  address.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  in_addr v4{};
  if (inet_pton(AF_INET, address.host.c_str(), &v4) != 1) return malformed(text);
  address.loopback = (ntohl(v4.s_addr) >> 24U) == 127;
  return address;
}

bool names_loopback(std::string_view host_header) {
  std::string_view host = host_header;
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && !host.ends_with(']')) {
    if (!std::ranges::all_of(host.substr(colon + 1), [](char c) { return c >= '0' && c <= '9'; }))
      return false;
    host = host.substr(0, colon);
  }
  if (equals_ignoring_case(host, "localhost")) return true;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    in6_addr v6{};
    const std::string text(host.substr(1, host.size() - 2));
    return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6) != 0;
  }
  in_addr v4{};
  return inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24U) == 127;
}

}  // namespace sextant
