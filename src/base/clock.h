// The one seam under time.
#pragma once

#include <atomic>
#include <cstdint>

namespace sextant {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Milliseconds since 1970-01-01 UTC; may step.
  virtual std::int64_t unix_ms() = 0;
  /// Nanoseconds from an arbitrary start; never goes back.
  virtual std::int64_t monotonic_ns() = 0;
};

/// The machine's clocks. Never destroyed.
Clock& system_clock();

/// A clock that stands still until told otherwise. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t unix_ms = 1'700'000'000'000) : unix_ms_(unix_ms) {}
  std::int64_t unix_ms() override { return unix_ms_.load(); }
  std::int64_t monotonic_ns() override { return monotonic_ns_.load(); }
  void advance_ms(std::int64_t ms) {
    unix_ms_ += ms;
    monotonic_ns_ += ms * 1'000'000;
  }

 private:
  std::atomic<std::int64_t> unix_ms_;
  std::atomic<std::int64_t> monotonic_ns_{1};
};

}  // namespace sextant
