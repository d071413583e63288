#include "base/clock.h"

#include <chrono>

namespace sextant {
namespace {

class SystemClock final : public Clock {
 public:
  std::int64_t unix_ms() override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t monotonic_ns() override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

Clock& system_clock() {
  static Clock& clock = *new SystemClock;
  return clock;
}

}  // namespace sextant
