// RequestContext: who asks, until when, and under which trace. Passed with every call, kept by nobody.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace sextant {

enum class Role : std::uint8_t { kReader, kWriter, kAdmin };
enum class Consistency : std::uint8_t { kStrong, kStaleOk };

struct RequestContext {
  std::string user = "local";
  Role role = Role::kAdmin;
  Consistency consistency = Consistency::kStrong;
  std::string trace_id;  // 32 lower-case hex digits (W3C trace context), or empty
  std::int64_t deadline_ns = std::numeric_limits<std::int64_t>::max();  // by clock->monotonic_ns()
  Clock* clock = &system_clock();

  bool expired() const {
    return deadline_ns != std::numeric_limits<std::int64_t>::max() && clock->monotonic_ns() >= deadline_ns;
  }
  /// kDeadlineExceeded when the deadline has passed; `doing` completes "deadline exceeded while ...".
  Status check_deadline(const char* doing) const;
};

}  // namespace sextant
