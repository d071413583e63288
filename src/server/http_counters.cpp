#include "server/http_counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sextant {

void HttpCounters::count(int status, std::size_t response_bytes) {
  by_status_[static_cast<std::size_t>(std::clamp(status, kFirst, kLast) - kFirst)].fetch_add(
      1, std::memory_order_relaxed);
  bytes_.fetch_add(response_bytes, std::memory_order_relaxed);
}

std::string HttpCounters::render(const HttpServerStats& stats) const {
  std::string text =
      "# HELP sextant_http_requests_total Requests answered, by status.\n"
      "# TYPE sextant_http_requests_total counter\n";
  const auto out = std::back_inserter(text);
  for (int status = kFirst; status <= kLast; ++status) {
    const std::uint64_t count =
        by_status_[static_cast<std::size_t>(status - kFirst)].load(std::memory_order_relaxed);
    if (count > 0) fmt::format_to(out, "sextant_http_requests_total{{status=\"{}\"}} {}\n", status, count);
  }
  const auto metric = [&](std::string_view name, std::string_view type, std::string_view help,
                          std::uint64_t value) {
    fmt::format_to(out, "# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, type, help, value);
  };
  metric("sextant_http_response_bytes_total", "counter", "Bytes of bodies answered.",
         bytes_.load(std::memory_order_relaxed));
  metric("sextant_http_connections", "gauge", "Connections open.", stats.connections);
  metric("sextant_http_buffered_bytes", "gauge", "Bytes of bodies held, of requests and of answers.",
         stats.buffered_bytes);
  return text;
}

}  // namespace sextant
