// ListenAddress: "host:port" as an operator writes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant {

struct ListenAddress {
  std::string host;  // an IP address without brackets; "localhost" was made 127.0.0.1
  std::uint16_t port = 0;
  bool loopback = false;

  /// "127.0.0.1:7878", "[::1]:7878"
  std::string to_string() const;
};

/// Accepts 127.0.0.1:7878, [::1]:7878, localhost:7878; port 0 asks the system for a free one.
/// kInvalidArgument otherwise.
Result<ListenAddress> parse_listen_address(std::string_view text);

/// Whether a Host header names this machine's loopback: localhost, 127.x.x.x or [::1], with or without a
/// port.
bool names_loopback(std::string_view host_header);

}  // namespace sextant
