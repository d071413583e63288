// HttpCounters: how many requests were answered with which status, as Prometheus text beside the service's
// own metrics.
//
// Thread-safe, lock-free.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "server/http_server.h"

namespace sextant {

class HttpCounters {
 public:
  void count(int status, std::size_t response_bytes);
  /// The text exposition format, version 0.0.4.
  std::string render(const HttpServerStats& stats) const;

 private:
  static constexpr int kFirst = 100;
  static constexpr int kLast = 599;
  std::array<std::atomic<std::uint64_t>, kLast - kFirst + 1> by_status_{};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace sextant
